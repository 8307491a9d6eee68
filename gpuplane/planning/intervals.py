"""Intervals of 95 % for what was measured on a sample: shares, means, quantiles, and the difference of two of them.

A share by Wilson's score interval (E. B. Wilson, 1927); a mean by its standard error; a quantile by order statistics (the binomial sign
interval, which assumes no distribution). The difference of two figures comes from the two intervals alone (R. G. Newcombe, 1998, method 10,
for shares; G. Y. Zou and A. Donner, 2008, for anything that has an interval): it holds for figures of samples that were drawn
independently, and is too wide, never too narrow, where the same questions were put to both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, isfinite, lgamma, log, sqrt

Z = 1.959964
"""Quantile of the normal distribution for an interval of 95 %."""
_TAIL = 0.025


@dataclass(frozen=True)
class Interval:
    """A figure with what bounds it at 95 %; a bound that the sample cannot give is infinite."""

    low: float
    value: float
    high: float


def wilson(bad: float, total: float) -> tuple[float, float]:
    """95 % interval of a share, 0 to 1; all of it where nothing was counted."""
    if total <= 0:
        return 0.0, 1.0
    share, squared = min(max(bad / total, 0.0), 1.0), Z * Z / total
    middle = (share + squared / 2) / (1 + squared)
    half = Z * sqrt(share * (1 - share) / total + squared / (4 * total)) / (1 + squared)
    return max(0.0, middle - half), min(1.0, middle + half)


def share(counted: float, total: float) -> Interval:
    """:func:`wilson` of a share, with the share itself."""
    low, high = wilson(counted, total)
    return Interval(low, min(max(counted / total, 0.0), 1.0) if total > 0 else 0.5, high)


def mean(value: float, standard_error: float) -> Interval:
    """The interval of a mean whose sample is large enough for the normal distribution (30 is a common least)."""
    return Interval(value - Z * standard_error, value, value + Z * standard_error)


def difference(one: Interval, other: Interval, times: float = 1.0) -> Interval:
    """``one - times × other``; ``times`` (more than 0) makes "at most 10 % more than the other" a difference with 1.1."""
    below = _hypot(one.value - one.low, times * (other.high - other.value))
    above = _hypot(one.high - one.value, times * (other.value - other.low))
    value = one.value - times * other.value
    return Interval(value - below, value, value + above)


def difference_interval(bad: float, total: float, other_bad: float, other_total: float) -> tuple[float, float]:
    """95 % interval of one share less another, -1 to 1; all of it where one of them was not counted."""
    if total <= 0 or other_total <= 0:
        return -1.0, 1.0
    found = difference(share(bad, total), share(other_bad, other_total))
    return found.low, found.high


def quantile(values: Sequence[float], part: float) -> Interval:
    """The interval of a quantile from order statistics.

    Args:
        values: the sample; infinity for a request that was never answered.
        part: which quantile, more than 0 and less than 1.

    Returns:
        The quantile by the nearest rank. With too few values for a bound it is infinite: a p99 has an upper one from 368 on.
    """
    ordered, count = sorted(values), len(values)
    if not count:
        return Interval(-inf, inf, inf)
    lower, upper = _ranks(count, part)
    at = ordered[min(count - 1, max(0, -int(-part * count // 1) - 1))]
    return Interval(ordered[lower - 1] if lower else -inf, at, ordered[upper - 1] if upper <= count else inf)


def median_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """95 % interval of the median; None for fewer than the six values that one takes."""
    found = quantile(values, 0.5)
    return (found.low, found.high) if values and isfinite(found.low) and isfinite(found.high) else None


def _ranks(count: int, part: float) -> tuple[int, int]:
    """The largest rank below which the quantile is with at most 2.5 %, 0 for none, and the smallest above, count + 1 for none."""
    below, lower, upper = 0.0, 0, count + 1
    for rank in range(count):
        below += exp(lgamma(count + 1) - lgamma(rank + 1) - lgamma(count - rank + 1) + rank * log(part) + (count - rank) * log(1 - part))
        if below <= _TAIL:
            lower = rank + 1
        if below >= 1 - _TAIL - 1e-12:
            upper = rank + 1
            break
    return lower, upper


def _hypot(one: float, other: float) -> float:
    return inf if not isfinite(one) or not isfinite(other) else sqrt(one * one + other * other)
