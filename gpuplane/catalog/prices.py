"""What an instance costs in an hour: dated rows, never a default. An unknown price is None and never 0."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Literal, get_args

from gpuplane.catalog.data_files import Source, read_rows, sources

Offer = Literal["on_demand", "spot_average", "spot_max", "reserved_1y", "reserved_3y"]
OFFERS: tuple[str, ...] = get_args(Offer)
"""What a row can be a price of. Reserved: standard, no upfront, paid for every hour of the term, used or not."""
CAPACITY_TYPES = ("on_demand", "spot", "reserved_1y", "reserved_3y")
"""How a node can be bought."""
PriceBook = Mapping[tuple[str, str, str], "PriceRow"]
"""The newest price row by instance type, region and offer."""
PriceHistory = Mapping[tuple[str, str, str], tuple["PriceRow", ...]]
"""Every price row by instance type, region and offer, oldest first."""

SPOT_FLOOR = Decimal("0.6")
"""Share of the on-demand price that a budget assumes for spot at least: an average of a calm market is no promise."""
STALE_AFTER_DAYS = 90
"""A price older than this is noted."""

_CUT = date(2025, 6, 1)
"""AWS cut the prices of its P4 and P5 families in June 2025 (p5.48xlarge: 98.32 to 55.04 USD an hour)."""


@dataclass(frozen=True)
class PriceRow:
    """One row of the price book: US dollars an hour, and its source."""

    instance: str
    region: str
    offer: str
    usd_per_hour: Decimal
    source: str
    as_of: date

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is a price of."""
        return self.instance, self.region, self.offer


@dataclass(frozen=True)
class Price:
    """What to reckon with.

    Attributes:
        usd_per_hour: US dollars an hour for one node.
        source, as_of: where it comes from, and of which day it speaks (the oldest, if it rests on several).
        basis: how it was got, and what is known to be wrong with it.
    """

    usd_per_hour: Decimal
    source: str
    as_of: date
    basis: str


@cache
def load_prices() -> PriceBook:
    """The newest row of every instance type, region and offer that ships with gpuplane."""
    return newest(load_price_history())


@cache
def load_price_history() -> PriceHistory:
    """Every row that ships with gpuplane."""
    return history(_row(row, sources()[row["source"]]) for row in read_rows("prices.tsv"))


def history(rows: Iterable[PriceRow]) -> PriceHistory:
    """Rows by instance type, region and offer; of two rows of one day the later given counts."""
    found: dict[tuple[str, str, str], dict[date, PriceRow]] = {}
    for row in rows:
        found.setdefault(row.key, {})[row.as_of] = row
    return MappingProxyType({key: tuple(days[day] for day in sorted(days)) for key, days in found.items()})


def newest(rows: PriceHistory) -> PriceBook:
    """The newest row of each."""
    return MappingProxyType({key: days[-1] for key, days in rows.items()})


def hourly_price(instance_type: str, region: str, capacity_type: str) -> Price | None:
    """What one node costs in an hour; None where the shipped book has no row.

    Args:
        instance_type: e.g. ``p5.48xlarge``.
        region: e.g. ``us-east-1``.
        capacity_type: one of :data:`CAPACITY_TYPES`, in any spelling (``ON_DEMAND``, ``spot``, ``reserved-1y``).

    Raises:
        ValueError: the capacity type is none of them.
    """
    return price_in(load_prices(), instance_type, region, capacity_type)


def price_in(book: PriceBook, instance_type: str, region: str, capacity_type: str) -> Price | None:
    """:func:`hourly_price` in a given price book."""
    offer = capacity_type.lower().replace("-", "_")
    if offer not in CAPACITY_TYPES:
        raise ValueError(f"capacity type {capacity_type!r}; allowed: {', '.join(CAPACITY_TYPES)}")
    listed = book.get((instance_type, region, "on_demand"))
    if listed is None:
        return None
    if offer == "on_demand":
        return Price(listed.usd_per_hour, listed.source, listed.as_of, "on demand" + _caveat(listed))
    if offer == "spot":
        return _spot(listed, [row for kind in ("spot_average", "spot_max") if (row := book.get((instance_type, region, kind))) is not None])
    reserved = book.get((instance_type, region, offer))
    return _reserved(listed, reserved) if reserved is not None else None


def price_book_age_days(as_of: date) -> int:
    """Days from the newest row of the shipped price book to ``as_of``; a planning note says when they are more than 90."""
    return (as_of - max(row.as_of for row in load_prices().values())).days


def _spot(listed: PriceRow, seen: list[PriceRow]) -> Price | None:
    """Spot for a budget: the dearest price seen, but at least 0.6 × on demand; never a discount of before a price cut."""
    if not seen:
        return None
    highest = max(seen, key=lambda row: row.usd_per_hour)
    words = {"spot_average": "the month's average", "spot_max": "the dearest zone"}
    basis = (f"spot: the larger of {words[highest.offer]} of {highest.as_of} ({highest.usd_per_hour}) and {SPOT_FLOOR} × on demand "
             f"({listed.usd_per_hour})")
    price = max(highest.usd_per_hour, SPOT_FLOOR * listed.usd_per_hour)
    return Price(price, _both(listed, highest), min(listed.as_of, highest.as_of), basis + _caveat(listed))


def _reserved(listed: PriceRow, reserved: PriceRow) -> Price | None:
    """A reservation's hour. None where it is not below on demand: the row is of before a price cut, and says nothing about today."""
    if reserved.usd_per_hour >= listed.usd_per_hour:
        return None
    years = reserved.offer.removeprefix("reserved_").removesuffix("y")
    basis = f"reserved for {years} year{'s' if years != '1' else ''}, no upfront, paid for every hour of the term"
    return Price(reserved.usd_per_hour, reserved.source, reserved.as_of, basis + _caveat(reserved))


def _both(listed: PriceRow, other: PriceRow) -> str:
    return listed.source if listed.source == other.source else f"{other.source}; {listed.source}"


def _caveat(row: PriceRow) -> str:
    if row.instance.startswith(("p4", "p5")) and row.as_of < _CUT:
        return f" (of {row.as_of}, before AWS cut P4 and P5 prices in June 2025: probably too high)"
    return ""


def _row(row: dict[str, str], source: Source) -> PriceRow:
    return PriceRow(row["instance"], row["region"], row["offer"], Decimal(row["usd_per_hour"]), source.text, source.as_of)
