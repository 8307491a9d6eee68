"""A new release that serves a part of the requests before it serves all of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.model import DnsLabel, SpecModel
from gpuplane.spec.release import Release

Percent = Annotated[int, Field(ge=1, le=100)]


class CanaryQuery(SpecModel):
    """A figure of your own that the canary is judged by."""

    name: DnsLabel
    """What it is called in the verdict."""
    query: Annotated[str, Field(min_length=3, max_length=1000)]
    """PromQL with one value; ``CANARY_PODS`` in it stands for a pattern of the canary's pod names, e.g. ``pod=~"CANARY_PODS"``."""
    max: Decimal
    """The most that it may be."""


class Canary(SpecModel):
    """A second release beside the service's own, on GPUs of its own, with a share of the requests that the gateway sends.

    ``gpuplane canary`` judges it and says, or writes, the next ``traffic_percent``: how far it is stands in git, and nowhere else.
    """

    release: Release
    """The release that is tried; once it has passed, it becomes the service's ``release`` and this block goes."""
    name: DnsLabel = "canary"
    """Its Deployment is called ``SERVICE-NAME-predictor``, of an LLMInferenceService ``SERVICE-NAME-kserve``."""
    traffic_percent: Annotated[int, Field(ge=0, le=100)] = 0
    """Share of the requests: 0, or one of ``steps``. Begin with 0: its weights load, and no request waits for them."""
    steps: Annotated[tuple[Percent, ...], Field(min_length=1, max_length=20)] = (5, 25, 50)
    """Shares that it goes through, rising. The plan proves quota, placement and memory for the largest."""
    hold_seconds: Annotated[int, Field(ge=60, le=604_800)] = 1800
    """How long each step lasts at least."""
    min_requests: Annotated[int, Field(ge=1, le=10_000_000)] = 100
    """Requests that the canary must have answered in a step before it is judged."""
    max_error_percent: Annotated[Decimal | None, Field(gt=0, lt=100)] = None
    """Share of its requests that may fail."""
    max_worse_percent: Annotated[Decimal | None, Field(gt=0, lt=100)] = None
    """Percentage points of its requests that may fail, or miss one of ``objectives``, more than of its service's at the same time; left
    out, only limits judge it. What its service misses as well is never blamed on it."""
    objectives: tuple[Literal["ttft_ms", "time_per_output_token_ms", "latency_ms"], ...] = ()
    """Which of the service's ``objectives`` it must hold, by their percentiles."""
    queries: Annotated[tuple[CanaryQuery, ...], Field(max_length=10)] = ()
    """Further figures."""

    rolled_back: Annotated[str | None, Field(min_length=3, max_length=2000)] = None
    """Why it was rolled back; ``gpuplane canary --write`` writes it. While it is there the canary does not run: remove it to try again."""

    @model_validator(mode="after")
    def _judged(self) -> Canary:
        if list(self.steps) != sorted(set(self.steps)):
            raise PydanticCustomError("steps", "the steps do not rise", {"field": ("steps",)})
        if self.traffic_percent not in (0, *self.steps):
            raise PydanticCustomError("steps", "{percent} is none of the steps; allowed: {steps}", {
                "percent": self.traffic_percent, "steps": ", ".join(map(str, (0, *self.steps))), "field": ("traffic_percent",)})
        if self.max_worse_percent is not None and self.max_error_percent is None and not self.objectives:
            raise PydanticCustomError("judged", "nothing is compared: name max_error_percent or objectives", {
                "field": ("max_worse_percent",)})
        if self.max_error_percent is None and not self.objectives and not self.queries:
            raise PydanticCustomError("judged", "nothing judges it: name max_error_percent, objectives or queries")
        if self.rolled_back is not None and self.traffic_percent != 0:
            raise PydanticCustomError("steps", "what is rolled back has no requests; allowed: 0", {"field": ("traffic_percent",)})
        names = [query.name for query in self.queries]
        if len(set(names)) < len(names):
            raise PydanticCustomError("judged", "two queries have one name", {"field": ("queries",)})
        return self
