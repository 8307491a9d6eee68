"""What nodes cost beside their hours: reservations, paid for whether they run or not, and root volumes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from gpuplane.planning.money.month import HOURS_PER_MONTH


@dataclass(frozen=True)
class Reservation:
    """Nodes of a pool that are set aside: paid for whether they run or not.

    Attributes:
        nodes: how many.
        term: ``1y`` or ``3y``, ``capacity reservation`` or ``capacity block``.
        usd_per_node_hour: None: unknown.
        price_source, price_as_of, price_basis: where the price comes from; empty and None where it is unknown.
        hours_per_month: hours that are paid for in a month: all of it, or those of a shorter capacity block.
    """

    nodes: int
    term: str
    usd_per_node_hour: Decimal | None
    price_source: str
    price_as_of: date | None
    price_basis: str
    hours_per_month: int = HOURS_PER_MONTH


@dataclass(frozen=True)
class RootVolume:
    """The root volume of one node of a pool.

    Attributes:
        gib: its size.
        usd_per_node_month: None: unknown.
        price_source, price_as_of: where the price comes from; empty and None where it is unknown.
    """

    gib: int
    usd_per_node_month: Decimal | None
    price_source: str
    price_as_of: date | None
