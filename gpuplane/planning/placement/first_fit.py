"""Quick answers: how few nodes could ever do, and how many first fit decreasing takes.

Where the two meet, the answer is optimal without a search; with sizes that divide each other (1, 2, 4, 8 GPUs) and
only one scarce resource they always meet (Coffman, Garey and Johnson, 1987).
"""

from __future__ import annotations

from collections.abc import Sequence

from gpuplane.planning.placement.claims import Amounts, Claim
from gpuplane.planning.placement.patterns import Pattern, less, times, vectors

Filling = tuple[tuple[Pattern, int], ...]
"""Nodes filled alike: the pattern and how many of them."""


def lower_bound(free: Amounts, claims: Sequence[Claim]) -> int:
    """Nodes that no packing can do without: each resource by itself, and pods of which no two share a node."""
    if not claims:
        return 0
    room, shapes = vectors(free, [claim.pod for claim in claims])
    best = 1
    for column, there in enumerate(room):
        total = sum(shape[column] * claim.pods for shape, claim in zip(shapes, claims, strict=True))
        halves = sum(claim.pods for shape, claim in zip(shapes, claims, strict=True) if 2 * shape[column] > there)
        best = max(best, -(-total // there) if there else best, halves)
    return best


def first_fit_decreasing(free: Amounts, claims: Sequence[Claim]) -> Filling:
    """Nodes filled one after another, largest pods first, in the order that takes the fewest nodes.

    Every pod must fit an empty node. Equal nodes are filled at once, so thousands of pods take no longer than ten.
    """
    room, shapes = vectors(free, [claim.pod for claim in claims])
    share = [[shape[column] / there if there else 0.0 for column, there in enumerate(room)] for shape in shapes]
    keys = [[max(row, default=0.0) for row in share], [sum(row) for row in share],
            *([row[column] for row in share] for column in range(len(room)))]
    best: Filling | None = None
    least = lower_bound(free, claims)
    for key in keys:
        order = sorted(range(len(claims)), key=lambda index: (-key[index], index))
        filling = _filled([claim.pods for claim in claims], room, shapes, order)
        if best is None or nodes_of(filling) < nodes_of(best):
            best = filling
        if nodes_of(best) <= least:
            break
    return best or ()


def nodes_of(filling: Filling) -> int:
    """How many nodes a filling takes."""
    return sum(nodes for _, nodes in filling)


def _filled(waiting: list[int], room: tuple[int, ...], shapes: Sequence[tuple[int, ...]], order: Sequence[int]) -> Filling:
    filling = []
    waiting = list(waiting)
    while any(waiting):
        left, pattern = room, [0] * len(shapes)
        for index in order:
            if waiting[index]:
                pattern[index] = times(shapes[index], left, waiting[index])
                left = less(left, shapes[index], pattern[index])
        assert any(pattern), "every pod fits an empty node"
        nodes = min(waiting[index] // count for index, count in enumerate(pattern) if count)
        filling.append((tuple(pattern), nodes))
        waiting = [before - count * nodes for before, count in zip(waiting, pattern, strict=True)]
    return tuple(filling)
