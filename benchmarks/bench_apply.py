"""The same objects on a real API server by several ways, side by side: ``python -m benchmarks.bench_apply --crds PATH --tenants N``.

Each way has an etcd and an API server of its own, started for it. Nobody acts on the objects (no Kueue, no KServe): what is measured is
authoring, rendering and applying. With ``--results FILE`` the figures are written for ``benchmarks.report``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from ssl import create_default_context
from typing import Any

from benchmarks.apply_ways import ROOT, WAYS, Work
from benchmarks.wishes import NAME, write_large_environment
from gpuplane.catalog import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.delivery.rehearsal.api_server import ApiServer
from gpuplane.delivery.rehearsal.local.control_plane import CORE, LocalControlPlane, wait_until
from gpuplane.delivery.rehearsal.local.manifests import definition, read_manifests
from gpuplane.delivery.rehearsal.local.processes import PREFIX
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning import plan
from gpuplane.spec.loader import load_environment

BY_ITSELF = "make bench-apply"
"""How it is run: it takes minutes."""
SERVICES_EACH = 3
AS_OF = date(2026, 11, 21)
_WRITES = ("POST", "PUT", "PATCH", "APPLY", "DELETE")


class _Plane(LocalControlPlane):
    programs = CORE
    controllers = "namespace-controller,serviceaccount-controller,resourcequota-controller"


def measured(tenants: int, crds: Sequence[Path], ways: Sequence[str] = tuple(WAYS)) -> dict[str, Any]:
    """Figures of each way, or why there are none."""
    with tempfile.TemporaryDirectory(prefix="gpuplane-apply-") as name:
        folder = Path(name)
        environments = _documents(folder, tenants)
        views = _views(environments)
        found: dict[str, Any] = {}
        for way in ways:
            apply, missing = WAYS[way]
            if missing():
                found[way] = {"not_here": missing()}
                continue
            with _api_server(crds) as plane:
                own = folder / way.replace(" ", "-")
                (own / "state").mkdir(parents=True)
                before = _requests(plane)
                rendering, applying = apply(Work(own, environments, NAME, views, _variables(own, plane)))
                after = _requests(plane)
                _require_there(plane, views)
            found[way] = {"rendering": asdict(rendering), "applying": asdict(applying),
                          "requests": after[0] - before[0], "writes": after[1] - before[1]}
            print(f"{way}: {found[way]}", file=sys.stderr, flush=True)
    return {"tenants": tenants, "objects": sum(view.is_kubernetes and view.custom for view in views), "ways": found}


def table(result: Mapping[str, Any]) -> Iterator[str]:
    """The figures as lines of a Markdown table; of what is not here a line below it."""
    yield "| way | rendering, s (processor) | applying, s (processor) | requests | of them writes |"
    yield "|---|---:|---:|---:|---:|"
    for way, one in result["ways"].items():
        if "not_here" not in one:
            rendering, applying = (f"{one[part]['wall']:.1f} ({one[part]['processor']:.1f})" for part in ("rendering", "applying"))
            yield f"| {way} | {rendering if one['rendering']['wall'] else '–'} | {applying} | {one['requests']:,} | {one['writes']:,} |"
    for way, one in result["ways"].items():
        if "not_here" in one:
            yield ""
            yield f"{way}: not here ({one['not_here']})."


def _documents(folder: Path, tenants: int) -> Path:
    root = write_large_environment(folder / "environments", tenants, SERVICES_EACH, bare=True)
    file = root / "environment.yaml"
    text = file.read_text().replace("    context: test\n", "    context: local\n")
    file.write_text(text.replace("  cohorts:\n", "  tenant_stacks: true\n  cohorts:\n"))
    return folder / "environments"


def _views(environments: Path) -> tuple[ResourceView, ...]:
    spec = load_environment(environments, NAME)
    return tuple(render(spec, plan(spec, catalog_of(spec), AS_OF)))


@contextmanager
def _api_server(crds: Sequence[Path]) -> Iterator[LocalControlPlane]:
    manifests = read_manifests(crds)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    plane = _Plane(folder)
    try:
        plane.up()
        server = ApiServer(plane.kubeconfig)
        for body in manifests.definitions:
            server.apply(definition(body, ()))
        names = {(one["spec"]["group"], one["spec"]["names"]["kind"]) for one in manifests.definitions}
        wait_until(lambda: names <= {(kind.api_version.partition("/")[0], kind.kind) for kind in server.discover().values()},
                   "the CRDs are served", plane.processes)
        yield plane
    finally:
        plane.down()
        shutil.rmtree(folder, ignore_errors=True)


def _requests(plane: LocalControlPlane) -> tuple[int, int]:
    """Requests that the API server has answered, watches left out, and those of them that write; its own and the controllers' included."""
    asked = urllib.request.Request(f"{plane.server}/metrics", headers={"Authorization": f"Bearer {plane.token}"})
    with urllib.request.urlopen(asked, context=create_default_context(cafile=str(plane.authority))) as answer:
        lines = [line for line in answer.read().decode().splitlines() if line.startswith("apiserver_request_total{")]
    rows = [(line.partition('verb="')[2].partition('"')[0], float(line.rpartition(" ")[2])) for line in lines]
    return (int(sum(count for verb, count in rows if verb not in ("WATCH", "WATCHLIST"))),
            int(sum(count for verb, count in rows if verb in _WRITES)))


def _require_there(plane: LocalControlPlane, views: Sequence[ResourceView]) -> None:
    """A way that leaves something out is no way to the same end."""
    server = ApiServer(plane.kubeconfig)
    lost = [str(view) for view in views if view.is_kubernetes and view.custom
            and server.get(server.kinds[view.api_version, view.kind], view.name, view.namespace) is None]
    assert not lost, f"{len(lost)} objects are not there: {lost[:5]}"


def _variables(own: Path, plane: LocalControlPlane) -> dict[str, str]:
    mine = {"KUBECONFIG": str(plane.kubeconfig), "PULUMI_BACKEND_URL": f"file://{own}/state", "PULUMI_CONFIG_PASSPHRASE": "measured",
            "PULUMI_SKIP_UPDATE_CHECK": "true", "XDG_STATE_HOME": str(own / "home"), "XDG_CACHE_HOME": str(own / "cache"), "NO_COLOR": "1",
            "PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return {**os.environ, **mine}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, default=100)
    parser.add_argument("--crds", type=Path, action="append", default=[])
    parser.add_argument("--way", action="append", choices=list(WAYS), default=[])
    parser.add_argument("--results", type=Path)
    asked = parser.parse_args(arguments)
    result = measured(asked.tenants, asked.crds, asked.way or tuple(WAYS))
    print(f"{result['objects']:,} objects of {result['tenants']} tenants")
    print("\n".join(table(result)))
    if asked.results is not None:
        asked.results.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
