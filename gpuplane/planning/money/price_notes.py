"""Prices of pools that are old enough to be worth a word: one sentence for each date and what is said of the price."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from gpuplane.catalog.prices import STALE_AFTER_DAYS
from gpuplane.planning.environment_plan import Pools

_ASKED = "gpuplane prices refresh reads today's list prices."


def price_notes(pools: Pools, as_of: date) -> Iterator[str]:
    """A note for each date that prices are of and that is more than 90 days ago.

    Args:
        pools: with their prices.
        as_of: the date that prices are judged at.
    """
    by_date: dict[date, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, pool in sorted(pools.items()):
        if pool.price_as_of is not None and (as_of - pool.price_as_of).days > STALE_AFTER_DAYS:
            by_date[pool.price_as_of][pool.price_basis].append(name)
    for day, by_basis in sorted(by_date.items()):
        names = sorted(name for found in by_basis.values() for name in found)
        one = len(names) == 1
        said = "; ".join(basis if len(by_basis) == 1 else f"{', '.join(found)}: {basis}" for basis, found in sorted(by_basis.items()))
        yield (f"The price{'' if one else 's'} of pool{'' if one else 's'} {', '.join(names)} {'is' if one else 'are'} of {day}, "
               f"{(as_of - day).days} days old: {said}. {_ASKED}")
