"""Whether the scheduler can strand a pod that would have had a place: "packable" and "always scheduled" are two claims.

The scheduler places pods one by one, does not look at devices first and breaks ties at random. A pod of one claim is
stranded if the other pods can lie so that it fits no node. The worst case is searched: every order and every choice
of nodes leads to some arrangement, and every arrangement that fits is reached by some order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gpuplane.planning.placement.blocking import can_block, most_blocked
from gpuplane.planning.placement.claims import Claim, NodeGroup, Verdict, merged, room_for
from gpuplane.planning.placement.packing import Packing, pack
from gpuplane.planning.placement.patterns import Pattern, TooMany, blocking_patterns
from gpuplane.planning.placement.search import blocks_all


def verdict_of(groups: Iterable[NodeGroup], claims: Iterable[Claim], packing: Packing | None = None) -> Verdict:
    """The strongest that is true of all claims together.

    ``always`` is said of pods that may take any node with room; replicas that stay together or spread can wait for one
    another, so for them ``packable`` is the most.
    """
    there, wanted = tuple(sorted(groups)), merged(claims)
    packing = packing or pack(there, wanted)
    if packing.packable is not True:
        return "not packable" if packing.packable is False else "unproven"
    return "always" if all(claim.free_to_roam for claim in wanted) and not _can_strand(there, wanted) else "packable"


def _can_strand(groups: Sequence[NodeGroup], claims: tuple[Claim, ...]) -> bool:
    """Whether some pod can be left over; True also where the search does not know."""
    if len(claims) == 1 and len({group.free for group in groups}) == 1 and claims[0].allowed is None:
        return False  # identical pods on identical nodes: any order fills them alike
    largest_first = sorted(range(len(claims)), key=lambda index: (-_share(claims[index], groups[0]), index))
    doubtful = []
    for target in largest_first:
        known = _quickly(groups, claims, target)
        if known:
            return True
        if known is None:
            doubtful.append(target)
    return any(_searched(groups, claims, target) for target in doubtful if not _is_undercut(claims, target))


def _is_undercut(claims: Sequence[Claim], target: int) -> bool:
    """Whether another claim's pod is larger in everything and may run on the same nodes: it is stranded wherever this one is.

    Where pods block the smaller one everywhere, put it in the place of one of the larger, which then waits: that node lacks for the
    larger what it lacked for the smaller. If no larger one is placed, it waits already.
    """
    mine = claims[target]
    return any(other.pod != mine.pod and other.allowed == mine.allowed and room_for(mine.pod, other.pod) for other in claims)


def _share(claim: Claim, group: NodeGroup) -> float:
    free = dict(group.free)
    return max((amount / free[name] for name, amount in claim.pod if free.get(name)), default=0.0)


def _quickly(groups: Sequence[NodeGroup], claims: tuple[Claim, ...], target: int) -> bool | None:
    """A proof that the target is never stranded (False), an arrangement that strands it (True), or neither (None)."""
    mine, available = _nodes_of(groups, claims[target]), _others(claims, target)
    if len({group.free for group in mine}) > 1 or any(claim.allowed is not None for claim in claims):
        return None
    nodes = sum(group.count for group in mine)
    if most_blocked(mine[0].free, claims, available, claims[target]) < nodes:
        return False
    return True if can_block(nodes, mine[0].free, claims, available, claims[target]) else None


def _searched(groups: Sequence[NodeGroup], claims: tuple[Claim, ...], target: int) -> bool:
    mine, available = _nodes_of(groups, claims[target]), _others(claims, target)
    try:
        patterns = [_blocking(group, claims, available, claims[target]) for group in mine]
    except TooMany:
        return True
    return blocks_all(mine, claims, patterns, available) is not False


def _nodes_of(groups: Sequence[NodeGroup], claim: Claim) -> list[NodeGroup]:
    return [group for group in groups if group.count and claim.may_use(group) and room_for(claim.pod, group.free)]


def _others(claims: Sequence[Claim], target: int) -> list[int]:
    """Pods of each claim besides the one that waits."""
    return [claim.pods - (index == target) for index, claim in enumerate(claims)]


def _blocking(group: NodeGroup, claims: Sequence[Claim], available: Sequence[int], wanted: Claim) -> list[Pattern]:
    mine = [index for index, claim in enumerate(claims) if claim.may_use(group) and room_for(claim.pod, group.free)]
    ways = blocking_patterns(group.free, [claims[index].pod for index in mine], [available[index] for index in mine], wanted.pod)
    return [tuple(dict(zip(mine, way, strict=True)).get(index, 0) for index in range(len(claims))) for way in ways]
