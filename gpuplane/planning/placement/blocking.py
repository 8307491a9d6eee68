"""How many identical nodes other pods can block for one that waits: a bound from above, and an arrangement from below."""

from __future__ import annotations

from collections.abc import Sequence

from gpuplane.planning.placement.claims import Amounts, Claim
from gpuplane.planning.placement.patterns import Vector, fits, less, vectors

_MOST_SUMS = 20_000


def most_blocked(free: Amounts, claims: Sequence[Claim], available: Sequence[int], wanted: Claim) -> int:
    """No arrangement blocks more nodes: a blocked node lacks some resource, and there is only so much of each to use up."""
    room, (own, *shapes) = vectors(free, [wanted.pod, *(claim.pod for claim in claims)])
    blocked = 0
    for column, there in enumerate(room):
        if own[column]:
            used = sum(shape[column] * count for shape, count in zip(shapes, available, strict=True))
            sizes = {shape[column] for shape, count in zip(shapes, available, strict=True) if count}
            least = _least_over(there - own[column], there, sizes)
            blocked += used // least if least is not None else 0
    return blocked


def can_block(nodes: int, free: Amounts, claims: Sequence[Claim], available: Sequence[int], wanted: Claim) -> bool:
    """Whether a simple arrangement blocks so many: node after node, with the pods first that are small in some resource."""
    room, (own, *shapes) = vectors(free, [wanted.pod, *(claim.pod for claim in claims)])
    for column in range(len(room)):
        for sign in (1, -1):
            order = sorted(range(len(claims)), key=lambda index: (sign * shapes[index][column], index))
            if _arranged(room, own, shapes, list(available), order) >= nodes:
                return True
    return False


def _least_over(amount: int, most: int, sizes: set[int]) -> int | None:
    """The least sum of sizes that is more than ``amount`` and at most ``most``; None where there is none."""
    reached, edge = {0}, {0}
    while edge:
        edge = {total + size for total in edge if total <= amount for size in sizes if size and total + size <= most} - reached
        reached |= edge
        if len(reached) > _MOST_SUMS:
            return amount + 1
    return min((total for total in reached if total > amount), default=None)


def _arranged(room: Vector, own: Vector, shapes: Sequence[Vector], waiting: list[int], order: Sequence[int]) -> int:
    blocked = 0
    while True:
        left, pattern = room, [0] * len(shapes)
        for index in order:
            while pattern[index] < waiting[index] and fits(own, left) and fits(shapes[index], left):
                left = less(left, shapes[index], 1)
                pattern[index] += 1
        if fits(own, left):
            return blocked
        alike = min(have // count for have, count in zip(waiting, pattern, strict=True) if count)
        blocked += alike
        waiting = [have - alike * count for have, count in zip(waiting, pattern, strict=True)]
