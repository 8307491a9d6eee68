"""What the measurement of applies says of a way: which objects it made, what it asked, and that it failed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import apply_ways
from benchmarks.apply_plane import Asked, different, lacking
from benchmarks.apply_ways import WAYS, Cost, Failed, Work
from benchmarks.bench_apply import table
from gpuplane.graph.resource_view import ResourceView

_KEY = ("v1", "ResourceQuota", "acme", "tenant")


def _live(**spec: Any) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    return {_KEY: {"metadata": {"name": "tenant", "namespace": "acme"}, "spec": spec}}


def _wish(**spec: Any) -> ResourceView:
    body = {"apiVersion": _KEY[0], "kind": _KEY[1], "metadata": {"name": "tenant", "namespace": "acme"}, "spec": spec}
    return ResourceView("urn", api_version=_KEY[0], kind=_KEY[1], namespace="acme", name="tenant", props=body)


@pytest.mark.parametrize(("spec", "live", "said"), [
    ({"hard": {"cpu": "1500m"}}, _live(hard={"cpu": "1.5"}, scopes=[]), []),
    ({"hard": {"cpu": "2"}}, _live(hard={"cpu": "1"}), ['ResourceQuota acme/tenant spec hard cpu: "2", and "1"']),
    ({"hard": {"cpu": "2"}}, _live(hard={}), ['ResourceQuota acme/tenant spec hard cpu: "2", and nothing']),
    ({"ports": [1, 2]}, _live(ports=[1]), ["ResourceQuota acme/tenant spec ports: [1, 2], and [1]"]),
    ({"suspend": False}, _live(suspend=True), ["ResourceQuota acme/tenant spec suspend: false, and true"]),
    ({"suspend": True}, _live(suspend=1), ["ResourceQuota acme/tenant spec suspend: true, and 1"]),
])
def test_a_field_that_is_not_as_it_is_wished_is_named(spec: dict[str, Any], live: dict[Any, Any], said: list[str]) -> None:
    assert lacking([_wish(**spec)], live) == said


def test_an_object_that_is_not_there_is_named() -> None:
    assert [line.partition(":")[0] for line in lacking([_wish()], {})] == ["ResourceQuota acme/tenant"]


def test_what_one_way_adds_is_a_difference() -> None:
    assert different(_live(hard={}), _live(hard={})) == []
    assert different(_live(hard={}), _live(hard={"cpu": "1"})) == ['v1/ResourceQuota/acme/tenant spec hard cpu: nothing, and "1"']
    assert different({}, _live())[0].startswith("v1/ResourceQuota/acme/tenant: nothing, and {")


def test_requests_are_counted_once_and_by_what_they_do(tmp_path: Path) -> None:
    log = tmp_path / "asked"
    event = lambda verb, query="": json.dumps({"verb": verb, "requestURI": f"/api{query}"}) + "\n"  # noqa: E731
    log.write_text(event("patch"))
    asked = Asked(SimpleNamespace(folder=tmp_path))  # type: ignore[arg-type]
    with log.open("a") as file:
        file.write(event("patch") + event("patch", "?dryRun=All") + event("watch") + event("get") + event("create")[:9])
        file.flush()
        assert (asked.look().requests, asked.writes) == (3, 1)
        file.write(event("create")[9:])
        file.flush()
        assert (asked.look().requests, asked.writes) == (4, 2)


def _work(folder: Path, **more: Any) -> Work:
    return Work(folder, folder, "large", folder, (), {}, **more)


def test_a_command_that_fails_has_the_last_word(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"no such chart$"):
        _work(tmp_path).run("rendering", [sys.executable, "-c", "import sys; sys.exit('no such chart')"])


def test_a_command_that_runs_is_spoken_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply_ways, "TELL_SECONDS", 0.01)
    said = list[str]()
    stop = tmp_path / "stop"

    def tell(what: str, _seconds: float) -> None:
        said.append(what)
        stop.touch()

    waits = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)"
    _work(tmp_path, tell=tell).run("applying", [sys.executable, "-c", waits, str(stop)])

    assert len(said) >= 2
    assert set(said) == {"applying"}


def test_cdk8s_is_taken_from_the_first_python_on_path_that_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, status in (("without", 1), ("with", 0), ("later", 0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "python3").write_text(f"#!/bin/sh\nexit {status}\n")
        (tmp_path / name / "python3").chmod(0o755)
        (tmp_path / name / "node").write_text("")
    monkeypatch.setenv("PATH", ":".join(str(tmp_path / name) for name in ("without", "with", "later")))

    assert apply_ways._cdk8s_python() == str(tmp_path / "with" / "python3")
    assert WAYS["cdk8s + kubectl"].missing() == "no node on PATH, no kubectl on PATH"


def test_the_table_adds_up_and_says_what_a_way_does() -> None:
    cost = {"wall": 2.0, "processor": 1.0}
    figures = {"applying": cost, "requests": 1200, "writes": 1000}
    lines = list(table({"making": {"wall": 10.0, "processor": 8.0}, "versions": {"helm": "3.19"}, "ways": {
        "gpuplane up": {**figures, "rendering": vars(Cost())}, "helm template + kubectl": {**figures, "rendering": cost},
        "kubectl apply": {"failed": "refused"}, "cdk8s + kubectl": {"not_here": "no node on PATH"}}}))

    assert "| gpuplane up | – | – | 2.0 (1.0) | 2.0 (1.0) | 1,200 | 1,000 |" in lines
    assert "| helm template + kubectl | 10.0 (8.0) | 2.0 (1.0) | 2.0 (1.0) | 14.0 (10.0) | 1,200 | 1,000 |" in lines
    assert any(line.startswith("| gpuplane up | the documents | yes") for line in lines)
    assert not any(line.startswith("| kubectl apply |") for line in lines)
    assert {"kubectl apply: failed (refused).", "cdk8s + kubectl: not here (no node on PATH).", "With helm 3.19."} <= set(lines)
