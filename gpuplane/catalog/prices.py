"""What an instance costs in an hour: dated rows, never a default. An unknown price is None and never 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Literal

from gpuplane.catalog.data_files import Source, read_rows, sources

Offer = Literal["on_demand", "spot_average"]
PriceBook = Mapping[tuple[str, str, str], "PriceRow"]
"""Price rows by instance type, region and offer."""

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


@dataclass(frozen=True)
class Price:
    """What to reckon with.

    Attributes:
        usd_per_hour: US dollars an hour for one node.
        source, as_of: where it comes from, and of which day it speaks (the older, if it rests on two).
        basis: how it was got, and what is known to be wrong with it.
    """

    usd_per_hour: Decimal
    source: str
    as_of: date
    basis: str


@cache
def load_prices() -> PriceBook:
    """The newest row of every instance type, region and offer."""
    newest: dict[tuple[str, str, str], PriceRow] = {}
    for row in read_rows("prices.tsv"):
        price = _row(row, sources()[row["source"]])
        key = (price.instance, price.region, price.offer)
        if key not in newest or newest[key].as_of < price.as_of:
            newest[key] = price
    return MappingProxyType(newest)


def hourly_price(instance_type: str, region: str, capacity_type: str) -> Price | None:
    """What one node costs in an hour; None where the book has no row.

    Args:
        instance_type: e.g. ``p5.48xlarge``.
        region: e.g. ``us-east-1``.
        capacity_type: on demand or spot, in any spelling (``ON_DEMAND``, ``spot``).

    Raises:
        ValueError: the capacity type is neither.
    """
    return price_in(load_prices(), instance_type, region, capacity_type)


def price_in(book: PriceBook, instance_type: str, region: str, capacity_type: str) -> Price | None:
    """:func:`hourly_price` in a given price book."""
    offer = capacity_type.lower().replace("-", "_")
    if offer not in ("on_demand", "spot"):
        raise ValueError(f"capacity type {capacity_type!r}; allowed: on_demand, spot")
    listed = book.get((instance_type, region, "on_demand"))
    if listed is None:
        return None
    if offer == "on_demand":
        return Price(listed.usd_per_hour, listed.source, listed.as_of, "on demand" + _caveat(listed))
    average = book.get((instance_type, region, "spot_average"))
    return _spot(listed, average) if average is not None else None


def price_book_age_days(as_of: date) -> int:
    """Days from the newest row of the price book to ``as_of``; a planning note says when they are more than 90."""
    return (as_of - max(row.as_of for row in load_prices().values())).days


def _spot(listed: PriceRow, average: PriceRow) -> Price:
    """Spot for a budget: the average seen, but at least 0.6 × on demand; the book has no spot maximum."""
    price = max(average.usd_per_hour, SPOT_FLOOR * listed.usd_per_hour)
    basis = (f"spot: the larger of the average of {average.as_of} ({average.usd_per_hour}) and {SPOT_FLOOR} × on demand "
             f"({listed.usd_per_hour}); no maximum is known")
    source = listed.source if listed.source == average.source else f"{average.source}; {listed.source}"
    return Price(price, source, min(listed.as_of, average.as_of), basis + _caveat(listed))


def _caveat(row: PriceRow) -> str:
    if row.instance.startswith(("p4", "p5")) and row.as_of < _CUT:
        return f" (of {row.as_of}, before AWS cut P4 and P5 prices in June 2025: probably too high)"
    return ""


def _row(row: dict[str, str], source: Source) -> PriceRow:
    return PriceRow(row["instance"], row["region"], row["offer"], Decimal(row["usd_per_hour"]), source.text, source.as_of)
