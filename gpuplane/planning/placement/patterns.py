"""Ways to fill one node: how many pods of each claim go on it together.

A packing of identical nodes is a number of nodes for each way to fill one (Gilmore and Gomory, 1961): no two nodes
differ by name alone, so the search has no symmetry. Only full nodes matter for fitting, and only nodes that are just
too full matter for stranding.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import add, le, sub

from gpuplane.planning.placement.claims import Amounts

Pattern = tuple[int, ...]
"""Pods of each claim on one node, in the claims' order."""
Vector = tuple[int, ...]

MOST_PATTERNS = 2_000
"""Beyond so many the search is left to bounds and first fit, which say how far apart they are."""
_MOST_STEPS = 4_000


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
    search = _Search(shapes, most)
    search.fill(0, room, ())
    return sorted(search.found)


def blocking_patterns(free: Amounts, pods: Sequence[Amounts], most: Sequence[int], target: Amounts) -> list[Pattern]:
    """Every smallest way to fill a node so that ``target`` no longer fits: without any one of its pods it would.

    Raises:
        TooMany: more than :data:`MOST_PATTERNS`.
    """
    room, (wanted, *shapes) = vectors(free, [target, *pods])
    search = _Search(shapes, most, wanted)
    if fits(wanted, room):
        search.block(0, room, ())
    return sorted(search.found)


class _Search:
    """Depth first over the claims: how many pods of the first, of the second, and so on; gives up after so many steps."""

    def __init__(self, shapes: Sequence[Vector], most: Sequence[int], wanted: Vector = ()) -> None:
        self.shapes, self.most, self.wanted = shapes, most, wanted
        self._all_after = _sums_from_behind([[amount * count for amount in shape] for shape, count in zip(shapes, most, strict=True)])
        self.found: list[Pattern] = []
        self.steps = 0

    def fill(self, index: int, left: Vector, taken: Pattern) -> None:
        """Full patterns; the last claim takes all it can, and every full pattern is among those."""
        self._step()
        if index == len(self.shapes):
            if not any(count < most and fits(shape, left) for count, most, shape in zip(taken, self.most, self.shapes, strict=True)):
                self.found.append(taken)
            return
        shape = self.shapes[index]
        top = times(shape, left, self.most[index])
        for count in range(top, (top if index == len(self.shapes) - 1 else 0) - 1, -1):
            self.fill(index + 1, less(left, shape, count) if count else left, (*taken, count))

    def block(self, index: int, left: Vector, taken: Pattern) -> None:
        """Blocking patterns: a node on which the waiting pod has no room any more is not filled further."""
        self._step()
        if index == len(self.shapes) or fits(self.wanted, tuple(map(sub, left, self._all_after[index]))):
            return  # not even all that is still to come takes its room
        shape = self.shapes[index]
        top, closing = times(shape, left, self.most[index]), self._closing(shape, left)
        if index < len(self.shapes) - 1:
            for count in range(min(top + 1, closing)):
                self.block(index + 1, less(left, shape, count) if count else left, (*taken, count))
        if closing <= top:
            self._keep((*taken, closing), less(left, shape, closing))

    def _closing(self, shape: Vector, left: Vector) -> int:
        """The least number of such pods after which the waiting one has no room; it has room now."""
        return min((there - wanted) // amount + 1 for amount, there, wanted in zip(shape, left, self.wanted, strict=True) if amount)

    def _keep(self, taken: Pattern, left: Vector) -> None:
        """A blocking pattern, if it is a smallest one."""
        if all(not count or fits(self.wanted, plus(left, shape)) for count, shape in zip(taken, self.shapes, strict=False)):
            self.found.append((*taken, *([0] * (len(self.shapes) - len(taken)))))

    def _step(self) -> None:
        self.steps += 1
        if self.steps > _MOST_STEPS or len(self.found) > MOST_PATTERNS:
            raise TooMany


def _sums_from_behind(vectors: Sequence[Sequence[int]]) -> list[Vector]:
    """For each of them, the sum of it and all that follow."""
    sums: list[Vector] = []
    for vector in reversed(vectors):
        sums.insert(0, tuple(map(add, vector, sums[0])) if sums else tuple(vector))
    return sums


def fits(shape: Vector, left: Vector) -> bool:
    """Whether there is room for one."""
    return all(map(le, shape, left))


def times(shape: Vector, left: Vector, most: int) -> int:
    """How many there is room for, at most so many."""
    return min([most, *(there // amount for amount, there in zip(shape, left, strict=True) if amount)])


def less(left: Vector, shape: Vector, count: int) -> Vector:
    """Room after so many more."""
    return tuple([there - amount * count for amount, there in zip(shape, left, strict=True)])


def plus(left: Vector, shape: Vector) -> Vector:
    """Room after one fewer."""
    return tuple(map(add, left, shape))
