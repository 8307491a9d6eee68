"""What each service hangs by, as a drawn graph: from its gateway over its pods to its queue, flavor and nodes; one picture a tenant.

Places are computed, not found by chance: a column for each kind of object, in it the order of what stands before. The same report gives
the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup, escape

from gpuplane.delivery.change_summary import SYMBOLS
from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.wording import plural, printable
from gpuplane.graph.resource_view import ResourceView

MOST_PICTURES = 60
MOST_NODES = 120
"""Of one picture; a tenant with more is listed in the tables alone."""

_COLUMNS: tuple[tuple[str, ...], ...] = (
    ("Gateway",), ("AIGatewayRoute", "HTTPRoute", "GRPCRoute", "InferenceGraph"),
    ("AIServiceBackend", "InferencePool"), ("Backend", "PodMonitor", "ServiceMonitor", "PrometheusRule", "ScaledObject"), ("Service",),
    ("InferenceService", "LLMInferenceService"),
    ("LocalQueue", "ServingRuntime", "ClusterServingRuntime", "ServiceAccount", "ClusterStorageContainer", "WorkloadPriorityClass",
     "LLMInferenceServiceConfig", "PersistentVolumeClaim", "Secret", "ConfigMap"),
    ("ClusterQueue", "ExternalSecret"), ("Cohort", "ResourceFlavor"), ("node pool",))
_COLUMN: Mapping[str, int] = {kind: index for index, kinds in enumerate(_COLUMNS) for kind in kinds}
_OBJECT = re.compile(rf"\b({'|'.join(sorted(_COLUMN, key=len, reverse=True))}) ((?:[a-z0-9][a-z0-9.-]*/)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)")
_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _EDGE = 180, 38, 40, 12, 8
_LONGEST = 24

Node = tuple[str, str]
"""Kind, and ``namespace/name`` or name."""


@dataclass(frozen=True)
class Picture:
    """The graph of one tenant, as an ``<svg>`` element; empty where there is too much to draw."""

    tenant: str
    title: str
    svg: Markup


def pictures(report: PreviewReport) -> tuple[Picture, ...]:
    """One picture of each tenant that has services, by name."""
    by_tenant: dict[str, dict[tuple[Node, Node], bool]] = {}
    for wiring in report.wirings:
        edges = by_tenant.setdefault(wiring.service.partition("/")[0], {})
        for _, start, target, word, _ in wiring.rows:
            _add(edges, _named(start), _named(target), word == "broken")
    queues = {("LocalQueue", f"{view.namespace}/{view.name}") if view.kind == "LocalQueue" else (view.kind, view.name): view
              for view in report.resources if view.kind in ("LocalQueue", "ClusterQueue")}
    actions = {(change.view.kind, f"{change.view.namespace}/{change.view.name}".lstrip("/")): SYMBOLS[change.action]
               for change in (report.comparison.changes if report.comparison is not None else ())}
    found = []
    for number, (tenant, edges) in enumerate(sorted(by_tenant.items())[:MOST_PICTURES]):
        _below(edges, queues, set(report.plan.pools))
        nodes = {node for edge in edges for node in edge}
        if nodes:
            title = f"{tenant}: {plural(len(nodes), 'object')}, {plural(len(edges), 'link')}"
            found.append(Picture(tenant, title, _drawn(f"graph-{number}", title, edges, actions) if len(nodes) <= MOST_NODES else Markup()))
    return tuple(found)


def _named(text: str) -> Node | None:
    """The object that an end of a link speaks of, its last one: ``a flavor of ClusterQueue research``."""
    found = _OBJECT.findall(text)
    return found[-1] if found else None


def _add(edges: dict[tuple[Node, Node], bool], start: Node | None, target: Node | None, broken: bool) -> None:
    if start is not None and target is not None and start != target:
        edges[start, target] = edges.get((start, target), False) or broken


def _below(edges: dict[tuple[Node, Node], bool], queues: Mapping[Node, ResourceView], pools: set[str]) -> None:
    """What a queue hangs by: the cluster queue, its cohort and flavors, and the pools of those."""
    for node in sorted({node for edge in edges for node in edge if node[0] == "LocalQueue"}):
        view = queues.get(node)
        if view is not None:
            _add(edges, node, ("ClusterQueue", str(view.get("spec", "clusterQueue"))), False)
    for node in sorted({node for edge in edges for node in edge if node[0] == "ClusterQueue"}):
        view = queues.get(node)
        if view is None:
            continue
        if cohort := view.get("spec", "cohortName"):
            _add(edges, node, ("Cohort", str(cohort)), False)
        for flavor in _flavors(view):
            _add(edges, node, ("ResourceFlavor", flavor), False)
            if flavor in pools:
                _add(edges, ("ResourceFlavor", flavor), ("node pool", flavor), False)


def _flavors(view: ResourceView) -> list[str]:
    groups = view.get("spec", "resourceGroups")
    return sorted({str(flavor.get("name")) for group in groups or () for flavor in group.get("flavors") or ()}
                  ) if isinstance(groups, (list, tuple)) else []


def _places(edges: Mapping[tuple[Node, Node], bool]) -> dict[Node, tuple[int, int]]:
    """Column and row of each node: columns that are empty are left out; rows follow the mean of what a node is linked with to its left."""
    nodes = sorted({node for edge in edges for node in edge})
    used = sorted({_COLUMN[kind] for kind, _ in nodes})
    columns = [[node for node in nodes if _COLUMN[node[0]] == column] for column in used]
    rows: dict[Node, float] = {}
    for column in columns:
        left = {node: [rows[start] for start, target in edges if target == node and start in rows] for node in column}
        ordered = sorted(column, key=lambda node: (sum(left[node]) / len(left[node]) if left[node] else 0.0, node))
        rows.update({node: float(index) for index, node in enumerate(ordered)})
    return {node: (index, int(rows[node])) for index, column in enumerate(columns) for node in column}


def _drawn(name: str, title: str, edges: Mapping[tuple[Node, Node], bool], actions: Mapping[Node, str]) -> Markup:
    places = _places(edges)
    width = (1 + max(column for column, _ in places.values())) * (_WIDTH + _GAP_X) - _GAP_X + 2 * _EDGE
    height = (1 + max(row for _, row in places.values())) * (_HEIGHT + _GAP_Y) - _GAP_Y + 2 * _EDGE
    lines = [_line(places[start], places[target], broken) for (start, target), broken in sorted(edges.items())]
    boxes = [_box(node, place, actions.get(node, "")) for node, place in sorted(places.items(), key=lambda item: item[1])]
    head = Markup('<svg class="graph" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" aria-labelledby="{2}-title">'
                  '<title id="{2}-title">{3}</title>').format(width, height, name, printable(title))
    return head + Markup("").join([*lines, *boxes]) + Markup("</svg>")


def _corner(place: tuple[int, int]) -> tuple[int, int]:
    return _EDGE + place[0] * (_WIDTH + _GAP_X), _EDGE + place[1] * (_HEIGHT + _GAP_Y)


def _line(start: tuple[int, int], target: tuple[int, int], broken: bool) -> Markup:
    """A curve from the right side of one box to the left side of another; within a column, or backwards, from side to side."""
    (x1, y1), (x2, y2) = ((x, y + _HEIGHT // 2) for x, y in (_corner(start), _corner(target)))
    if x2 > x1:
        x1, bend = x1 + _WIDTH, (x2 - x1 - _WIDTH) // 2
    else:
        x2, bend = x2 + _WIDTH, -_GAP_X // 2
    path = f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    return Markup('<path class="{}" d="{}"/>').format("broken" if broken else "link", path)


def _box(node: Node, place: tuple[int, int], sign: str) -> Markup:
    (x, y), (kind, name) = _corner(place), node
    short = name if len(name) <= _LONGEST else f"{name[:_LONGEST - 1]}…"
    changed = f" {sign}" if sign else ""
    return Markup('<g class="{}"><title>{} {}</title><rect x="{}" y="{}" width="{}" height="{}" rx="5"/>'
                  '<text class="kind" x="{}" y="{}">{}{}</text><text x="{}" y="{}">{}</text></g>').format(
        "node moved" if sign else "node", kind, escape(name), x, y, _WIDTH, _HEIGHT, x + 8, y + 15, kind, changed, x + 8, y + 30, short)
