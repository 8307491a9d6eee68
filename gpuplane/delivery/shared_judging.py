"""Rules run by all processors, where there are objects enough: each takes the next area of rules, which share what they look up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gpuplane.delivery.chunks import done_by_all
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.policies.finding import Finding
from gpuplane.policies.registry import one_by_one
from gpuplane.policies.rule import Rule

_LEAST: Final = 2_000
"""Objects below which a child is not worth its start."""
_MOST: Final = 20_000
"""Objects above which a child, which touches all of them, would take more memory than the time is worth."""
_LONGEST: Final = ("TI", "PII", "WI", "CB", "RE", "WS")
"""Areas that take longest, begun first; what reports ask for later is looked up by the very first, here."""


def by_all_processors(rules: Sequence[Rule], graph: PlannedGraph) -> Sequence[Sequence[Finding]]:
    """The findings of each rule, the same ones in the same order as one process finds."""
    if not _LEAST <= len(graph.resources) <= _MOST:
        return one_by_one(rules, graph)
    areas: dict[str, list[Rule]] = {area: [] for area in _LONGEST}
    for rule in rules:
        areas.setdefault(rule.id.partition("-")[0], []).append(rule)
    found = done_by_all(list(areas), lambda area: one_by_one(areas[area], graph), least=2)
    of_rule = {rule.id: each for area, several in areas.items() for rule, each in zip(several, found[area], strict=True)}
    return [of_rule[rule.id] for rule in rules]
