"""What may be spent in a month: the block ``budget`` of tenants and environments; ``budget_usd_per_month`` is its short form."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.model import SpecModel, Usd


class Increase(SpecModel):
    """How much more a single change may cost before somebody has to approve it (judged where there is another ref to compare with)."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["max_percent"]}, {"required": ["max_usd_per_month"]}]})

    max_percent: Annotated[int | None, Field(ge=0, le=1000)] = None
    """Of the month before the change."""
    max_usd_per_month: Usd | None = None
    """In US dollars a month."""
    approved_usd_per_month: Usd | None = None
    """A month up to this amount is approved, however large the step; who may write it is a matter of code ownership."""

    @model_validator(mode="after")
    def _limits(self) -> Increase:
        if self.max_percent is None and self.max_usd_per_month is None:
            raise PydanticCustomError("increase", "max_percent or max_usd_per_month is needed", {"field": ("max_percent",)})
        return self


class Budget(SpecModel):
    """A limit on a month's cost, with levels. A number alone (``budget_usd_per_month``) means all that is left out here."""

    usd_per_month: Usd
    """What a month of 730 hours may cost, in US dollars."""
    basis: Literal["minimum", "expected", "worst_case"] = "minimum"
    """Which month is held to it: what always runs, what runs on average, or everything at its maximum on demand."""
    warn_percent: Annotated[int, Field(ge=1, le=100)] = 80
    """A use of so many percent or more is noted."""
    block_percent: Annotated[int, Field(ge=1, le=1000)] = 100
    """A use of more percent is refused."""
    worst_case_percent: Annotated[int | None, Field(ge=100, le=10_000)] = None
    """A worst case of more percent is refused, e.g. 150; left out, a worst case over the budget is only noted."""
    increase: Increase | None = None

    @model_validator(mode="after")
    def _levels(self) -> Budget:
        if self.warn_percent > self.block_percent:
            raise PydanticCustomError("bounds", "warn_percent {low} is more than block_percent {high}",
                                      {"low": self.warn_percent, "high": self.block_percent, "field": ("warn_percent",)})
        return self
