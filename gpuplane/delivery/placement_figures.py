"""Where services run, in the words of a report: one row a pool, one row a workload at a level."""

from __future__ import annotations

from collections.abc import Mapping

from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.wording import plural
from gpuplane.planning.placement.schedulability import PlacedLevel, Schedulability
from gpuplane.spec.vocabulary import GPU, MIG_PREFIX

HEADINGS = ("pool", "at the minimum", "all at their maximum", "stranded")
WORKLOAD_HEADINGS = ("workload", "at", "replicas", "scheduled", "link that breaks", "what to do")

Cells = tuple[tuple[str, ...], ...]


def placement_cells(report: PreviewReport) -> Cells:
    """One row for each pool that services use, in :data:`HEADINGS`' order."""
    return tuple((name, _level(placement.minimum), _level(placement.maximum), _devices(placement.minimum.stranded))
                 for name, placement in sorted(report.plan.placements.items()) if placement.maximum.pods)


def workload_cells(report: PreviewReport) -> Cells:
    """One row for each workload at each level, in :data:`WORKLOAD_HEADINGS`' order; what will not be scheduled comes first."""
    rows = sorted(report.plan.schedulability, key=lambda row: (_RANK[row.verdict], row.workload, row.at != "minimum"))
    return tuple(_workload(row) for row in rows)


def uncertain_workloads(report: PreviewReport) -> Cells:
    """The rows of :func:`workload_cells` that are not certain to be scheduled."""
    sure = {(row.workload, row.at) for row in report.plan.schedulability if row.verdict == "always"}
    return tuple(cells for cells in workload_cells(report) if (cells[0], cells[1]) not in sure)


_RANK = {"not schedulable": 0, "unproven": 1, "packable": 2, "always": 3}
_WORDS = {"always": "always", "packable": "if the scheduler packs well", "not packable": "too few", "unproven": "not settled"}


def _level(level: PlacedLevel) -> str:
    if not level.pods:
        return "nothing"
    if level.nodes is None:
        return "too few: a pod fits no node"
    about = "" if level.nodes == level.lower_bound else "≤ "
    return f"{about}{level.nodes} of {plural(level.available_nodes, 'node')}: {_WORDS[level.verdict]}"


def _devices(stranded: Mapping[str, int]) -> str:
    words = (f"{count} {'GPU' if name == GPU else name.removeprefix(MIG_PREFIX)}" for name, count in sorted(stranded.items()))
    return ", ".join(words) or "none"


def _workload(row: Schedulability) -> tuple[str, ...]:
    return row.workload, row.at, str(row.replicas), row.verdict, row.broken_link or "none", row.remedy
