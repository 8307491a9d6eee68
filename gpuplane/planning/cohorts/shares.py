"""What a ClusterQueue is guaranteed, may borrow and can at most use of a resource, whatever the others do.

The maximum is Kueue's ``potentialAvailable``. What is guaranteed follows from the same tree: others use all that their
limits let them, and the queue gets back what its preemption policy lets it take back. Without ``reclaimWithinCohort: Any``
it takes back nothing for sure, so its own nominal quota is only safe as far as others cannot borrow it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gpuplane.planning.cohorts.quota_tree import FlavorResource, Node, QuotaTree
from gpuplane.planning.cohorts.workloads import Reclaim


@dataclass(frozen=True)
class Lender:
    """A neighbour in the tree that lends: a ClusterQueue, a Cohort with what is below it, or a Cohort's own quota.

    Attributes:
        lends: the most that it lends, where it uses nothing itself.
    """

    name: str
    lends: int


@dataclass(frozen=True)
class Share:
    """One queue's share of one resource in one flavor.

    Attributes:
        nominal: its own quota.
        guaranteed: what it gets whatever others do, and takes back by preemption where they were first.
        maximum: the most that it can ever use.
        lendable: what others lend at most, whatever the queue's own borrowing limit says.
    """

    nominal: int
    guaranteed: int
    maximum: int
    lendable: int

    @property
    def borrowable(self) -> int:
        """The most that it can really borrow."""
        return max(0, self.maximum - self.nominal)


class Shares:
    """Shares of all queues of a tree; what siblings have in common is reckoned once."""

    def __init__(self, tree: QuotaTree) -> None:
        self.tree = tree
        self._draws: dict[tuple[int, FlavorResource], int | None] = {}
        self._drawn: dict[tuple[int, FlavorResource], tuple[int, int]] = {}
        self._left: dict[tuple[int, FlavorResource, int], int] = {}
        self._lenders: dict[tuple[int, FlavorResource], list[tuple[Node | None, Lender]]] = {}

    def of(self, queue: str, key: FlavorResource, reclaim: Reclaim) -> Share:
        """The share of one queue."""
        node = self.tree.queues[queue]
        nominal, most = node.quota(key).nominal, self.tree.potential(node, key)
        if node.parent is None:
            return Share(nominal, nominal, most, 0)
        above = node.local(key) + self.tree.potential(node.parent, key)
        safe = max(self._safe(node, key, root) for root in self._roots(node, reclaim))
        return Share(nominal, min(safe, most), most, max(0, above - node.subtree.get(key, 0)))

    def lenders(self, queue: str, key: FlavorResource) -> Iterator[Lender]:
        """Who lends to a queue: its siblings, then its cohorts' siblings, largest first at each level."""
        child = self.tree.queues[queue]
        for cohort in child.ancestors():
            for node, lender in self._of_cohort(cohort, key):
                if node is not child:
                    yield lender
            child = cohort

    def lender_count(self, queue: str, key: FlavorResource) -> int:
        """How many lenders there are."""
        child, count = self.tree.queues[queue], 0
        for cohort in child.ancestors():
            count += len(self._of_cohort(cohort, key)) - bool(child.lent(key))
            child = cohort
        return count

    def _of_cohort(self, cohort: Node, key: FlavorResource) -> list[tuple[Node | None, Lender]]:
        found = self._lenders.get((cohort.index, key))
        if found is None:
            found = [(child, Lender(child.name, child.lent(key))) for child in (*cohort.cohorts, *cohort.queues) if child.lent(key)]
            if cohort.quota(key).nominal:
                found.append((None, Lender(cohort.name, cohort.quota(key).nominal)))
            found.sort(key=lambda row: (-row[1].lends, row[1].name))
            self._lenders[cohort.index, key] = found
        return found

    @staticmethod
    def _roots(node: Node, reclaim: Reclaim) -> list[Node]:
        """Subtrees whose quota nobody outside keeps from the queue: all of its cohorts where it may reclaim from anyone."""
        path = [node, *node.ancestors()]
        return path if reclaim == "Any" else path[-1:]

    def _safe(self, node: Node, key: FlavorResource, root: Node) -> int:
        """What is left to ``node`` in the subtree of ``root``, with all other nodes of it drawing all they can."""
        if node is root:
            return node.subtree.get(key, 0)
        assert node.parent is not None
        whole = self._of_parent(node.parent, key, root)
        unlimited, drawn = self._drawn_from(node.parent, key)
        own = self._draw(node, key)
        others = unlimited - (own is None)
        left = 0 if others else max(0, whole - drawn + (own or 0))
        limit = node.quota(key).borrowing_limit
        return node.local(key) + (left if limit is None else min(left, node.lent(key) + limit))

    def _of_parent(self, parent: Node, key: FlavorResource, root: Node) -> int:
        """:meth:`_safe` of a cohort, worked out once for all of its children."""
        if (parent.index, key, root.index) not in self._left:
            self._left[parent.index, key, root.index] = self._safe(parent, key, root)
        return self._left[parent.index, key, root.index]

    def _drawn_from(self, cohort: Node, key: FlavorResource) -> tuple[int, int]:
        """How many children draw without a limit, and what the others draw at most together."""
        found = self._drawn.get((cohort.index, key))
        if found is None:
            draws = [self._draw(child, key) for child in (*cohort.cohorts, *cohort.queues)]
            found = draws.count(None), sum(draw for draw in draws if draw is not None)
            self._drawn[cohort.index, key] = found
        return found

    def _draw(self, node: Node, key: FlavorResource) -> int | None:
        """The most that a subtree takes from its parent's quota, own lent quota included; None: all there is."""
        if (node.index, key) not in self._draws:
            limit = node.quota(key).borrowing_limit
            most = None if limit is None else node.lent(key) + limit
            if node.is_queue:
                self._draws[node.index, key] = most if key in node.quotas else 0
            else:
                unlimited, drawn = self._drawn_from(node, key)
                inside = None if unlimited else max(0, drawn - node.local(key))
                self._draws[node.index, key] = inside if most is None else most if inside is None else min(most, inside)
        return self._draws[node.index, key]
