"""What GPU workloads cost: their share of the nodes they land on, at the price that the planned objects have.

CPU and memory of a GPU node are bundled with its GPUs, so a pod bears the share of the node that its devices are.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from gpuplane.graph.device_pools import device_pools
from gpuplane.graph.placement import pool_of
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.workloads import Workload
from gpuplane.spec.vocabulary import BUDGET_BLOCK_PERCENT

HOURS_PER_MONTH = 730
"""Hours of a month in every cloud's price list (8760 / 12)."""


def committed_usd_per_month(graph: PlannedGraph, workload: Workload) -> Decimal | None:
    """What the hours of pods that always run cost at least in a month, in US dollars; None where the price is unknown.

    Reserved nodes count at their price, disks not at all: objects do not say how many nodes are which, so this is a lower bound of
    the month that a plan reckons.
    """
    if workload.scale.minimum == 0:
        return Decimal(0)
    pool = pool_of(workload.template, device_pools(graph))
    if pool is None or pool.least_usd_per_node_hour is None:
        return None
    shares = [(pool.node_share(name) or Decimal(0)) * count for name, count in workload.devices.items()]
    return sum(shares, Decimal(0)) * workload.scale.minimum * pool.least_usd_per_node_hour * HOURS_PER_MONTH


def budget_of(graph: PlannedGraph, view: ResourceView) -> tuple[ResourceView, Decimal | None] | None:
    """The object that states a monthly budget for this one, and the amount in US dollars (None for what is no amount)."""
    key = graph.labels.monthly_budget_usd
    for source in (view, graph.namespaces.get(view.namespace)):
        if source is not None and (key in source.annotations or key in source.labels):
            return source, _usd(str(source.annotations.get(key, source.labels.get(key))))
    return None


def block_percent(view: ResourceView) -> int:
    """The percentage of a budget over which a commitment is refused, as the object that states the budget says; else 100."""
    text = str(view.annotations.get(BUDGET_BLOCK_PERCENT, ""))
    return int(text) if text.isdecimal() else 100


def _usd(text: str) -> Decimal | None:
    try:
        amount = Decimal(text.strip().replace(",", ""))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None
