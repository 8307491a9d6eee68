"""What a ClusterQueue or a Cohort uses beyond its own, against what it could borrow, by weight: Kueue's dominant resource share.

``pkg/cache/scheduler/fair_sharing.go`` of v0.19.2. Of two siblings the one with the lower share is served first, and the one with the
higher is preempted first.
"""

from __future__ import annotations

from dataclasses import dataclass

from gpuplane.planning.cohorts.quota_tree import FlavorResource, Node
from gpuplane.planning.cohorts.usage import Amounts, Usage

Rank = tuple[bool, float]
"""Orders shares (``CompareDRS``); the lower is the poorer."""
LEAST: Rank = (False, -1.0)
"""Below every share."""


@dataclass(frozen=True)
class DominantShare:
    """A share.

    Attributes:
        ratio: thousandths of what its siblings and it could borrow of a resource, in all flavors, that it uses beyond its own; of the
            resource of which it does so most.
        borrowed: flavor resources of which it uses more than its own; a ratio of 0 can stand beside some where nobody lends.
    """

    weight: float
    ratio: float = 0.0
    borrowed: frozenset[FlavorResource] = frozenset()

    @property
    def rank(self) -> Rank:
        """Whoever has no weight and borrows is above all others."""
        return (self.ratio > 0, self.ratio) if self.weight == 0 else (False, self.ratio / self.weight)

    def borrows_of(self, amounts: Amounts) -> bool:
        """``IsBorrowingOn``: whether it borrows something that the amounts are of."""
        return any(amounts.get(key, 0) > 0 for key in self.borrowed)


def dominant_share(usage: Usage, node: Node) -> DominantShare:
    """``dominantResourceShare``; a root has none."""
    beyond = {} if node.parent is None else usage.beyond(node)
    if node.parent is None or not beyond:
        return DominantShare(node.weight)
    by_resource: dict[str, int] = {}
    for key, amount in beyond.items():
        by_resource[key.resource] = by_resource.get(key.resource, 0) + amount
    lendable = usage.tree.lendable(node.parent)
    ratios = [amount * 1000.0 / lendable[name] for name, amount in by_resource.items() if lendable.get(name, 0) > 0]
    return DominantShare(node.weight, max(ratios, default=0.0), frozenset(beyond))
