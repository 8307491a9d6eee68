"""The search behind a packing: CP-SAT over ways to fill nodes. Same input, same answer: one worker, fixed seed, counted steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gpuplane.planning.placement.claims import Claim, NodeGroup
from gpuplane.planning.placement.cp_sat import Model
from gpuplane.planning.placement.patterns import Pattern

PACKING_SECONDS, STRANDING_SECONDS = 2.0, 0.2
"""How long one search may take, in CP-SAT's own count of steps: it does not depend on the machine or its load."""


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        feasible: whether there is a solution; None: the search gave up before it knew.
        nodes: pattern to nodes for each group, of the best solution.
        objective: its value; bound: what no solution can be better than.
    """

    feasible: bool | None
    nodes: tuple[tuple[tuple[Pattern, int], ...], ...]
    objective: int
    bound: int


def fewest(groups: Sequence[NodeGroup], claims: Sequence[Claim], patterns: Sequence[Sequence[Pattern]], most: int | None) -> Found:
    """Nodes of each group and pattern that hold all claims, as few as possible.

    Args:
        patterns: full patterns of each group; a pod may be left out of one, so they cover all others.
        most: nodes that there may be of all groups together; None: as many as the groups have.
    """
    model, counts = _model(groups, patterns)
    everything = [count for of_group in counts for count in of_group]
    for group, of_group in zip(groups, counts, strict=True):
        model.add(sum(of_group) <= group.count)
    if most is not None:
        model.add(sum(everything) <= most)
    for index, claim in enumerate(claims):
        held = [sum(pattern[index] * count for pattern, count in zip(ways, of_group, strict=True))
                for ways, of_group in zip(patterns, counts, strict=True)]
        _hold(model, index, claim, groups, held)
    model.minimize(sum(everything))
    return _solved(model, patterns, counts, PACKING_SECONDS)


def blocks_all(groups: Sequence[NodeGroup], claims: Sequence[Claim], patterns: Sequence[Sequence[Pattern]],
               available: Sequence[int]) -> bool | None:
    """Whether the available pods can be put so that every node of every group holds a blocking pattern; None: not known."""
    model, counts = _model(groups, patterns)
    for group, of_group in zip(groups, counts, strict=True):
        model.add(sum(of_group) == group.count)
    for index, _ in enumerate(claims):
        used = [pattern[index] * count for ways, of_group in zip(patterns, counts, strict=True)
                for pattern, count in zip(ways, of_group, strict=True)]
        model.add(sum(used) <= available[index])
    return _solved(model, patterns, counts, STRANDING_SECONDS).feasible


def _hold(model: Model, index: int, claim: Claim, groups: Sequence[NodeGroup], held: Sequence[Any]) -> None:
    """All pods of a claim have a place; replicas that stay together do, and spread pods keep their skew."""
    model.add(sum(held) >= claim.pods)
    if claim.within is not None and claim.pods_per_replica > 1:
        parts = []
        for value, members in _domains(groups, claim.within).items():
            replicas = model.new_int_var(0, claim.replicas, f"replicas {index} {value}")
            model.add(sum(held[member] for member in members) >= replicas * claim.pods_per_replica)
            parts.append(replicas)
        model.add(sum(parts) == claim.replicas)
    if claim.spread is not None:
        placed = []
        for value, members in _domains(groups, claim.spread).items():
            pods = model.new_int_var(0, claim.pods, f"pods {index} {value}")
            model.add(pods <= sum(held[member] for member in members))
            placed.append(pods)
        model.add(sum(placed) == claim.pods)
        least, most = (model.new_int_var(0, claim.pods, f"{word} {index}") for word in ("least", "most"))
        for pods in placed:
            model.add(least <= pods)
            model.add(pods <= most)
        model.add(most - least <= claim.max_skew)


def _domains(groups: Iterable[NodeGroup], key: str) -> Mapping[str, list[int]]:
    """Values of a topology key with the groups that bear them; groups without the key are no domain."""
    found: dict[str, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        value = group.domain(key)
        if value is not None:
            found[value].append(index)
    return found


def _model(groups: Sequence[NodeGroup], patterns: Sequence[Sequence[Pattern]]) -> tuple[Model, list[list[Any]]]:
    model = Model()
    counts = [[model.new_int_var(0, group.count, f"{group.name} {number}") for number, _ in enumerate(ways)]
              for group, ways in zip(groups, patterns, strict=True)]
    return model, counts


def _solved(model: Model, patterns: Sequence[Sequence[Pattern]], counts: Sequence[Sequence[Any]], seconds: float) -> Found:
    answer = model.solved(seconds)
    if not answer.feasible:
        return Found(answer.feasible, (), 0, 0 if answer.feasible is False else answer.bound)
    nodes = tuple(tuple((pattern, number) for pattern, count in zip(ways, of_group, strict=True) if (number := answer.value(count)))
                  for ways, of_group in zip(patterns, counts, strict=True))
    return Found(True, nodes, answer.objective, answer.objective if answer.optimal else answer.bound)
