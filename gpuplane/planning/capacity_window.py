"""The days on which a pool has capacity at all: those of its Capacity Block."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from gpuplane.spec.capacity_reservation import CapacityBlock


@dataclass(frozen=True)
class CapacityWindow:
    """The days of a capacity block, seen from one day.

    Attributes:
        starts: first day with capacity.
        ends: first day without it.
        state: ``before``, ``open`` or ``over`` on the day that the plan is judged at.
    """

    starts: date
    ends: date
    state: str

    @property
    def closed(self) -> str:
        """Why there is no capacity, in words; empty while there is."""
        if self.state == "open":
            return ""
        return f"its capacity block starts on {self.starts}" if self.state == "before" else f"its capacity block ended on {self.ends}"


def capacity_window(block: CapacityBlock | None, as_of: date) -> CapacityWindow | None:
    """The window of a block on a day; None without a block."""
    if block is None:
        return None
    state = "open" if block.open_on(as_of) else "over" if block.over_on(as_of) else "before"
    return CapacityWindow(date.fromisoformat(block.starts), date.fromisoformat(block.ends), state)
