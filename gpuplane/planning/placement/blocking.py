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
        if own[column] and _most_used(room, shapes, column) > there - own[column]:
            used = sum(shape[column] * count for shape, count in zip(shapes, available, strict=True))
            sizes = {shape[column] for shape, count in zip(shapes, available, strict=True) if count}
            least = _least_over(there - own[column], there, sizes)
            blocked += used // least if least is not None else 0
    return blocked


def _most_used(room: Vector, shapes: Sequence[Vector], column: int) -> float:
    """No pods that fit one empty node use more of one column than this: weak duality of the linear program over pods as fractions.

    Weights of other columns that make up for what each pod uses of this one: of a single column where all pods use it, or of all
    columns that the pods use apart from each other, as they do with devices of several profiles.
    """
    using = [shape for shape in shapes if shape[column]]
    others = [other for other in range(len(room)) if other != column]
    bounds = [float(room[column])]
    for group in ([other] for other in others if all(shape[other] for shape in using)):
        bounds.append(_weighed(room, using, column, group))
    apart = [other for other in others if any(not shape[other] for shape in using)]
    if using and all(any(shape[other] for other in apart) for shape in using):
        bounds.append(_weighed(room, using, column, apart))
    return min(bounds)


def _weighed(room: Vector, using: Sequence[Vector], column: int, group: Sequence[int]) -> float:
    return sum(room[other] * max((shape[column] / shape[other] for shape in using if shape[other]), default=0.0) for other in group)


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
