"""Registration at once gives what the SDK's own registration gives: the same views, the same outputs, the same errors."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pulumi
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.wishes import NAME, write_large_environment
from gpuplane.catalog import catalog_of
from gpuplane.delivery import prompt_registration, registration
from gpuplane.delivery.offline_engine import RecordingMonitor, render, run_program
from gpuplane.delivery.prompt_registration import is_checked, registering_at_once
from gpuplane.delivery.tenant_renders import TenantRenders
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning import plan
from gpuplane.spec.loader import environment_names, load_environment
from tests.delivery.any_programs import of_any_inputs
from tests.delivery.registered_programs import PROGRAMS, an_error_above, one_thing
from tests.delivery.registered_things import Seen, Thing

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT / "environments", *sorted(ROOT.glob("docs/examples/*/environments"))]
ENVIRONMENTS = [(folder, name) for folder in FOLDERS for name in environment_names(folder)]

Told = list[dict[str, Any]]


def _told(views: tuple[ResourceView, ...] | list[ResourceView]) -> Told:
    """All fields; ``repr`` tells 1 from 1.0 and from True, and the order of keys."""
    return [{key: repr(value) for key, value in asdict(view).items()} for view in sorted(views, key=lambda view: (view.urn, repr(view)))]


def _environment(folder: Path, name: str) -> tuple[Told, Told]:
    spec = load_environment(folder, name)
    planned = plan(spec, catalog_of(spec), date(2026, 11, 21))
    return _told(render(spec, planned)), _told(render(spec, planned, renders=TenantRenders()))


def _ran(program: Callable[[Seen], None]) -> tuple[Told, list[str], str]:
    """Views, what the program saw of outputs, and the error that it ended with."""
    monitor, seen = RecordingMonitor("tenants"), Seen()
    try:
        run_program(lambda: program(seen), monitor, "test")
    except Exception as found:
        return [], [], re.sub(r"0x[0-9a-f]+", "", f"{type(found).__name__}: {found}")
    return _told(monitor.views), sorted(seen.told), ""


@pytest.fixture
def by_sdk(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], Any]:
    """Has something done with the SDK's own registration."""
    def done(work: Callable[[], Any]) -> Any:
        with monkeypatch.context() as patched:
            patched.setattr(prompt_registration, "is_checked", lambda: False)
            return work()
    return done


