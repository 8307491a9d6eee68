"""Kubernetes quantities as exact numbers: rules compare sums, so ``1500m`` and ``1.5`` must be one value."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

_QUANTITY = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?:([eE][+-]?[0-9]{1,2})|(m|k|[MGTPE]i?|Ki|n|u))?")
_FACTORS = {
    "": Decimal(1), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "k": Decimal(10) ** 3,
    **{letter: Decimal(10) ** (3 * power) for power, letter in enumerate("MGTPE", start=2)},
    **{f"{letter}i": Decimal(2) ** (10 * power) for power, letter in enumerate("KMGTPE", start=1)},
}
"""Suffixes of ``resource.Quantity`` (k8s.io/apimachinery)."""


def quantity(value: Any) -> Decimal | None:
    """The number a quantity stands for; None where it is not one (also for an unknown value).

    Args:
        value: text such as ``64Gi``, or a plain number.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    match = _QUANTITY.fullmatch(str(value).strip())
    if match is None:
        return None
    number, exponent, suffix = match.groups()
    return Decimal(number + (exponent or "")) * _FACTORS[suffix or ""]


def plain(number: Decimal | int) -> str:
    """A number as people write it: ``8`` rather than ``8.000``."""
    return f"{Decimal(number).normalize():f}"
