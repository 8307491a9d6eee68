"""The other side of a comparison, by the running program: its plan, what differs, and who reached whom.

Only what its documents change is rendered again; what both sides have in common are the very same objects, and not compared.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

from gpuplane.catalog import catalog_of
from gpuplane.delivery.changes import Change, changes_between
from gpuplane.delivery.chunks import beside
from gpuplane.delivery.document_cache import DocumentCache, cache_file
from gpuplane.delivery.kept_sides import KeptSides, Side, Worked, kept
from gpuplane.delivery.preview_report import PreviewReport, plain
from gpuplane.delivery.redaction import SECRETS, Redaction, redaction_of, sealed
from gpuplane.delivery.reported_views import ReportedViews
from gpuplane.delivery.tenant_renders import TenantRenders
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability import Edge, matrix
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning import plan
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.planning.json_value import json_value
from gpuplane.policies.registry import all_rules, judge
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.loader import load_environment

_NOT_COMPARED = frozenset({"memory", "notes", "placements", "proofs", "schedulability", "startup_seconds"})
"""What of a plan no comparison asks for."""


def shared_side(files: Callable[[], Path], environment: str, as_of: date, renders: TenantRenders | None, sides: KeptSides | None = None,
                key: str | None = None) -> Worked:
    """The other side, and all of its resources.

    Args:
        files: checks out the other side, and says where its environments are.
        environment: name of one that is there.
        as_of: date that both sides are judged at.
        renders: tenants that were rendered before.
        sides: other sides of comparisons before.
        key: of :func:`gpuplane.delivery.kept_sides.key_of`; None where nothing can be kept.

    Raises:
        InvalidSpec: the other side's documents are wrong.
    """
    def make() -> Worked:
        return _worked_out(files(), environment, as_of, renders)

    if renders is None or sides is None:
        return make()
    return kept(sides, key, make, renders)


@contextmanager
def shared_side_beside(files: Callable[[], Path], environment: str, as_of: date, renders: TenantRenders,
                       sides: KeptSides | None, key: str | None = None) -> Iterator[Callable[[], Worked]]:
    """The same, worked out by a child while this process goes on, once it has rendered its own side.

    Yields:
        What waits for it; where there is no child, or it has no answer, the side is worked out then.
    """
    def work() -> bytes:
        before = frozenset(renders.known)
        side, views, left_out = shared_side(files, environment, as_of, renders, sides, key)
        if not left_out and not side.is_all_of(views, renders):
            raise ValueError("more than what is handed over")
        new = set(side.tenants.values()).difference(before, left_out)
        return pickle.dumps((side, {digest: renders.known[digest] for digest in new}, left_out))

    def found(data: bytes | None) -> Worked:
        if data is not None:
            side, new, left_out = pickle.loads(data)  # noqa: S301 from a fork of this process, by a pipe
            renders.add(new)
            if (views := side.views(renders, left_out)) is not None:
                return Worked(side, views, left_out)
        return shared_side(files, environment, as_of, renders, sides, key)

    with beside(work) as answer:
        yield lambda: found(answer())


def differing(worked: Worked, as_of: date, report: PreviewReport) -> tuple[dict[str, Any], tuple[Change, ...], tuple[Edge, ...]]:
    """The plan of a side in JSON form, what the report's resources change of it, and its paths."""
    side, views, left_out = worked
    own = report.resources.apart_from(left_out) if isinstance(report.resources, ReportedViews) and left_out else report.resources
    here = {view.urn: view.props for view in own}
    there = {view.urn: view.props for view in views}
    before = [view for view in views if here.get(view.urn) is not view.props]
    after = [view for view in own if there.get(view.urn) is not view.props]
    hidden = Redaction(report.redaction.values | _secrets(before, as_of).values)
    changes = changes_between(_compared(sealed(view, hidden) for view in before), _compared(after))
    return side.plan, changes, side.edges


def _worked_out(environments: Path, environment: str, as_of: date, renders: TenantRenders | None) -> Worked:
    with DocumentCache(cache_file()) as documents:
        spec = load_environment(environments, environment, documents)
    catalog = catalog_of(spec)
    planned = plan(spec, catalog, as_of)
    views = _render(spec, planned, renders=renders)
    edges = matrix(PlannedGraph(views, catalog=catalog, parameters=spec.environment.spec.policies)).edges
    shared = tuple(view for view in views if view.layer != "tenants")
    side = Side(_compared_plan(planned), edges, shared, dict(renders.digests(spec, planned)) if renders is not None else {})
    return Worked(side, views)


def _render(spec: EnvironmentSpec, planned: EnvironmentPlan, renders: TenantRenders | None = None) -> tuple[ResourceView, ...]:
    from gpuplane.delivery.offline_engine import render  # Pulumi's SDK is not imported where the side is kept

    return render(spec, planned, renders=renders)


def _compared_plan(planned: EnvironmentPlan) -> dict[str, Any]:
    """A plan in JSON form, as far as a comparison asks for it: that of a thousand tenants is a quarter of the whole."""
    return {each.name: json_value(getattr(planned, each.name), each.name) for each in fields(planned) if each.name not in _NOT_COMPARED}


def _secrets(views: list[ResourceView], as_of: date) -> Redaction:
    """Secrets of the other side, which this side may no longer hold."""
    rules = [rule for rule in all_rules() if rule.id == SECRETS]
    found = {finding.urn for finding in judge(PlannedGraph(tuple(views)), (), as_of, rules).findings}
    return redaction_of(view for view in views if view.urn in found)


def _compared(views: Iterable[ResourceView]) -> tuple[ResourceView, ...]:
    """Views as JSON would have them, so that equal is equal: what is unknown is the text that says so."""
    return tuple(replace(view, props=plain(dict(view.props))) for view in views)


def rendered_side(environments: Path, environment: str, as_of: date) -> tuple[ResourceView, ...]:
    """Every resource of the other side's environment.

    Raises:
        InvalidSpec: its documents are wrong.
    """
    spec = load_environment(environments, environment)
    return _render(spec, plan(spec, catalog_of(spec), as_of))
