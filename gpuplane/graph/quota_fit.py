"""What a queue grants to given workloads: the quotas of the flavors that their pods may land on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from gpuplane.graph.device_pools import DevicePool
from gpuplane.graph.placement import node_choices, open_to
from gpuplane.graph.quantities import plain
from gpuplane.graph.queues import Queue
from gpuplane.graph.workloads import Workload


@dataclass(frozen=True)
class Limit:
    """Most devices, None for no limit or one that cannot be known, and how to say it."""

    amount: Decimal | None
    words: str


def open_flavors(queue: Queue | None, workload: Workload, resource: str, pools: Sequence[DevicePool]) -> tuple[str, ...]:
    """Flavors of a queue that have the resource and that a workload's pods may land on, sorted.

    A flavor of which the graph holds no object is taken to be open: its labels are not known.
    """
    if queue is None:
        return ()
    labels, wanted = {pool.name: pool.node_labels for pool in pools}, node_choices(workload.template)
    found = sorted({quota.flavor for quota in queue.of(resource)
                    if open_to(workload.template, labels.get(quota.flavor, {}))})
    named = [flavor for flavor in found if labels.get(flavor) and all(key in wanted for key in labels[flavor])]
    return tuple(named or found)


def queue_limit(queue: Queue, workloads: Sequence[Workload], resource: str, pools: Sequence[DevicePool],
                borrowing: bool) -> Limit:
    """What the queue owns (or, borrowing, may use) of a resource in all flavors that any of the workloads may land on."""
    flavors = {flavor for workload in workloads for flavor in open_flavors(queue, workload, resource, pools)}
    quotas = [quota for quota in queue.of(resource) if quota.flavor in flavors]
    amounts = [queue.most(quota) if borrowing else quota.nominal for quota in quotas]
    if None in amounts:
        return Limit(None, "an amount that is not limited")
    total = sum((amount or Decimal(0) for amount in amounts), Decimal(0))
    words = plain(total)
    if borrowing:
        own = sum((quota.nominal or Decimal(0) for quota in quotas), Decimal(0))
        words = f"{plain(own)} and may borrow {plain(total - own)}"
    return Limit(total, words)
