"""EC2 capacity that is set aside: On-Demand Capacity Reservations, Capacity Blocks for ML, and reserved prices."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.model import IsoDate, SpecModel, Usd

ReservationId = Annotated[str, Field(pattern=r"^cr-[0-9a-f]{8,17}$")]
"""Id of an EC2 capacity reservation, e.g. ``cr-0123456789abcdef0``."""


class Reserved(SpecModel):
    """Nodes of a pool that are reserved (standard, no upfront): paid for every hour of the term, used or not."""

    nodes: Annotated[int, Field(ge=1, le=1000)]
    """How many; those beyond run on demand."""
    term: Literal["1y", "3y"]
    """How long."""


class CapacityReservation(SpecModel):
    """An On-Demand Capacity Reservation (targeted): the nodes are there when they are asked for, and paid for whether they run or not."""

    reservation_id: ReservationId
    """Its id; the pool's nodes start in it and nowhere else."""
    nodes: Annotated[int, Field(ge=1, le=1000)]
    """Instances that it holds, paid for at the on-demand price in every hour."""


class CapacityBlock(SpecModel):
    """An EC2 Capacity Block for ML: instances from one day to another, paid for in advance. Outside its days the pool has no capacity."""

    reservation_id: ReservationId
    """Id of the capacity reservation that the block was bought as."""
    nodes: Annotated[int, Field(ge=1, le=256)]
    """Instances that it holds."""
    starts: IsoDate
    """First day of the block (blocks begin at 11:30 UTC)."""
    ends: IsoDate
    """Day on which it ends (at 11:30 UTC; EC2 begins to terminate instances 30 minutes earlier): the pool has no capacity from here on."""
    upfront_usd: Usd
    """What the whole block cost, as its offering said: it is paid in advance, so all of it counts, used or not."""

    @model_validator(mode="after")
    def _days(self) -> CapacityBlock:
        if self.ends <= self.starts:
            raise PydanticCustomError("bounds", "the block ends on {ends}, which is not after {starts}",
                                      {"ends": self.ends, "starts": self.starts, "field": ("ends",)})
        return self

    @property
    def hours(self) -> int:
        """Hours from its start to its end."""
        return (date.fromisoformat(self.ends) - date.fromisoformat(self.starts)).days * 24

    @property
    def usd_per_node_hour(self) -> Decimal:
        """The price paid in advance, spread over its nodes and hours."""
        return (self.upfront_usd / (self.nodes * self.hours)).quantize(Decimal("0.0001"))

    def open_on(self, day: date) -> bool:
        """Whether there is capacity on a day: from the day that it starts to the day before it ends."""
        return self.starts <= day.isoformat() < self.ends

    def over_on(self, day: date) -> bool:
        """Whether it has ended."""
        return day.isoformat() >= self.ends
