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
    alike = {part: part * 100 for part in set(parts.values())}
    exact = {name: alike[parts[name]] for name in sorted(parts)}
    cents = {name: amount.numerator // amount.denominator for name, amount in exact.items()}
    missing = int(whole / CENT) - sum(cents.values())
    if not -1 <= missing <= len(cents):
        raise ValueError(f"{whole} is not the sum of {dict(parts)}")
    lost = {amount: amount.numerator // amount.denominator - amount for amount in alike.values()}
    place = {amount: rank for rank, amount in enumerate(sorted(set(lost.values())))}
    order = sorted(exact, key=lambda name: (place[lost[exact[name]]], name))
    for name in order[:max(missing, 0)]:
        cents[name] += 1
    if missing < 0 and order:
        raise ValueError(f"{whole} is less than its parts, {dict(parts)}")
    return {name: count * CENT for name, count in cents.items()}
