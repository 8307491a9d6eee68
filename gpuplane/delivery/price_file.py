"""``prices.yaml``: the same rows give the same bytes; days of the spot market are kept, of other prices the newest counts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from gpuplane.catalog.prices import PriceRow
from gpuplane.catalog.service_prices import ServicePrice
from gpuplane.spec.catalog import Catalog

KEPT_DAYS = 12
"""Days of one spot price that stay in the file, the newest; a file that grows with every run is nobody's to review."""
HEADER = """\
# Written by gpuplane prices refresh; rows of your own belong in catalog.yaml, where they count over these.
apiVersion: gpuplane/v1
kind: Catalog
metadata:
  name: prices
spec:
"""


@dataclass(frozen=True)
class PriceFile:
    """The rows of a price file."""

    prices: tuple[PriceRow, ...] = ()
    services: tuple[ServicePrice, ...] = ()

    def with_rows(self, prices: Iterable[PriceRow], services: Iterable[ServicePrice]) -> PriceFile:
        """The file with newer rows: one day of each price, and of the spot market the last :data:`KEPT_DAYS`."""
        days: dict[tuple[str, str, str], dict[date, PriceRow]] = {}
        for row in (*self.prices, *prices):
            days.setdefault(row.key, {})[row.as_of] = row
        kept = [days[key][day] for key in sorted(days) for day in sorted(days[key])[-(KEPT_DAYS if key[2].startswith("spot") else 1):]]
        newest: dict[tuple[str, str], ServicePrice] = {}
        for price in sorted((*self.services, *services), key=lambda price: price.as_of):
            newest[price.kind, price.region] = price
        return PriceFile(tuple(kept), tuple(newest[key] for key in sorted(newest)))

    def text(self) -> str:
        """The file, a row a line."""
        prices = "".join(
            f"    - {{instance: {row.instance}, region: {row.region}, offer: {row.offer}, usd_per_hour: {_number(row.usd_per_hour)}, "
            f"source: {json.dumps(row.source)}, as_of: \"{row.as_of}\"}}\n" for row in self.prices)
        services = "".join(
            f"    - {{kind: {row.kind}, region: {row.region}, usd: {_number(row.usd)}, source: {json.dumps(row.source)}, "
            f"as_of: \"{row.as_of}\"}}\n" for row in self.services)
        return HEADER + (f"  prices:\n{prices}" if prices else "") + (f"  service_prices:\n{services}" if services else "")


def price_file_of(document: Catalog | None) -> PriceFile:
    """The rows of a price file that was written before."""
    if document is None:
        return PriceFile()
    return PriceFile(
        tuple(PriceRow(row.instance, row.region, row.offer, row.usd_per_hour, row.source, date.fromisoformat(row.as_of))
              for row in document.spec.prices),
        tuple(ServicePrice(row.kind, row.region, row.usd, row.source, date.fromisoformat(row.as_of))
              for row in document.spec.service_prices))


def _number(amount: Decimal) -> str:
    return format(amount.normalize(), "f")
