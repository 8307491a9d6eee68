"""A month's cost at three levels. Amounts are US dollars, exact to the cent; None is unknown, which is never 0."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

HOURS_PER_MONTH = 730
"""365 × 24 ÷ 12: what cloud calculators reckon with."""

Level = Literal["minimum", "expected", "worst_case"]
LEVELS: tuple[Level, ...] = ("minimum", "expected", "worst_case")
"""Minimum: what always runs. Expected: what the wish says runs on average. Worst case: everything at its maximum, on demand."""


@dataclass(frozen=True)
class Month:
    """What something costs in a month of 730 hours, in US dollars."""

    minimum_usd_per_month: Decimal | None
    expected_usd_per_month: Decimal | None
    worst_case_usd_per_month: Decimal | None

    def at(self, level: Level) -> Decimal | None:
        """The amount of one level."""
        return {"minimum": self.minimum_usd_per_month, "expected": self.expected_usd_per_month,
                "worst_case": self.worst_case_usd_per_month}[level]


NOTHING = Month(Decimal("0.00"), Decimal("0.00"), Decimal("0.00"))
UNKNOWN = Month(None, None, None)


def of_levels(amounts: dict[Level, Decimal | None]) -> Month:
    """A month from the amounts of its levels."""
    return Month(amounts["minimum"], amounts["expected"], amounts["worst_case"])


def total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum; unknown as soon as one of them is."""
    result = Decimal("0.00")
    for amount in amounts:
        if amount is None:
            return None
        result += amount
    return result


def total_month(months: Iterable[Month]) -> Month:
    """The sum, level by level."""
    rows = tuple(months)
    return of_levels({level: total(row.at(level) for row in rows) for level in LEVELS})


def usd(amount: Decimal) -> str:
    """An amount for people: ``30 000.00 USD``."""
    return f"{amount:,.2f}".replace(",", " ") + " USD"