@pytest.fixture
def left_to_sdk(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Types of what is left to the SDK."""
    found: list[str] = []
    whole = registration.register_resource  # type: ignore[attr-defined]  # it imports it

    def counted(res: pulumi.Resource, ty: str, *others: Any) -> None:
        found.append(ty)
        whole(res, ty, *others)

    monkeypatch.setattr(prompt_registration, "register_resource", counted)
    monkeypatch.setattr(registration, "register_resource", counted)
    return found


def test_the_installed_version_was_checked() -> None:
    assert is_checked(), "compare the SDK's registration with ours, then name the version in CHECKED"


@pytest.mark.parametrize(("folder", "name"), ENVIRONMENTS, ids=[f"{folder.parent.name}-{name}" for folder, name in ENVIRONMENTS])
def test_every_environment_is_the_same(folder: Path, name: str, by_sdk: Callable[[Callable[[], Any]], Any]) -> None:
    assert _environment(folder, name) == by_sdk(lambda: _environment(folder, name))


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tenants=st.integers(1, 9), services=st.integers(1, 6))
def test_generated_environments_are_the_same(tenants: int, services: int, tmp_path_factory: pytest.TempPathFactory,
                                             by_sdk: Callable[[Callable[[], Any]], Any]) -> None:
    folder = tmp_path_factory.mktemp("environments")
    write_large_environment(folder, tenants, services)
    assert _environment(folder, NAME) == by_sdk(lambda: _environment(folder, NAME))


def test_of_an_ordinary_environment_nothing_is_left_to_the_sdk(tmp_path: Path, left_to_sdk: list[str]) -> None:
    write_large_environment(tmp_path, 2, 3)
    _environment(tmp_path, NAME)
    assert set(left_to_sdk) == {"pulumi:pulumi:Stack"}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_every_program_is_the_same(program: Callable[[Seen], None], by_sdk: Callable[[Callable[[], Any]], Any]) -> None:
    ours, theirs = _ran(program), by_sdk(lambda: _ran(program))
    assert ours == theirs
    assert theirs[0] or theirs[2]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(program=of_any_inputs())
def test_any_inputs_are_the_same(program: Callable[[Seen], None], by_sdk: Callable[[Callable[[], Any]], Any]) -> None:
    assert _ran(program) == by_sdk(lambda: _ran(program))


def test_an_error_is_told_with_what_it_kept_from_being_registered(by_sdk: Callable[[Callable[[], Any]], Any]) -> None:
    ours, theirs = _ran(an_error_above)[2], by_sdk(lambda: _ran(an_error_above))[2]
    assert ours.startswith("ValueError: While processing resource: 'below")
    assert ours.endswith(theirs[theirs.index("While processing resource: 'provider'"):])


def test_an_sdk_that_nobody_compared_registers_itself(monkeypatch: pytest.MonkeyPatch, left_to_sdk: list[str]) -> None:
    monkeypatch.setattr(prompt_registration, "CHECKED", frozenset({"0.0.1"}))
    is_checked.cache_clear()
    try:
        own = pulumi.resource.register_resource  # type: ignore[attr-defined]  # it imports it
        with registering_at_once(RecordingMonitor()):
            assert pulumi.resource.register_resource is own  # type: ignore[attr-defined]
        views, _, error = _ran(one_thing)
    finally:
        is_checked.cache_clear()
    assert (len(views), error, left_to_sdk) == (1, "", [])


def test_afterwards_the_sdk_is_as_it_was() -> None:
    before = pulumi.resource.register_resource, pulumi.resource.register_resource_outputs  # type: ignore[attr-defined]
    with registering_at_once(RecordingMonitor()):
        with registering_at_once(RecordingMonitor()):
            pass
        assert pulumi.resource.register_resource is not before[0]  # type: ignore[attr-defined]
    with pytest.raises(ZeroDivisionError), registering_at_once(RecordingMonitor()):
        raise ZeroDivisionError
    assert (pulumi.resource.register_resource, pulumi.resource.register_resource_outputs) == before  # type: ignore[attr-defined]


def test_another_thread_registers_by_the_sdk(left_to_sdk: list[str]) -> None:
    class Sdk(RecordingMonitor):
        """Answers in its own way, so nothing is recorded past it."""

        def RegisterResource(self, request: Any) -> Any:  # noqa: N802 the name of the RPC
            return super().RegisterResource(request)

    with registering_at_once(RecordingMonitor()):
        thread = threading.Thread(target=lambda: run_program(lambda: one_thing(Seen()), Sdk(), "test"))
        thread.start()
        thread.join()
    assert left_to_sdk == ["pulumi:pulumi:Stack", "test:index:Thing"]


def test_outputs_cost_nothing_until_somebody_asks() -> None:
    made: list[Thing] = []
    run_program(lambda: made.append(Thing("one", {"a": 1, "b": [True]})), RecordingMonitor(), "test")
    assert isinstance(made[0].a, pulumi.Output)
    assert all(made[0].__dict__[key]._made is None for key in ("urn", "id", "a", "b"))


def test_an_output_is_one_future_however_often_it_is_asked_for() -> None:
    async def asked(thing: Thing) -> None:
        first, again = thing.a._data, thing.a._data
        assert first is again
        assert (await asyncio.gather(first, again))[0].value == 1.0

    def program() -> None:
        checked: pulumi.Output[None] = pulumi.Output.from_input(asked(Thing("one", {"a": 1})))
        assert checked is not None

    run_program(program, RecordingMonitor(), "test")
