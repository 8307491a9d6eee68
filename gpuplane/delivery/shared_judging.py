"""Rules run by all processors, where there are objects enough: each takes the next area of rules, which share what they look up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from gpuplane.delivery.chunks import done_by_all, resident_bytes
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.policies.finding import Finding
from gpuplane.policies.registry import one_by_one
from gpuplane.policies.rule import Rule

Judge = Callable[[Sequence[Rule], PlannedGraph], Sequence[Sequence[Finding]]]
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
    return with_others(rules, graph, {})[0]


def with_others(rules: Sequence[Rule], graph: PlannedGraph, others: Mapping[str, Callable[[], Any]], judge: Judge | None = None,
                ) -> tuple[Sequence[Sequence[Finding]], Mapping[str, Any]]:
    """The findings of each rule, and what other work comes to that can be done at the same time.

    Args:
        rules, graph: who judges what.
        others: by name; what each comes to can be pickled.
        judge: finds what some of the rules say; one after the other, of the whole graph, where it is left out.
    """
    judge = judge or one_by_one
    most = _fitting()
    if len(graph.resources) < _LEAST or most <= 1:
        return judge(rules, graph), {name: work() for name, work in others.items()}
    areas: dict[str, list[Rule]] = {area: [] for area in _LONGEST}
    for rule in rules:
        area = rule.id.partition("-")[0]
        areas.setdefault(_HERE[0] if area in _HERE else area, []).append(rule)
    first, *rest = areas
    found = done_by_all([first, *others, *rest], lambda name: others[name]() if name in others else judge(areas[name], graph),
                        least=2, most=most)
    of_rule = {rule.id: each for area, several in areas.items() for rule, each in zip(several, found[area], strict=True)}
    return [of_rule[rule.id] for rule in rules], {name: found[name] for name in others}


def _fitting() -> int:
    """Processes that have room beside each other: each touches, and so has, all that this one has, and what it looks up itself."""
    own = resident_bytes()
    return int(_MOST_BYTES / (own * _GROWTH)) if own else 1
