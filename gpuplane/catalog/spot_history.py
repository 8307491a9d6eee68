"""What the spot market has asked over time: every dated row of one instance type and region, with mean and maximum."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from gpuplane.catalog.prices import PriceHistory, PriceRow

SPOT_OFFERS = ("spot_average", "spot_max")


@dataclass(frozen=True)
class SpotHistory:
    """Spot prices of one instance type in one region, in US dollars an hour.

    Attributes:
        rows: as observed, oldest first.
        mean: of the monthly averages; None where only maxima are known.
        highest: the dearest row.
        first, last: days of the oldest and the newest row.
    """

    rows: tuple[PriceRow, ...]
    mean: Decimal | None
    highest: Decimal
    first: date
    last: date


def spot_history_in(history: PriceHistory, instance_type: str, region: str) -> SpotHistory | None:
    """The spot history of an instance type; None where no row was ever seen."""
    rows = sorted((row for offer in SPOT_OFFERS for row in history.get((instance_type, region, offer), ())),
                  key=lambda row: (row.as_of, row.offer))
    if not rows:
        return None
    averages = [row.usd_per_hour for row in rows if row.offer == "spot_average"]
    mean = (sum(averages, Decimal(0)) / len(averages)).quantize(Decimal("0.000001")) if averages else None
    return SpotHistory(tuple(rows), mean, max(row.usd_per_hour for row in rows), rows[0].as_of, rows[-1].as_of)
