"""How many replicas, and how a new release replaces the old one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.autoscaling import ScaleToZero, Triggers
from gpuplane.spec.model import Count, SpecModel


class Scaling(SpecModel):
    """How many replicas."""

    min_replicas: Annotated[int, Field(ge=0, le=1000)] = 1
    """Replicas that always run: the committed cost. 0 needs ``scale_to_zero``."""
    max_replicas: Annotated[int, Field(ge=1, le=1000)]
    """Replicas at peak; times devices each, they must fit the quota."""
    expected_replicas: Count | None = None
    """Replicas on average over a month, for the expected cost, e.g. ``2.5``; left out, the pool's expected_scale_percent says it."""
    cpu_utilization_percent: Annotated[int, Field(ge=1, le=100)] = 80
    """Target of the HorizontalPodAutoscaler, where there are no triggers; GPU engines are busy on the GPU, so it says little of them."""
    triggers: Triggers | None = None
    """Scale on the engine's own load, by KEDA; the environment needs ``keda`` and ``monitoring.prometheus_url``."""
    scale_to_zero: ScaleToZero | None = None
    """Run with no replica while nobody needs it, by KEDA."""
    scale_down_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    """How long the load has to be lower before a replica goes (stabilization window of the HorizontalPodAutoscaler)."""

    @model_validator(mode="after")
    def _bounds(self) -> Scaling:
        if self.min_replicas > self.max_replicas:
            raise PydanticCustomError("bounds", "min_replicas {low} is more than max_replicas {high}",
                                      {"low": self.min_replicas, "high": self.max_replicas, "field": ("min_replicas",)})
        if (self.min_replicas == 0) != (self.scale_to_zero is not None):
            raise PydanticCustomError("zero", "min_replicas 0 and scale_to_zero belong together", {"field": ("min_replicas",)})
        if self.scale_to_zero is not None and self.triggers is None and self.max_replicas > 1:
            raise PydanticCustomError("zero", "without triggers nothing asks for more than one replica; max_replicas is {high}",
                                      {"high": self.max_replicas, "field": ("max_replicas",)})
        if "cpu_utilization_percent" in self.model_fields_set and (self.triggers is not None or self.scale_to_zero is not None):
            raise PydanticCustomError("cpu", "triggers and scale_to_zero scale it, and the CPU does not",
                                      {"field": ("cpu_utilization_percent",)})
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


class Disruption(SpecModel):
    """What may be missing while nodes are drained, and how replicas are spread."""

    max_unavailable: Annotated[int, Field(ge=0, le=1000)] = 1
    """Replicas that a drain may take away at once (PodDisruptionBudget); 0 stops every drain of their nodes."""
    spread: tuple[Literal["node", "zone"], ...] = ("zone", "node")
    """Over what replicas are spread, as far as there is room: a loss then takes few of them."""
