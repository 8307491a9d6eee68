"""Who reaches whom, in the words of a report: one line that says whether tenants are apart, and one row for each path between them."""

from __future__ import annotations

from dataclasses import dataclass

from gpuplane.delivery.isolation_json import changed
from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.wording import plural
from gpuplane.graph.reachability import Edge

MOST_LINES = 20
"""Paths that differ, in a text report."""
HEADINGS = ("from", "to", "by", "what", "made by", "why it may be")


@dataclass(frozen=True)
class IsolationChange:
    """Paths that are new and paths that are gone: undeclared ones first, then those between tenants."""

    added: tuple[Edge, ...]
    removed: tuple[Edge, ...]


def isolation_line(report: PreviewReport) -> str:
    """Whether tenants are apart; empty where there are none."""
    found = report.isolation
    if not found.tenants:
        return ""
    paths, refused = found.between_tenants, found.refused
    who = f"{plural(len(found.tenants), 'tenant')}, {plural(len(found.edges), 'path')} from or to them"
    if not refused:
        allowed = f"; {plural(len(paths), 'path')} between tenants, each declared or by design" if paths else ", none between tenants"
        return f"Isolation: {who}{allowed}."
    return f"Isolation: {who}, {len(refused)} of them undeclared."


def isolation_lines(report: PreviewReport) -> tuple[str, ...]:
    """The same, and each path that is new or gone, as lines of text."""
    line, change = isolation_line(report), isolation_change(report)
    if not line:
        return ()
    moved = [] if change is None else [("+", edge) for edge in change.added] + [("-", edge) for edge in change.removed]
    more = [f"  … and {len(moved) - MOST_LINES} more in report.html"] if len(moved) > MOST_LINES else []
    shown = (f"  {sign} {edge.ends} by {edge.medium}: {edge.sentence}" for sign, edge in moved[:MOST_LINES])
    return (line, *shown, *more)


def isolation_change(report: PreviewReport) -> IsolationChange | None:
    """What differs from the other ref; None where there is none, or it has no matrix."""
    before = report.comparison.edges if report.comparison is not None else None
    if before is None:
        return None
    added, removed = changed(before, report.isolation.edges)
    return IsolationChange(*(tuple(sorted(each, key=_weight)) for each in (added, removed)))


def _weight(edge: Edge) -> tuple[bool, bool]:
    return not edge.refused, not edge.between_tenants


def path_cells(edge: Edge) -> tuple[str, ...]:
    """A path in :data:`HEADINGS`' order."""
    why = edge.allowed or ("nobody declared it" if edge.certain else "nobody declared it, and only apply knows whether it is there")
    made = ", ".join(dict.fromkeys(str(each) for each in edge.objects))
    return str(edge.source), str(edge.target), edge.medium.value, edge.sentence, made, why


def listed_paths(report: PreviewReport) -> tuple[Edge, ...]:
    """Paths that a reader of a short report has to see: the undeclared ones, then those between tenants."""
    found = report.isolation
    return (*found.refused, *(edge for edge in found.between_tenants if not edge.refused))
