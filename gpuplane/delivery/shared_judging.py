"""Rules run by all processors, where there are objects enough: each takes the next area of rules, which share what they look up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gpuplane.delivery.chunks import done_by_all, resident_bytes
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.policies.finding import Finding
from gpuplane.policies.registry import one_by_one
from gpuplane.policies.rule import Rule

_LEAST: Final = 2_000
"""Objects below which a child is not worth its start."""
_MOST_BYTES: Final = 2 << 30
"""Memory that all processes may take together."""
_GROWTH: Final = 1.3
"""How much more a process has when it has judged than when it began."""
_HERE: Final = ("TI", "WI")
"""Areas that look up what reports ask for later: who reaches whom, and what each service hangs by. They are judged by this process."""
_LONGEST: Final = (_HERE[0], "PII", "CB", "RE", "QF", "WS")
"""Areas that take longest, begun first; the very first is left to this process."""


def by_all_processors(rules: Sequence[Rule], graph: PlannedGraph) -> Sequence[Sequence[Finding]]:
    """The findings of each rule, the same ones in the same order as one process finds."""
    most = _fitting()
    if len(graph.resources) < _LEAST or most <= 1:
        return one_by_one(rules, graph)
    areas: dict[str, list[Rule]] = {area: [] for area in _LONGEST}
    for rule in rules:
        area = rule.id.partition("-")[0]
        areas.setdefault(_HERE[0] if area in _HERE else area, []).append(rule)
    found = done_by_all(list(areas), lambda area: one_by_one(areas[area], graph), least=2, most=most)
    of_rule = {rule.id: each for area, several in areas.items() for rule, each in zip(several, found[area], strict=True)}
    return [of_rule[rule.id] for rule in rules]


def _fitting() -> int:
    """Processes that have room beside each other: each touches, and so has, all that this one has, and what it looks up itself."""
    own = resident_bytes()
    return int(_MOST_BYTES / (own * _GROWTH)) if own else 1
