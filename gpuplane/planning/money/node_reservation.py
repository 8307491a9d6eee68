"""What is paid for nodes that are set aside: reserved prices, On-Demand Capacity Reservations and Capacity Blocks."""

from __future__ import annotations

from fractions import Fraction

from gpuplane.catalog.catalog import Catalog
from gpuplane.planning.environment_plan import PoolPlan
from gpuplane.planning.json_value import micro
from gpuplane.planning.money.month import HOURS_PER_MONTH
from gpuplane.planning.money.node_extras import Reservation
from gpuplane.planning.money.node_offer import NodeOffer
from gpuplane.spec.aws_nodes import AwsNodes


def reservation(nodes: AwsNodes, plan: PoolPlan, region: str | None, catalog: Catalog) -> Reservation | None:
    """The nodes of a pool that are paid for whether they run or not; None where none are.

    A capacity reservation holds capacity at the on-demand price; a reserved price makes some of it cheaper, and is paid for as well.
    """
    if nodes.block is not None:
        return _block(nodes, plan)
    priced, held = nodes.reserved, sum(each.nodes for each in nodes.reservations)
    if priced is None and not held:
        return None
    at_reserved = _reserved_price(nodes, region, catalog) if priced is not None else NodeOffer()
    if not held:
        assert priced is not None
        return Reservation(priced.nodes, priced.term, at_reserved.usd_per_hour, at_reserved.source, at_reserved.as_of, at_reserved.basis)
    listed, cheaper = plan.worst_case_usd_per_node_hour, priced.nodes if priced is not None else 0
    count, basis = max(held, cheaper), f"capacity reservation, paid for used or not, {plan.price_basis}"
    if listed is None or (cheaper and at_reserved.usd_per_hour is None):
        return Reservation(count, "capacity reservation", None, "", None, "unknown")
    if not cheaper:
        return Reservation(count, "capacity reservation", listed, plan.price_source, plan.price_as_of, basis)
    assert at_reserved.usd_per_hour is not None
    average = micro(Fraction((count - cheaper) * listed + cheaper * at_reserved.usd_per_hour) / count)
    return Reservation(count, "capacity reservation", average, at_reserved.source, at_reserved.as_of,
                       f"average: {basis}; {cheaper} of them {at_reserved.basis}")


def _block(nodes: AwsNodes, plan: PoolPlan) -> Reservation | None:
    """All of a block counts in one month, or as much of it as a month has hours; a block that is over costs nothing more."""
    block = nodes.block
    if block is None or plan.window is None or plan.window.state == "over":
        return None
    return Reservation(block.nodes, "capacity block", plan.usd_per_node_hour, plan.price_source, None, plan.price_basis,
                       min(HOURS_PER_MONTH, block.hours))


def _reserved_price(nodes: AwsNodes, region: str | None, catalog: Catalog) -> NodeOffer:
    """A reserved price is of one instance type: the first."""
    term = nodes.reserved.term if nodes.reserved is not None else ""
    price = catalog.hourly_price(nodes.types[0], region, f"reserved_{term}") if region is not None else None
    return NodeOffer(price.usd_per_hour, price.source, price.as_of, price.basis) if price is not None else NodeOffer()
