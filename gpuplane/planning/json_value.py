"""Plans as plain JSON values: the same plan gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from functools import cache
from typing import Any

from gpuplane.planning.later import Later

CENT = Decimal("0.01")
MICRO = Decimal("0.000001")


def cents(amount: Decimal | Fraction) -> Decimal:
    """An amount in US dollars, down to the cent: shares of a node never add up to more than the node."""
    if isinstance(amount, Decimal):
        return amount.quantize(CENT, rounding=ROUND_FLOOR)
    return Decimal(int(amount * 100)) * CENT


def micro(amount: Fraction) -> Decimal:
    """A price of an hour, to a millionth of a US dollar."""
    return (Decimal(amount.numerator) / Decimal(amount.denominator)).quantize(MICRO)


@cache
def _names(of: Any) -> tuple[str, ...]:
    """Names of a class's fields, sorted."""
    return tuple(sorted(field.name for field in fields(of)))


_AS_IT_IS = frozenset({str, int, float, bool, type(None)})
"""Types of most values."""


def json_value(value: Any, name: str = "") -> Any:
    """A value of a plan as JSON knows it; ``name`` is the field it stands in, which tells money from other decimals."""
    if type(value) in _AS_IT_IS:
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {key: json_value(getattr(value, key), key) for key in _names(type(value))}
    if isinstance(value, Mapping):
        return {str(key): json_value(value[key]) for key in sorted(value)}
    if isinstance(value, (tuple, Later)):
        return [json_value(item) for item in value]
    if isinstance(value, Decimal):
        return format(value.quantize(CENT) if name.endswith("_usd_per_month") else value.normalize(), "f")
    return value.isoformat() if isinstance(value, date) else value
