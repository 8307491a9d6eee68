"""The same questions answered by trying everything: slow, short and obviously right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from gpuplane.planning.placement.claims import Amounts, Claim, NodeGroup, rest, room_for

Room = tuple[tuple[int, Amounts], ...]
"""Each single node: the index of its group and what it has left."""


def rooms(groups: Sequence[NodeGroup]) -> Room:
    """Single nodes of all groups."""
    return tuple((index, group.free) for index, group in enumerate(groups) for _ in range(group.count))


def placements(groups: Sequence[NodeGroup], claims: Sequence[Claim]) -> Iterator[tuple[tuple[int, int], ...]]:
    """Every assignment of all pods: for each pod (claim by claim, replica by replica) its claim and node."""
    yield from _assign(groups, [(index, claim) for index, claim in enumerate(claims) for _ in range(claim.pods)], rooms(groups), ())


def _assign(groups: Sequence[NodeGroup], pods: list[tuple[int, Claim]], left: Room,
            done: tuple[tuple[int, int], ...]) -> Iterator[tuple[tuple[int, int], ...]]:
    if not pods:
        yield done
        return
    (index, claim), tail = pods[0], pods[1:]
    for node, (group, free) in enumerate(left):
        if claim.may_use(groups[group]) and room_for(claim.pod, free):
            after = (*left[:node], (group, rest(free, [(claim.pod, 1)])), *left[node + 1:])
            yield from _assign(groups, tail, after, (*done, (index, node)))


def fewest_nodes(groups: Sequence[NodeGroup], claims: Sequence[Claim]) -> int | None:
    """Nodes of the best assignment that keeps replicas together and spread pods within their skew; None where there is none."""
    where = [groups[index] for index, _ in rooms(groups)]
    counts = [len({node for _, node in done}) for done in placements(groups, claims) if _together(done, claims, where)
              and _spread(done, claims, where, groups)]
    return min(counts, default=None)


def _together(done: tuple[tuple[int, int], ...], claims: Sequence[Claim], where: Sequence[NodeGroup]) -> bool:
    for index, claim in enumerate(claims):
        if claim.within is None or claim.pods_per_replica == 1:
            continue
        nodes = [node for mine, node in done if mine == index]
        for start in range(0, len(nodes), claim.pods_per_replica):
            replica = nodes[start:start + claim.pods_per_replica]
            domains = {node if claim.within == "node" else where[node].domain(claim.within) for node in replica}
            if len(domains) != 1 or None in domains:
                return False
    return True


def _spread(done: tuple[tuple[int, int], ...], claims: Sequence[Claim], where: Sequence[NodeGroup], groups: Sequence[NodeGroup]) -> bool:
    for index, claim in enumerate(claims):
        if claim.spread is None:
            continue
        counts = {group.domain(claim.spread): 0 for group in groups if group.domain(claim.spread) is not None}
        for mine, node in done:
            if mine == index:
                if where[node].domain(claim.spread) is None:
                    return False
                counts[where[node].domain(claim.spread)] += 1
        if max(counts.values()) - min(counts.values()) > claim.max_skew:
            return False
    return True


def can_strand(groups: Sequence[NodeGroup], claims: Sequence[Claim]) -> bool:
    """Whether some order of pods and some choice of nodes leaves a pod without a place."""

    @cache
    def stuck(left: Room, waiting: tuple[int, ...]) -> bool:
        for index, count in enumerate(waiting):
            if not count:
                continue
            fits = [node for node, (group, free) in enumerate(left) if claims[index].may_use(groups[group]) and room_for(claims[index].pod, free)]
            if not fits:
                return True
            fewer = (*waiting[:index], count - 1, *waiting[index + 1:])
            for node in fits:
                group, free = left[node]
                after = tuple(sorted((*left[:node], (group, rest(free, [(claims[index].pod, 1)])), *left[node + 1:])))
                if stuck(after, fewer):
                    return True
        return False

    return stuck(tuple(sorted(rooms(groups))), tuple(claim.pods for claim in claims))
