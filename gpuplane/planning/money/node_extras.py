"""What nodes cost beside their hours: reservations, paid for whether they run or not, and root volumes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class Reservation:
    """Nodes of a pool that are reserved: paid for every hour of the term, used or not.

    Attributes:
        nodes: how many.
        term: ``1y`` or ``3y``.
        usd_per_node_hour: None: unknown.
        price_source, price_as_of, price_basis: where the price comes from; empty and None where it is unknown.
    """

    nodes: int
    term: str
    usd_per_node_hour: Decimal | None
    price_source: str
    price_as_of: date | None
    price_basis: str


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
