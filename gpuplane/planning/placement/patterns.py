"""Ways to fill one node: how many pods of each claim go on it together.

A packing of identical nodes is a number of nodes for each way to fill one (Gilmore and Gomory, 1961): no two nodes
differ by name alone, so the search has no symmetry. Only full nodes matter for fitting, and only nodes that are just
too full matter for stranding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpuplane.planning.placement.claims import Amounts

Pattern = tuple[int, ...]
"""Pods of each claim on one node, in the claims' order."""
Vector = tuple[int, ...]

MOST_PATTERNS = 5_000
"""Beyond so many the search is left to bounds and first fit, which say how far apart they are."""
_MOST_STEPS = 50_000


class TooMany(Exception):
    """There are more ways to fill a node than a search should look at."""


def vectors(free: Amounts, pods: Sequence[Amounts]) -> tuple[Vector, list[Vector]]:
    """Room and pods as vectors over the resources that any pod asks for; what is not there counts as 0."""
    names = sorted({name for pod in pods for name, _ in pod})
    there = dict(free)
    wanted = [dict(pod) for pod in pods]
    return tuple(there.get(name, 0) for name in names), [tuple(pod.get(name, 0) for name in names) for pod in wanted]


def full_patterns(free: Amounts, pods: Sequence[Amounts], most: Sequence[int]) -> list[Pattern]:
    """Every way to fill a node to which no further pod can be added.

    Args:
        free: room of the node.
        pods: shapes of the claims.
        most: pods that there are of each; a pattern has no more.

    Raises:
        TooMany: more than :data:`MOST_PATTERNS`.
    """
    room, shapes = vectors(free, pods)
    found: list[Pattern] = []
    for pattern, left in _filled(room, shapes, most):
        if not any(count < limit and _fits(shape, left) for count, limit, shape in zip(pattern, most, shapes, strict=True)):
            found.append(pattern)
            if len(found) > MOST_PATTERNS:
                raise TooMany
    return sorted(found)


def blocking_patterns(free: Amounts, pods: Sequence[Amounts], most: Sequence[int], target: Amounts) -> list[Pattern]:
    """Every smallest way to fill a node so that ``target`` no longer fits: without any one of its pods it would.

    Raises:
        TooMany: more than :data:`MOST_PATTERNS`.
    """
    room, (wanted, *shapes) = vectors(free, [target, *pods])
    found: list[Pattern] = []
    for pattern, left in _until_blocked(room, shapes, most, wanted):
        if all(not count or _fits(wanted, _plus(left, shape)) for count, shape in zip(pattern, shapes, strict=True)):
            found.append(pattern)
            if len(found) > MOST_PATTERNS:
                raise TooMany
    return sorted(found)


def _filled(room: Vector, shapes: Sequence[Vector], most: Sequence[int]) -> Iterator[tuple[Pattern, Vector]]:
    """Patterns whose last claim takes all it can; every full one is among them."""
    steps = 0

    def fill(index: int, left: Vector, taken: Pattern) -> Iterator[tuple[Pattern, Vector]]:
        nonlocal steps
        steps += 1
        if steps > _MOST_STEPS:
            raise TooMany
        if index == len(shapes):
            yield taken, left
            return
        top = min(most[index], _times(shapes[index], left, most[index]))
        low = top if index == len(shapes) - 1 else 0
        for count in range(top, low - 1, -1):
            yield from fill(index + 1, _less(left, shapes[index], count), (*taken, count))

    yield from fill(0, room, ())


def _until_blocked(room: Vector, shapes: Sequence[Vector], most: Sequence[int], wanted: Vector) -> Iterator[tuple[Pattern, Vector]]:
    """Feasible patterns that leave no room for ``wanted``; a pattern that blocks is not filled further."""
    steps = 0

    def fill(index: int, left: Vector, taken: Pattern) -> Iterator[tuple[Pattern, Vector]]:
        nonlocal steps
        steps += 1
        if steps > _MOST_STEPS:
            raise TooMany
        if not _fits(wanted, left):
            yield (*taken, *([0] * (len(shapes) - index))), left
            return
        if index == len(shapes):
            return
        for count in range(min(most[index], _times(shapes[index], left, most[index])) + 1):
            after = _less(left, shapes[index], count)
            yield from fill(index + 1, after, (*taken, count))
            if not _fits(wanted, after):
                return

    yield from fill(0, room, ())


def _fits(shape: Vector, left: Vector) -> bool:
    return all(amount <= there for amount, there in zip(shape, left, strict=True))


def _times(shape: Vector, left: Vector, most: int) -> int:
    return min((there // amount for amount, there in zip(shape, left, strict=True) if amount), default=most)


def _less(left: Vector, shape: Vector, count: int) -> Vector:
    return tuple(there - amount * count for amount, there in zip(shape, left, strict=True))


def _plus(left: Vector, shape: Vector) -> Vector:
    return tuple(there + amount for amount, there in zip(shape, left, strict=True))
