"""The tree of ClusterQueues and Cohorts with its quotas, as Kueue computes it (``pkg/cache/scheduler/resource_node.go`` of v0.19.2).

Amounts are whole numbers of a resource's unit (devices, milli-CPUs, bytes). A limit of None is no limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class FlavorResource(NamedTuple):
    """A resource in a ResourceFlavor: what quotas are given of."""

    flavor: str
    resource: str


@dataclass(frozen=True)
class ResourceQuota:
    """One quota of a ClusterQueue or a Cohort.

    Attributes:
        nominal: what the node brings.
        borrowing_limit: most that its subtree may use beyond its own; None: all there is.
        lending_limit: most of its own that others may use; None: all of it.
    """

    nominal: int
    borrowing_limit: int | None = None
    lending_limit: int | None = None


Quotas = Mapping[FlavorResource, ResourceQuota]
NONE = ResourceQuota(0)


@dataclass(frozen=True)
class QueueQuotas:
    """A ClusterQueue's quotas; ``cohort`` is empty where it is on its own, ``weight`` counts where shares are fair."""

    name: str
    quotas: Quotas
    cohort: str = ""
    weight: float = 1.0


@dataclass(frozen=True)
class CohortQuotas:
    """A Cohort's own quotas, on top of what its members bring; ``parent`` is empty for a root, ``weight`` counts where shares are fair."""

    name: str
    quotas: Quotas = field(default_factory=dict)
    parent: str = ""
    weight: float = 1.0


@dataclass(eq=False)
class Node:
    """A ClusterQueue or Cohort in its tree; equality is identity.

    Attributes:
        index: position in the tree's list of nodes.
        weight: for fair sharing, among its siblings.
        subtree: ``SubtreeQuota``: own quota and what the children lend.
        height: edges down to the furthest ClusterQueue (``getNodeHeight``).
    """

    name: str
    is_queue: bool
    quotas: Quotas
    index: int
    weight: float = 1.0
    parent: Node | None = None
    cohorts: list[Node] = field(default_factory=list)
    queues: list[Node] = field(default_factory=list)
    subtree: dict[FlavorResource, int] = field(default_factory=dict)
    height: int = 0

    def quota(self, key: FlavorResource) -> ResourceQuota:
        """Its quota, nothing where it has none."""
        return self.quotas.get(key, NONE)

    def local(self, key: FlavorResource) -> int:
        """``localQuota``: the part of the subtree's quota that is never lent to the parent."""
        lending = self.quota(key).lending_limit
        return 0 if lending is None else max(0, self.subtree.get(key, 0) - lending)

    def lent(self, key: FlavorResource) -> int:
        """The part of the subtree's quota that the parent counts as its own."""
        return self.subtree.get(key, 0) - self.local(key)

    def ancestors(self) -> Iterator[Node]:
        """Cohorts from the parent up to the root."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    @property
    def root(self) -> Node:
        """The uppermost cohort; itself where it is on its own."""
        return [self, *self.ancestors()][-1]


class QuotaTree:
    """Every tree of a cluster: queues and cohorts with their subtree quotas.

    A cohort that is named and not declared has no quotas of its own, as in Kueue.

    Args:
        backwards: children in the opposite order. Kueue keeps them without any, and fair sharing takes the first of equals.

    Raises:
        ValueError: the cohorts form a cycle (Kueue admits nothing in it).
    """

    def __init__(self, queues: Mapping[str, QueueQuotas], cohorts: Mapping[str, CohortQuotas], backwards: bool = False) -> None:
        self.nodes: list[Node] = []
        self.cohorts: dict[str, Node] = {}
        self.queues: dict[str, Node] = {}
        named = {cohort.parent for cohort in cohorts.values()} | {queue.cohort for queue in queues.values()} | set(cohorts)
        for name in sorted(named - {""}):
            declared = cohorts.get(name, CohortQuotas(name))
            self.cohorts[name] = self._add(name, False, declared.quotas, declared.weight)
        for name in sorted(cohorts, reverse=backwards):
            if cohorts[name].parent:
                self._hang(self.cohorts[name], self.cohorts[cohorts[name].parent])
        for name in sorted(queues, reverse=backwards):
            self.queues[name] = self._add(name, True, queues[name].quotas, queues[name].weight)
            if queues[name].cohort:
                self._hang(self.queues[name], self.cohorts[queues[name].cohort])
        self._bottom_up()
        self._potential: dict[tuple[int, FlavorResource], int] = {}
        self._lendable: dict[int, dict[str, int]] = {}

    def potential(self, node: Node, key: FlavorResource) -> int:
        """``potentialAvailable``: the most the node could ever use, with nothing else running."""
        found = self._potential.get((node.index, key))
        if found is None:
            found = self._potential[node.index, key] = self._most(node, key)
        return found

    def lendable(self, cohort: Node) -> Mapping[str, int]:
        """``calculateLendable``: :meth:`potential` of a Cohort by resource, over all flavors of its tree."""
        found = self._lendable.get(cohort.index)
        if found is None:
            found = self._lendable[cohort.index] = {}
            for key in cohort.root.subtree:
                found[key.resource] = found.get(key.resource, 0) + self.potential(cohort, key)
        return found

    def _most(self, node: Node, key: FlavorResource) -> int:
        if node.parent is None:
            return node.subtree.get(key, 0)
        most = node.local(key) + self.potential(node.parent, key)
        limit = node.quota(key).borrowing_limit
        return most if limit is None else min(node.subtree.get(key, 0) + limit, most)

    def _add(self, name: str, is_queue: bool, quotas: Quotas, weight: float) -> Node:
        node = Node(name, is_queue, quotas, len(self.nodes), weight)
        self.nodes.append(node)
        return node

    @staticmethod
    def _hang(child: Node, parent: Node) -> None:
        child.parent = parent
        (parent.queues if child.is_queue else parent.cohorts).append(child)

    def _bottom_up(self) -> None:
        """Subtree quotas and heights, children before parents."""
        waiting = {node.index: len(node.cohorts) + len(node.queues) for node in self.nodes}
        ready = [node for node in self.nodes if not waiting[node.index]]
        done = 0
        while ready:
            node = ready.pop()
            done += 1
            self._complete(node)
            if node.parent is not None:
                waiting[node.parent.index] -= 1
                if not waiting[node.parent.index]:
                    ready.append(node.parent)
        if done < len(self.nodes):
            left = sorted(node.name for node in self.nodes if waiting[node.index])
            raise ValueError(f"the cohorts form a cycle: {', '.join(left)}")

    @staticmethod
    def _complete(node: Node) -> None:
        node.subtree = {key: quota.nominal for key, quota in node.quotas.items()}
        for child in (*node.cohorts, *node.queues):
            for key in child.subtree:
                node.subtree[key] = node.subtree.get(key, 0) + child.lent(key)
        if not node.is_queue:
            node.height = max([min(len(node.cohorts) + len(node.queues), 1), *(child.height + 1 for child in node.cohorts)])
