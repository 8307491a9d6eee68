"""The same objects on a real API server by several ways, side by side: ``python -m benchmarks.bench_apply --crds PATH --tenants N``.

Each way has an etcd and an API server of its own, started for it. Afterwards it must hold every field that is wished, and field by field
what the first way made. Nobody acts on the objects (no Kueue, no KServe): what is measured is making, rendering and applying them. With
``--results FILE`` the figures are written for ``benchmarks.report``, again after each way.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.apply_plane import Asked, Key, different, fresh_plane, held, lacking, missing_programs, unserved
from benchmarks.apply_ways import ROOT, WAYS, Failed, Way, Work, render
from benchmarks.wishes import NAME, write_large_environment
from gpuplane.catalog import catalog_of
from gpuplane.delivery import offline_engine
from gpuplane.delivery.exit_status import ENGINE_FAILED, GOOD, CannotStart, Stop
from gpuplane.delivery.rehearsal.local.control_plane import LocalControlPlane
from gpuplane.delivery.rehearsal.local.manifests import Manifests, read_manifests
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning import plan
from gpuplane.spec.loader import load_environment

BY_ITSELF = "make bench-apply"
"""How it is run: it takes minutes."""
SERVICES_EACH = 3
AS_OF = date(2026, 11, 21)
_NOTHING: Mapping[str, float] = {"wall": 0.0, "processor": 0.0}
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)+")
_SHOWN = 5
"""Fields that differ, of how many are named."""


class _Bench:
    """One run.

    Attributes:
        result: what was found so far.
        first: what the first way's API server held afterwards.
    """

    def __init__(self, folder: Path, tenants: int, manifests: Manifests, done: Callable[[Mapping[str, Any]], object]) -> None:
        self.folder, self.manifests, self.done = folder, manifests, done
        self.environments = _documents(folder, tenants)
        self.views = tuple(view for view in _views(self.environments) if view.is_kubernetes and view.custom)
        self.result: dict[str, Any] = {"tenants": tenants, "objects": len(self.views), "ways": {}, "versions": {}}
        self.first: tuple[str, Mapping[Key, Any]] | None = None

    def make(self) -> None:
        """Render the objects that most ways begin with: twice, for the first run reads programs and compiles modules for the first time."""
        work = self._work("made", os.environ)
        costs = [render(work) for _ in range(2)]
        self.result["making"] = asdict(costs[-1])
        _say(f"gpuplane render: {len(self.views):,} objects of {self.result['tenants']:,} tenants in {costs[-1].wall:.1f} s")

    def measure(self, name: str, way: Way) -> None:
        """One way, on a plane of its own."""
        missing = way.missing()
        self.result["ways"][name] = {"not_here": missing} if missing else self._figures(name, way)
        if missing:
            _say(f"{name}: left out, {missing}")
        self.done(self.result)

    def _figures(self, name: str, way: Way) -> dict[str, Any]:
        began = time.perf_counter()
        with fresh_plane(self.manifests) as plane:
            if unknown := unserved(plane, self.views):
                raise CannotStart(f"no CRD among the manifests defines {unknown}: name them with CRDS=PATH.")
            _say(f"{name}: an API server with its CRDs is there after {time.perf_counter() - began:.0f} s")
            self.result["versions"].update({tool: _version(command()) for tool, command in way.versions.items()})
            before, asked = held(plane, self.views), Asked(plane)

            def tell(what: str, seconds: float) -> None:
                _say(f"{name}: {what}, {seconds:.1f} s, {asked.look().writes:,} writes")

            try:
                rendering, applying = way.apply(self._work(name, _variables(self.folder / _path(name), plane), tell))
            except Failed as error:
                _say(f"{name} failed: {error}")
                return {"failed": str(error).splitlines()[-1]}
            asked.look()
            live = held(plane, self.views)
        after = {key: body for key, body in live.items() if key not in before}
        wrong = [*lacking(self.views, after), *(different(self.first[1], after) if self.first is not None else ())]
        if wrong:
            _say(f"{name} made other objects: " + "; ".join(wrong[:_SHOWN]))
            return {"failed": f"{len(wrong)} fields are not as they are to be, the first: {wrong[0]}"}
        self.first = self.first or (name, after)
        return {"rendering": asdict(rendering), "applying": asdict(applying), "requests": asked.requests, "writes": asked.writes,
                "verbs": dict(sorted(asked.verbs.items()))}

    def _work(self, name: str, variables: Mapping[str, str], tell: Callable[[str, float], object] = lambda _what, _seconds: None) -> Work:
        own = self.folder / _path(name)
        (own / "state").mkdir(parents=True)
        return Work(own, self.environments, NAME, self.folder / "rendered", self.views, variables, tell)


def measured(tenants: int, crds: Sequence[Path], ways: Sequence[str] = tuple(WAYS),
             done: Callable[[Mapping[str, Any]], object] = lambda _: None) -> dict[str, Any]:
    """Figures of each way, or why there are none.

    Args:
        done: called with what there is after each way.

    Raises:
        CannotStart: there is no control plane to be had, or it would not serve what is wished.
    """
    with tempfile.TemporaryDirectory(prefix="gpuplane-apply-") as folder:
        bench = _Bench(Path(folder), tenants, read_manifests(crds), done)
        if any(not WAYS[way].missing() for way in ways):
            if missing := missing_programs():
                raise CannotStart(f"no {missing} in KUBEBUILDER_ASSETS or on PATH.")
            bench.make()
        for way in ways:
            bench.measure(way, WAYS[way])
        return bench.result


def table(result: Mapping[str, Any]) -> Iterator[str]:
    """The figures as lines of Markdown tables; of what is not here, or failed, a line below."""
    making = result.get("making", _NOTHING)
    there = {way: one for way, one in result["ways"].items() if "applying" in one}
    yield "| way | making the objects, s | rendering, s | applying, s | all, s | requests | of them writes |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for way, one in there.items():
        parts = [making if WAYS[way].needs_objects else _NOTHING, one["rendering"], one["applying"]]
        whole = {key: sum(part[key] for part in parts) for key in _NOTHING}
        yield f"| {' | '.join([way, *map(_seconds, (*parts, whole)), *(format(one[key], ',') for key in ('requests', 'writes'))])} |"
    yield ""
    yield from _does(there)
    for way, one in result["ways"].items():
        for key, words in (("not_here", "not here"), ("failed", "failed")):
            if key in one:
                yield ""
                yield f"{way}: {words} ({one[key]})."
    if result.get("versions"):
        yield ""
        yield f"With {', '.join(f'{tool} {version}' for tool, version in sorted(result['versions'].items()))}."


def _does(there: Iterable[str]) -> Iterator[str]:
    yield "| way | begins with | judged before it is applied | order by | writes by | remembers what it made, to delete what has gone |"
    yield "|---|---|---|---|---|---|"
    for way in there:
        yield f"| {way} | {WAYS[way].begins} | {WAYS[way].judged} | {WAYS[way].ordered} | {WAYS[way].writes} | {WAYS[way].keeps} |"


def _documents(folder: Path, tenants: int) -> Path:
    root = write_large_environment(folder / "environments", tenants, SERVICES_EACH, bare=True)
    file = root / "environment.yaml"
    text = file.read_text().replace("    context: test\n", "    context: local\n")
    file.write_text(text.replace("  cohorts:\n", "  tenant_stacks: true\n  cohorts:\n"))
    return folder / "environments"


def _views(environments: Path) -> tuple[ResourceView, ...]:
    spec = load_environment(environments, NAME)
    return tuple(offline_engine.render(spec, plan(spec, catalog_of(spec), AS_OF)))


def _seconds(cost: Mapping[str, float]) -> str:
    return f"{cost['wall']:.1f} ({cost['processor']:.1f})" if cost["wall"] else "–"


def _version(command: Sequence[str]) -> str:
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return next(iter(_VERSION.findall(said)), "of no known version")


def _path(way: str) -> str:
    return way.replace(" ", "-")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _variables(own: Path, plane: LocalControlPlane) -> dict[str, str]:
    mine = {"KUBECONFIG": str(plane.kubeconfig), "PULUMI_BACKEND_URL": f"file://{own}/state", "PULUMI_CONFIG_PASSPHRASE": "measured",
            "PULUMI_SKIP_UPDATE_CHECK": "true", "XDG_STATE_HOME": str(own / "home"), "XDG_CACHE_HOME": str(own / "cache"), "NO_COLOR": "1",
            "PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return {**os.environ, **mine}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, default=100)
    parser.add_argument("--crds", type=Path, action="append", default=[])
    parser.add_argument("--way", action="append", choices=list(WAYS), default=[])
    parser.add_argument("--results", type=Path)
    asked = parser.parse_args(arguments)
    try:
        result = measured(asked.tenants, asked.crds, asked.way or tuple(WAYS), lambda found: _write(asked.results, found))
    except Stop as error:
        _say(f"bench-apply: {error}")
        return error.status
    print(f"{result['objects']:,} objects of {result['tenants']:,} tenants")
    print("\n".join(table(result)))
    return ENGINE_FAILED if any("failed" in one for one in result["ways"].values()) else GOOD


def _write(path: Path | None, result: Mapping[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
