"""What makes a service grow and shrink besides its CPU: the engine's own load, and waking from no replicas at all."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.model import OneOf, SpecModel


class Triggers(SpecModel):
    """Load of one replica that KEDA holds the service to; with several, the one that asks for the most replicas counts."""

    waiting_requests: Annotated[int | None, Field(ge=1, le=100_000)] = None
    """Requests that wait in the engine's queue: the sign of saturation that comes first."""
    running_requests: Annotated[int | None, Field(ge=1, le=100_000)] = None
    """Requests worked on at once; keep it below what fits GPU memory (the plan says how many do)."""
    output_tokens_per_second: Annotated[int | None, Field(ge=1, le=10_000_000)] = None
    """Tokens generated in a second, on average over two minutes."""
    kv_cache_percent: Annotated[int | None, Field(ge=1, le=100)] = None
    """How full the KV cache is."""

    @model_validator(mode="after")
    def _some(self) -> Triggers:
        if not self.model_dump(exclude_none=True):
            raise PydanticCustomError("triggers", "no trigger is named; there are {names}", {"names": ", ".join(Triggers.model_fields)})
        return self


class WorkingHours(SpecModel):
    """When it runs, as cron expressions (minute, hour, day, month, weekday)."""

    start: Annotated[str, Field(pattern=r"^[0-9*,/-]+( [0-9A-Za-z*,/-]+){4}$", max_length=100)]
    """When it starts, e.g. ``0 7 * * 1-5``; begin early by the time that a cold start takes."""
    end: Annotated[str, Field(pattern=r"^[0-9*,/-]+( [0-9A-Za-z*,/-]+){4}$", max_length=100)]
    """When it stops, e.g. ``0 20 * * 1-5``."""
    timezone: Annotated[str, Field(pattern=r"^[A-Za-z]+(/[A-Za-z_+-]+[0-9]*)*$", max_length=60)]
    """IANA time zone, e.g. ``Europe/Berlin``."""


class ScaleToZero(OneOf):
    """Runs with no replica while nobody needs it: no cost, and a cold start for whoever comes first."""

    ONE_OF = ("working_hours", "wake_query")

    idle_seconds: Annotated[int, Field(ge=60, le=86_400)] = 1800
    """How long nothing has asked for it before the last replica goes."""
    working_hours: WorkingHours | None = None
    """It runs at these hours; at others only until its load has been gone for ``idle_seconds``."""
    wake_query: Annotated[str | None, Field(min_length=3, max_length=1000)] = None
    """PromQL that is more than 0 while somebody wants it, e.g. requests at your gateway: an engine that is not there counts none."""
