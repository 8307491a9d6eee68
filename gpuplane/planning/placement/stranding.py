"""Whether the scheduler can strand a pod that would have had a place: "packable" and "always scheduled" are two claims.

The scheduler places pods one by one, does not look at devices first and breaks ties at random. A pod of one claim is
stranded if the other pods can lie so that it fits no node. The worst case is searched: every order and every choice
of nodes leads to some arrangement, and every arrangement that fits is reached by some order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gpuplane.planning.placement.claims import Claim, NodeGroup, Verdict, merged, room_for
from gpuplane.planning.placement.packing import Packing, pack
from gpuplane.planning.placement.patterns import Pattern, TooMany, blocking_patterns, vectors
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
    return any(_is_strandable(groups, claims, index) for index in range(len(claims)))


def _is_strandable(groups: Sequence[NodeGroup], claims: tuple[Claim, ...], target: int) -> bool:
    wanted = claims[target]
    mine = [group for group in groups if group.count and wanted.may_use(group) and room_for(wanted.pod, group.free)]
    available = [claim.pods - (index == target) for index, claim in enumerate(claims)]
    if _never_enough(mine, claims, available, wanted):
        return False
    try:
        patterns = [_blocking(group, claims, available, wanted) for group in mine]
    except TooMany:
        return True
    return blocks_all(mine, claims, patterns, available) is not False


def _never_enough(groups: Sequence[NodeGroup], claims: Sequence[Claim], available: Sequence[int], wanted: Claim) -> bool:
    """The quick proof: so many pods cannot use up enough of any resource to block every node."""
    free = groups[0].free
    if any(group.free != free for group in groups):
        return False
    room, (own, *shapes) = vectors(free, [wanted.pod, *(claim.pod for claim in claims)])
    blocked = 0
    for column, there in enumerate(room):
        if own[column]:
            used = sum(shape[column] * count for shape, count in zip(shapes, available, strict=True))
            blocked += used // (there - own[column] + 1)
    return blocked < sum(group.count for group in groups)


def _blocking(group: NodeGroup, claims: Sequence[Claim], available: Sequence[int], wanted: Claim) -> list[Pattern]:
    mine = [index for index, claim in enumerate(claims) if claim.may_use(group) and room_for(claim.pod, group.free)]
    ways = blocking_patterns(group.free, [claims[index].pod for index in mine], [available[index] for index in mine], wanted.pod)
    return [tuple(dict(zip(mine, way, strict=True)).get(index, 0) for index in range(len(claims))) for way in ways]
