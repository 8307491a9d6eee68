"""What one scheduling cycle sees: quotas, usage, and who holds quota in each ClusterQueue (``pkg/cache/scheduler/snapshot.go``)."""

from __future__ import annotations

from collections.abc import Iterable

from gpuplane.planning.cohorts.quota_tree import Node, QuotaTree
from gpuplane.planning.cohorts.usage import Usage
from gpuplane.planning.cohorts.workloads import Admitted, Queue, Setting


class Snapshot:
    """Usage and holders of one cluster; simulations change it and put it back.

    Attributes:
        visible_after: cycles that pass until an issued preemption is seen as one.
    """

    def __init__(self, setting: Setting, tree: QuotaTree, admitted: Iterable[Admitted], cycle: int, visible_after: int) -> None:
        self.setting, self.tree, self.usage = setting, tree, Usage(tree)
        self.cycle, self.visible_after = cycle, visible_after
        self.holders: dict[str, dict[str, Admitted]] = {name: {} for name in setting.queues}
        for holder in admitted:
            self.put(holder)

    def put(self, holder: Admitted) -> None:
        """Add a workload with its usage (``AddWorkload``)."""
        self.holders[holder.workload.queue][holder.workload.name] = holder
        self.usage.add(self.node(holder.workload.queue), holder.usage)

    def take(self, holder: Admitted) -> None:
        """Remove a workload with its usage (``RemoveWorkload``)."""
        del self.holders[holder.workload.queue][holder.workload.name]
        self.usage.remove(self.node(holder.workload.queue), holder.usage)

    def node(self, queue: str) -> Node:
        """The queue's node in the tree."""
        return self.tree.queues[queue]

    def queue(self, name: str) -> Queue:
        """The queue's settings."""
        return self.setting.queues[name]

    def is_evicted(self, holder: Admitted) -> bool:
        """Whether the workload is seen as being evicted."""
        return holder.evicted_in is not None and self.cycle > holder.evicted_in + self.visible_after
