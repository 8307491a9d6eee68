"""Rules run by all processors, where there are objects enough: each takes the next area of rules, which share what they look up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from gpuplane.delivery.chunks import done_by_all, resident_bytes
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.policies.finding import Finding
from gpuplane.policies.registry import one_by_one
from gpuplane.policies.rule import Rule

Judge = Callable[[Sequence[Rule]], Sequence[Sequence[Finding]]]
_LEAST: Final = 2_000
"""Objects below which a child is not worth its start."""
_MOST_BYTES: Final = 2 << 30
"""Memory that all processes may take together."""
_GROWTH: Final = 1.3
"""How much more a process has when it has judged than when it began."""
_PATHS, _WIRINGS = "TI", "WI"
"""Areas that look up what reports ask for later: who reaches whom, and what each service hangs by."""
_LONGEST: Final = (_PATHS, _WIRINGS, "PII", "CB", "RE", "QF", "WS")
"""Areas that take longest, begun first; the very first is left to this process."""


def by_all_processors(rules: Sequence[Rule], graph: PlannedGraph) -> Sequence[Sequence[Finding]]:
    """The findings of each rule, the same ones in the same order as one process finds."""
    return with_others(rules, lambda some: one_by_one(some, graph), {}, fitting(len(graph.resources)))[0]


def with_others(rules: Sequence[Rule], judge: Judge, others: Mapping[str, Callable[[], Any]], most: int,
                wirings: bool = True) -> tuple[Sequence[Sequence[Finding]], Mapping[str, Any]]:
    """The findings of each rule, and what other work comes to that can be done at the same time.

    Args:
        rules: of whom each process takes some.
        judge: what some rules find. It may make what it needs when it is first asked, in each process for itself.
        others: by name; what each comes to can be pickled.
        most: processes, this one too.
        wirings: whether this process will be asked for those; then it judges them too.
    """
    if most <= 1:
        return judge(rules), {name: work() for name, work in others.items()}
    areas: dict[str, list[Rule]] = {area: [] for area in _LONGEST}
    for rule in rules:
        area = rule.id.partition("-")[0]
        areas.setdefault(_PATHS if wirings and area == _WIRINGS else area, []).append(rule)
    names = [_PATHS, _WIRINGS, *others, *(area for area in areas if area not in (_PATHS, _WIRINGS))]
    found = done_by_all(names, lambda name: others[name]() if name in others else judge(areas[name]), least=2, most=most)
    of_rule = {rule.id: each for area, several in areas.items() for rule, each in zip(several, found[area], strict=True)}
    return [of_rule[rule.id] for rule in rules], {name: found[name] for name in others}


def fitting(objects: int, more_bytes: int = 0) -> int:
    """How many processes are worth their start and have room beside each other.

    Each touches, and so has, all that this one has, and what it looks up itself.

    Args:
        objects: that are judged.
        more_bytes: what each will read before that.
    """
    own = resident_bytes()
    return int(_MOST_BYTES / ((own + more_bytes) * _GROWTH)) if own and objects >= _LEAST else 1
