"""Whether all claims find a place together, on how few nodes, and how that is known.

The answer is optimal and says so, or gives the bound and the gap. Quick exact answers first (one shape, or first fit
that meets the lower bound); a search only where they leave a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gpuplane.planning.placement.claims import Claim, NodeGroup, merged, room_for
from gpuplane.planning.placement.first_fit import Filling, first_fit_decreasing, lower_bound, nodes_of
from gpuplane.planning.placement.patterns import Pattern, TooMany, full_patterns
from gpuplane.planning.placement.search import Found, fewest


@dataclass(frozen=True)
class FilledNodes:
    """Nodes of one group that are filled alike: pods of each claim of the packing."""

    group: str
    pods: Pattern
    nodes: int


@dataclass(frozen=True)
class Packing:
    """The answer for one set of claims.

    Attributes:
        claims: what was placed, merged and sorted; the pods of :attr:`filled` are in their order.
        packable: whether an assignment exists; None: the search gave up before it knew.
        nodes: nodes of the best assignment; fewest where ``lower_bound`` equals it. None where there is none.
        lower_bound: no assignment takes fewer.
        filled: the assignment.
        misfits: claims whose pod fits no node at all, however empty.
        method: how the answer was found, in words.
    """

    claims: tuple[Claim, ...]
    packable: bool | None
    nodes: int | None
    lower_bound: int
    filled: tuple[FilledNodes, ...]
    misfits: tuple[Claim, ...]
    method: str

    @property
    def optimal(self) -> bool:
        """Whether no assignment takes fewer nodes than this one."""
        return self.nodes is not None and self.nodes == self.lower_bound


def pack(groups: Iterable[NodeGroup], claims: Iterable[Claim], most: int | None = None) -> Packing:
    """Place all claims on as few nodes as possible.

    Args:
        groups: nodes that there are.
        claims: what asks for a place.
        most: nodes that there may be of all groups together, where that is less than their sum.
    """
    nodes, wanted = _alike(tuple(sorted(groups)), merged(claims), most), merged(claims)
    misfits = tuple(claim for claim in wanted if not any(claim.may_use(group) and room_for(claim.pod, group.free) for group in nodes))
    if misfits:
        return Packing(wanted, False, None, 0, (), misfits, "a pod fits no node")
    if not wanted:
        return Packing((), True, 0, 0, (), (), "nothing to place")
    limit = min(sum(group.count for group in nodes), most if most is not None else sum(group.count for group in nodes))
    quick = _quick(nodes[0], wanted, limit) if _is_one(nodes, wanted) else None
    if quick is not None and (quick.optimal or quick.packable is False):
        return quick
    try:
        found = fewest(nodes, wanted, [_ways(group, wanted) for group in nodes], most)
    except TooMany:
        return quick or Packing(wanted, None, None, 0, (), (), "too many ways to fill a node for a search")
    return _searched(nodes, wanted, found, quick)


def _is_one(groups: Sequence[NodeGroup], claims: Sequence[Claim]) -> bool:
    return len(groups) == 1 and all(claim.free_to_roam for claim in claims)


def _alike(groups: tuple[NodeGroup, ...], claims: Sequence[Claim], most: int | None) -> tuple[NodeGroup, ...]:
    """Groups that no claim can tell apart as one."""
    if len(groups) == 1 or not all(claim.free_to_roam and claim.allowed is None for claim in claims):
        return groups
    if len({group.free for group in groups}) > 1:
        return groups
    total = sum(group.count for group in groups)
    return (NodeGroup(groups[0].name, groups[0].free, total if most is None else min(most, total)),)


def _quick(group: NodeGroup, claims: tuple[Claim, ...], limit: int) -> Packing:
    """First fit and the lower bound: exact for one shape, and where they meet."""
    filling, low = first_fit_decreasing(group.free, claims), lower_bound(group.free, claims)
    count = nodes_of(filling)
    if len(claims) == 1:
        low, method = count, "one shape: full nodes"
    else:
        method = "first fit decreasing meets the lower bound" if low == count else "first fit decreasing"
    if low > limit:
        return Packing(claims, False, None, low, (), (), method if len(claims) == 1 else "the lower bound")
    if count > limit:
        return Packing(claims, None, None, low, (), (), method)
    return Packing(claims, True, count, low, _as_filled(group, filling), (), method)


def _ways(group: NodeGroup, claims: Sequence[Claim]) -> list[Pattern]:
    """Full patterns of a group from the claims that may use it, padded to all claims."""
    mine = [index for index, claim in enumerate(claims) if claim.may_use(group) and room_for(claim.pod, group.free)]
    ways = full_patterns(group.free, [claims[index].pod for index in mine], [claims[index].pods for index in mine])
    return [tuple(dict(zip(mine, way, strict=True)).get(index, 0) for index in range(len(claims))) for way in ways]


def _searched(groups: Sequence[NodeGroup], claims: tuple[Claim, ...], found: Found, quick: Packing | None) -> Packing:
    if found.feasible is None:
        low = max(found.bound, quick.lower_bound if quick else 0)
        kept = quick if quick is not None and quick.packable else None
        return Packing(claims, kept.packable if kept else None, kept.nodes if kept else None, low, kept.filled if kept else (), (),
                       "the search gave up at its limit")
    if not found.feasible:
        return Packing(claims, False, None, 0, (), (), "a complete search over the ways to fill nodes")
    filled = tuple(FilledNodes(group.name, pattern, count)
                   for group, of_group in zip(groups, found.nodes, strict=True) for pattern, count in of_group)
    method = "a complete search over the ways to fill nodes" if found.objective == found.bound else "the search gave up at its limit"
    return Packing(claims, True, found.objective, found.bound, _exact(filled, claims), (), method)


def _exact(filled: tuple[FilledNodes, ...], claims: Sequence[Claim]) -> tuple[FilledNodes, ...]:
    """Without the pods that full patterns hold beyond what was asked for: the last nodes have them fewer."""
    surplus = [sum(row.pods[index] * row.nodes for row in filled) - claim.pods for index, claim in enumerate(claims)]
    result: list[FilledNodes] = []
    for row in reversed(filled):
        nodes = row.nodes
        while nodes and any(extra and count for extra, count in zip(surplus, row.pods, strict=True)):
            dropped = tuple(min(extra, count) for extra, count in zip(surplus, row.pods, strict=True))
            surplus = [extra - gone for extra, gone in zip(surplus, dropped, strict=True)]
            kept = tuple(count - gone for count, gone in zip(row.pods, dropped, strict=True))
            result.append(FilledNodes(row.group, kept, 1))
            nodes -= 1
        if nodes:
            result.append(FilledNodes(row.group, row.pods, nodes))
    counted: dict[tuple[str, Pattern], int] = {}
    for row in result:
        counted[row.group, row.pods] = counted.get((row.group, row.pods), 0) + row.nodes
    return tuple(FilledNodes(group, pods, nodes) for (group, pods), nodes in sorted(counted.items()))


def _as_filled(group: NodeGroup, filling: Filling) -> tuple[FilledNodes, ...]:
    return tuple(FilledNodes(group.name, pattern, nodes) for pattern, nodes in sorted(filling))
