"""What a pool's nodes cost in a month: hours and root volumes, some of them reserved and paid for whether they run or not."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from gpuplane.catalog.catalog import Catalog
from gpuplane.planning.environment_plan import PoolPlan
from gpuplane.planning.money.month import HOURS_PER_MONTH, Level
from gpuplane.planning.money.node_extras import Reservation, RootVolume
from gpuplane.planning.money.node_reservation import reservation
from gpuplane.spec.node_pool import NodePool

DISK = "ebs_gp3_gib_month"
"""Kind of price of a node's root volume."""


@dataclass(frozen=True)
class NodePrices:
    """What a node of one pool costs.

    Attributes:
        usd_per_hour: as it is bought beyond the reservation.
        worst_usd_per_hour: on demand, or what it is bought at where that is more.
        disk: the root volume of a node; None where somebody else brings the nodes.
        reservation: None: nothing is reserved.
    """

    usd_per_hour: Decimal | None
    worst_usd_per_hour: Decimal | None
    disk: RootVolume | None
    reservation: Reservation | None

    @property
    def reserved_nodes(self) -> int:
        """Nodes that are paid for in any case."""
        return self.reservation.nodes if self.reservation is not None else 0

    def month(self, nodes: int, level: Level) -> Fraction | None:
        """Exact US dollars of a month in which so many nodes run; None where a price that it takes is unknown.

        A reservation is hours alone: a node that does not run has no disk.
        """
        hourly = self.worst_usd_per_hour if level == "worst_case" else self.usd_per_hour
        disk = self.disk.usd_per_node_month if self.disk is not None else Decimal(0)
        parts = [(disk, nodes), (hourly, max(0, nodes - self.reserved_nodes) * HOURS_PER_MONTH)]
        if self.reservation is not None:
            parts.append((self.reservation.usd_per_node_hour, self.reservation.nodes * self.reservation.hours_per_month))
        if any(price is None for price, _ in parts):  # also of what is not bought at this level: the next node would need it
            return None
        return sum((Fraction(price) * count for price, count in parts if price is not None), Fraction(0))


def node_prices(pool: NodePool, plan: PoolPlan, region: str | None, catalog: Catalog) -> NodePrices:
    """The prices of one pool's nodes."""
    bought, on_demand = plan.usd_per_node_hour, plan.worst_case_usd_per_node_hour
    worst = None if bought is None or on_demand is None else max(bought, on_demand)
    nodes = pool.spec.aws_nodes
    if nodes is None:
        return NodePrices(bought, worst, None, None)
    price = catalog.service_price(DISK, region) if region is not None else None
    disk = RootVolume(nodes.disk_gib, price.usd * nodes.disk_gib if price else None, price.source if price else "",
                      price.as_of if price else None)
    return NodePrices(bought, worst, disk, reservation(nodes, plan, region, catalog))
