"""How many replicas, and how a new release replaces the old one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.model import Count, SpecModel


class Scaling(SpecModel):
    """How many replicas."""

    min_replicas: Annotated[int, Field(ge=1, le=1000)] = 1
    """Replicas that always run: the committed cost. KServe's Standard mode never runs fewer than one."""
    max_replicas: Annotated[int, Field(ge=1, le=1000)]
    """Replicas at peak; times devices each, they must fit the quota."""
    expected_replicas: Count | None = None
    """Replicas on average over a month, for the expected cost, e.g. ``2.5``; left out, the pool's expected_scale_percent says it."""
    cpu_utilization_percent: Annotated[int, Field(ge=1, le=100)] = 80
    """Target of the HorizontalPodAutoscaler."""

    @model_validator(mode="after")
    def _bounds(self) -> Scaling:
        if self.min_replicas > self.max_replicas:
            raise PydanticCustomError("bounds", "min_replicas {low} is more than max_replicas {high}",
                                      {"low": self.min_replicas, "high": self.max_replicas, "field": ("min_replicas",)})
        expected = self.expected_replicas
        if expected is not None and not self.min_replicas <= expected <= self.max_replicas:
            raise PydanticCustomError("bounds", "expected_replicas {value} is not between min_replicas {low} and max_replicas {high}",
                                      {"value": str(expected), "low": self.min_replicas, "high": self.max_replicas,
                                       "field": ("expected_replicas",)})
        return self


class Rollout(SpecModel):
    """How a new release replaces the old one (Kubernetes rolling update)."""

    max_surge: Annotated[int, Field(ge=0, le=100)] = 0
    """Replicas above max_replicas while rolling out; each needs GPUs of its own."""
    max_unavailable: Annotated[int, Field(ge=0, le=100)] = 1
    """Replicas that may be missing while rolling out."""

    @model_validator(mode="after")
    def _moves(self) -> Rollout:
        if self.max_surge == 0 and self.max_unavailable == 0:
            raise PydanticCustomError("bounds", "max_surge and max_unavailable are both 0: no update could proceed",
                                      {"field": ("max_surge",)})
        return self
