"""The time limit of a rehearsal: what it cuts off is unfinished, and never a disagreement."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from gpuplane.delivery.rehearsal.applied import Rehearsable, apply_all
from gpuplane.delivery.rehearsal.stage import OutOfTime, Stage
from gpuplane.graph.resource_view import ResourceView


class _Nobody:
    """A cluster in which nothing happens: it waits as long as it is asked to."""

    def wait(self, _holds: Callable[[], bool], seconds: float, *_: float) -> bool:
        time.sleep(min(seconds, 0.1))
        return False


class _Server:
    def __init__(self) -> None:
        self.applied: list[str] = []

    def apply(self, body: Any) -> None:
        self.applied.append(body["metadata"]["name"])


def _stage(limit_seconds: float) -> Stage:
    nothing: Any = None
    return Stage(nothing, nothing, nothing, (), _Nobody(), print, time.monotonic() + limit_seconds, nothing)  # type: ignore[arg-type]


def test_what_the_limit_cuts_off_is_no_answer() -> None:
    with pytest.raises(OutOfTime, match="Raise --limit"):
        _stage(0.05).settle(lambda: False)


def test_what_does_not_come_within_the_limit_is_one() -> None:
    assert _stage(1000).settle(lambda: False) is False


def test_nothing_is_applied_any_more_once_the_limit_has_passed() -> None:
    views = tuple(ResourceView(f"urn:{number}", "kubernetes:core/v1:ConfigMap", "v1", "ConfigMap", "", f"c{number}",
                               {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"c{number}"}}) for number in range(50))
    server: Any = _Server()

    with pytest.raises(OutOfTime):
        apply_all(server, Rehearsable((views[:10], views[10:]), ()), "prod", print, _ends_after(20))

    assert 10 <= len(server.applied) <= 20


def _ends_after(times: int) -> Callable[[], None]:
    asked: list[None] = []

    def in_time() -> None:
        asked.append(None)
        if len(asked) > times:
            raise OutOfTime("the time limit has passed")
    return in_time
