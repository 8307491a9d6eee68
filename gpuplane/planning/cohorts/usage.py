"""What is in use at every node of a quota tree, and what is left (``resource_node.go`` and the snapshots of Kueue v0.19.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gpuplane.planning.cohorts.quota_tree import FlavorResource, Node, QuotaTree

Amounts = Mapping[FlavorResource, int]


class Usage:
    """Mutable usage of one tree. A node's usage counts against its subtree quota; what exceeds its local quota counts at the parent."""

    def __init__(self, tree: QuotaTree) -> None:
        self.tree = tree
        self._used: list[dict[FlavorResource, int]] = [{} for _ in tree.nodes]

    def of(self, node: Node, key: FlavorResource) -> int:
        """Usage of the node."""
        return self._used[node.index].get(key, 0)

    def add(self, queue: Node, amounts: Amounts) -> None:
        """Count amounts at a ClusterQueue and above it."""
        for key, amount in amounts.items():
            node: Node | None = queue
            while node is not None:
                unused = self.local_available(node, key)
                self._used[node.index][key] = self.of(node, key) + amount
                if amount <= unused:
                    break
                amount, node = amount - unused, node.parent

    def remove(self, queue: Node, amounts: Amounts) -> None:
        """Take amounts away again."""
        for key, amount in amounts.items():
            node: Node | None = queue
            while node is not None:
                above = self.of(node, key) - node.local(key)
                self._used[node.index][key] = self.of(node, key) - amount
                if above <= 0:
                    break
                amount, node = min(amount, above), node.parent

    def local_available(self, node: Node, key: FlavorResource) -> int:
        """``LocalAvailable``: unused quota that the parent does not see."""
        return max(0, node.local(key) - self.of(node, key))

    def available(self, queue: Node, key: FlavorResource) -> int:
        """``Available``: what the queue may use now without preempting anything; never negative."""
        return max(0, self._available(queue, key))

    def _available(self, node: Node, key: FlavorResource) -> int:
        if node.parent is None:
            return node.subtree.get(key, 0) - self.of(node, key)
        above, limit = self._available(node.parent, key), node.quota(key).borrowing_limit
        if limit is not None:
            local = node.local(key)
            above = min(node.lent(key) - max(0, self.of(node, key) - local) + limit, above)
        return self.local_available(node, key) + above

    def over(self, node: Node, key: FlavorResource, amount: int = 0) -> bool:
        """``BorrowingWith``: whether the node, with so much more, uses more than its subtree's quota."""
        return node.subtree.get(key, 0) < self.of(node, key) + amount

    def beyond(self, node: Node) -> dict[FlavorResource, int]:
        """What the node uses beyond its subtree's quota, where it does."""
        return {key: more for key, used in self._used[node.index].items()
                if key in node.subtree and (more := used - node.subtree[key]) > 0}

    def within_nominal(self, node: Node, keys: Iterable[FlavorResource]) -> bool:
        """``IsWithinNominalInResources``."""
        return not any(self.over(node, key) for key in keys)

    def fit_height(self, queue: Node, key: FlavorResource, amount: int) -> tuple[int, bool]:
        """``FindHeightOfLowestSubtreeThatFits``: its height, and whether it is smaller than the whole tree."""
        if queue.parent is None or not self.over(queue, key, amount):
            return 0, queue.parent is not None
        remaining, root = amount - self.local_available(queue, key), queue
        for node in queue.ancestors():
            if not self.over(node, key, remaining):
                return node.height, node.parent is not None
            remaining, root = remaining - self.local_available(node, key), node
        return root.height, False
