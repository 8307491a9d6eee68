"""A figure that is not known exactly: the least, the expected and the most it can be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """``low ≤ expected ≤ high``, all in the same unit. Sums and differences are of the ends: nothing is assumed to cancel out."""

    low: float
    expected: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Interval:
        """A figure that is known."""
        return cls(value, value, value)

    @classmethod
    def around(cls, expected: float, down: float, up: float) -> Interval:
        """``expected`` less ``down`` to ``expected`` plus ``up``."""
        return cls(expected - down, expected, expected + up)

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def __sub__(self, other: Interval) -> Interval:
        return Interval(self.low - other.high, self.expected - other.expected, self.high - other.low)

    def __mul__(self, factor: float) -> Interval:
        if factor < 0:
            return Interval(self.high * factor, self.expected * factor, self.low * factor)
        return Interval(self.low * factor, self.expected * factor, self.high * factor)

    def at_least(self, floor: float) -> Interval:
        """No end below ``floor``."""
        return Interval(max(self.low, floor), max(self.expected, floor), max(self.high, floor))

    def widened(self, *others: Interval) -> Interval:
        """The same expectation, with ends that hold for all of them."""
        return Interval(min(self.low, *(o.low for o in others)), self.expected, max(self.high, *(o.high for o in others)))

    def rounded(self, digits: int = 2) -> dict[str, float]:
        """For JSON: low, expected, high."""
        return {"low": round(self.low, digits), "expected": round(self.expected, digits), "high": round(self.high, digits)}


ZERO = Interval.exactly(0.0)
