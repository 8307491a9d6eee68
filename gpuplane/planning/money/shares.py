"""A sum of money in parts that add up to it to the cent: the largest remainder method (Hamilton's)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from gpuplane.planning.json_value import CENT


def shares(whole: Decimal, parts: Mapping[str, Fraction]) -> dict[str, Decimal]:
    """Every part down to the cent, and the cents that are then left over to those that lost most; of equals, by name.

    Args:
        whole: US dollars, in whole cents.
        parts: exact amounts; they add up to ``whole`` or less than a cent for each part away from it.

    Raises:
        ValueError: they do not.
    """
    ratios = {name: parts[name].as_integer_ratio() for name in sorted(parts)}  # few are different, and they hash quickly
    whole_cents = {ratio: ratio[0] * 100 // ratio[1] for ratio in set(ratios.values())}
    cents = {name: whole_cents[ratio] for name, ratio in ratios.items()}
    missing = int(whole / CENT) - sum(cents.values())
    if not -1 <= missing <= len(cents):
        raise ValueError(f"{whole} is not the sum of {dict(parts)}")
    lost = {ratio: Fraction(*ratio) * 100 - down for ratio, down in whole_cents.items()}
    place = {amount: rank for rank, amount in enumerate(sorted(set(lost.values()), reverse=True))}
    places = {ratio: place[amount] for ratio, amount in lost.items()}
    order = sorted(ratios, key=lambda name: (places[ratios[name]], name))
    for name in order[:max(missing, 0)]:
        cents[name] += 1
    if missing < 0 and order:
        raise ValueError(f"{whole} is less than its parts, {dict(parts)}")
    return {name: count * CENT for name, count in cents.items()}
