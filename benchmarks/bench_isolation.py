"""The isolation matrix of many tenants: ``python -m benchmarks.bench_isolation [TENANTS]``. The objects are those of ``prod``, repeated.

Once as they are, and once with a policy that opens every pod to every other, so that each pair of tenants has a path.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

from gpuplane.catalog import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability import matrix
from gpuplane.graph.resource_view import ResourceView, unknowns
from gpuplane.planning import plan
from gpuplane.spec.loader import load_environment

ENVIRONMENTS = Path(__file__).resolve().parents[1] / "environments"
TENANTS = ("research", "search", "support")
OPEN = {"apiVersion": "cilium.io/v2", "kind": "CiliumClusterwideNetworkPolicy", "metadata": {"name": "open"},
        "spec": {"endpointSelector": {}, "ingress": [{"fromEntities": ["cluster"]}], "egress": [{"toEntities": ["cluster"]}]}}


def main(tenants: int = 200) -> None:
    rendered = _rendered()
    for number in (tenants // 4, tenants // 2, tenants):
        views = repeated(rendered, number)
        _measure(f"{number} tenants", views)
    everything = ResourceView("open", api_version=str(OPEN["apiVersion"]), kind=str(OPEN["kind"]), name="open", props=OPEN)
    _measure(f"{tenants} tenants, every pair open", [*views, everything])
    print("Aim: the matrix of 200 tenants in 5 s")


def repeated(rendered: tuple[ResourceView, ...], tenants: int) -> list[ResourceView]:
    """The platform's objects, and those of each tenant under new names until there are so many tenants."""
    platform = [view for view in rendered if _tenant(view) is None]
    own = {name: [view for view in rendered if _tenant(view) == name] for name in TENANTS}
    made = [view for number in range(tenants) for name in TENANTS[number % len(TENANTS):][:1]
            for view in _renamed(own[name], name, f"{name}{number:03}")]
    return [*platform, *made]


def _rendered() -> tuple[ResourceView, ...]:
    spec = load_environment(ENVIRONMENTS, "prod")
    return render(spec, plan(spec, catalog_of(spec), date(2026, 11, 21)))


def _tenant(view: ResourceView) -> str | None:
    return next((name for name in TENANTS if name in (view.namespace, view.name)), None)


def _renamed(views: list[ResourceView], old: str, new: str) -> Iterator[ResourceView]:
    for view in views:
        props = view.props if any(True for _ in unknowns(view.props)) else json.loads(json.dumps(dict(view.props)).replace(old, new))
        texts = {key: getattr(view, key).replace(old, new) for key in ("urn", "name", "namespace")}
        yield replace(view, props=props, **texts)


def _measure(what: str, views: list[ResourceView]) -> None:
    graph = PlannedGraph(views)
    wall, processor = time.perf_counter(), time.process_time()
    found = matrix(graph)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(f"{what}, {len(views)} objects: {len(found.edges)} edges, {len(found.between_tenants)} between tenants, "
          f"{len(found.refused)} undeclared: {wall:.2f} s ({processor:.2f} s of processor time)")


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:2]))
