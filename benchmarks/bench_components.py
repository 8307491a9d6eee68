"""Registering through the components, against a raw program that registers the same resources and component nodes.

Both run under the same mock monitor, in turns, in one process, by processor time; the raw program has its properties ready. Both are
registered by Pulumi's own registration, as in ``pulumi up``, or both at once, as offline.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pulumi

from gpuplane.catalog import default_catalog
from gpuplane.delivery.offline_engine import RecordingMonitor, run_program
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning import plan
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.loader import load_environment
from gpuplane.stacks.program import register
from gpuplane.stacks.providers import kubernetes_provider
from gpuplane.stacks.upstream import export_identity, require_upstream

ROUNDS = 15
COPIES = 4
"""How often the layer is registered in one run, so that a run is long enough to time."""


class _Raw(pulumi.CustomResource):
    def __init__(self, view: ResourceView, opts: pulumi.ResourceOptions) -> None:
        super().__init__(view.type, view.urn.rpartition("::")[2], dict(view.props), opts)


class _RawComponent(pulumi.ComponentResource):
    def __init__(self, view: ResourceView, opts: pulumi.ResourceOptions) -> None:
        super().__init__(view.type, view.urn.rpartition("::")[2], dict(view.props), opts)
        self.register_outputs({})


def _raw_program(spec: EnvironmentSpec, views: list[ResourceView]) -> Callable[[], None]:
    ordered = parents_first(views)

    def program() -> None:
        require_upstream(spec, "tenants")  # both read the stack below and export what they are
        export_identity(spec, "tenants")
        provider = kubernetes_provider(spec.environment.spec.cluster.context)
        made: dict[str, pulumi.Resource] = {}
        for view in ordered:
            parent = made.get(view.parent)
            depends = [made[urn] for urn in view.dependencies if urn in made]
            shared: dict[str, Any] = {"parent": parent} if parent is not None else {"providers": [provider]}
            if view.custom:
                made[view.urn] = _Raw(view, pulumi.ResourceOptions(depends_on=depends, **shared))
            else:
                made[view.urn] = _RawComponent(view, pulumi.ResourceOptions(**shared))

    return program


def parents_first(views: list[ResourceView]) -> list[ResourceView]:
    """Resources, each behind its parent and what it depends on."""
    left = [view for view in views if not view.type.startswith("pulumi:")]
    done: list[ResourceView] = []
    known: set[str] = set()
    urns = {view.urn for view in left}
    while left:
        ready = [view for view in left if ({view.parent, *view.dependencies} & urns) <= known]
        done += ready
        known |= {view.urn for view in ready}
        left = [view for view in left if view.urn not in known]
    return done


def _seconds(program: Callable[[], None], by_sdk: bool) -> tuple[float, int]:
    start, registered = time.process_time(), 0
    for _ in range(COPIES):
        monitor = RecordingMonitor("tenants")
        run_program(program, monitor, "prod-tenants", by_sdk=by_sdk)
        registered += len(monitor.views)
    return time.process_time() - start, registered


def measured(rounds: int = ROUNDS, by_sdk: bool = True) -> tuple[float, float, int]:
    """Components to raw program: the median of the pairs, the least time to the least time, and how many resources each registers."""
    spec = load_environment(Path(__file__).resolve().parents[1] / "environments", "prod")
    planned = plan(spec, default_catalog(), date(2026, 11, 21))
    monitor = RecordingMonitor("tenants")
    components = lambda: register(spec, planned, "tenants")  # noqa: E731
    run_program(components, monitor, "prod-tenants")
    raw = _raw_program(spec, monitor.views)
    ratios, raws, owns, counts = list[float](), list[float](), list[float](), set[int]()
    for _ in range(rounds):
        (raw_seconds, raw_count), (own_seconds, own_count) = _seconds(raw, by_sdk), _seconds(components, by_sdk)
        ratios.append(own_seconds / raw_seconds)
        raws.append(raw_seconds)
        owns.append(own_seconds)
        counts |= {raw_count, own_count}
    assert len(counts) == 1, f"the two programs differ: {counts}"
    return statistics.median(ratios), min(owns) / min(raws), counts.pop() // COPIES


def main() -> None:
    for way, by_sdk in (("by Pulumi's own registration", True), ("at once, as offline", False)):
        median, least, count = measured(by_sdk=by_sdk)
        aim = ". Aim: 1.1" if by_sdk else ""
        print(f"components, {way}: {median:.3f} × the raw program (median of {ROUNDS} pairs; least to least {least:.3f}), "
              f"{count} resources{aim}")


if __name__ == "__main__":
    main()
