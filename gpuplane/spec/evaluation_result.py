"""The generic result file: what any evaluation that is not lm-evaluation-harness or ``vllm bench serve`` can write."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.evaluation import ShortText
from gpuplane.spec.model import IsoDate, SpecModel
from gpuplane.spec.promotion import MeasureName


class GenericMeasure(SpecModel):
    """One figure: counted things, a mean with its standard error, or the values themselves."""

    better: Literal["higher", "lower"]
    """Which way is good."""
    counted: Annotated[int | None, Field(ge=0)] = None
    """How many of ``samples`` were so, e.g. answered rightly: a share."""
    mean: float | None = None
    """A mean over ``samples``."""
    standard_error: Annotated[float | None, Field(ge=0)] = None
    """Of the mean; left out, how sure it is is not knowable."""
    samples: Annotated[int | None, Field(ge=1)] = None
    """How many questions or requests."""
    values: Annotated[tuple[float, ...] | None, Field(min_length=1, max_length=2_000_000)] = None
    """One value for each sample; becomes ``NAME/mean``, ``NAME/p50``, ``NAME/p90``, ``NAME/p95`` and ``NAME/p99``."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if sum(value is not None for value in (self.counted, self.mean, self.values)) != 1:
            raise PydanticCustomError("one_of", "exactly one of counted, mean, values is needed")
        if (self.samples is None) != (self.values is not None):
            raise PydanticCustomError("together", "samples belongs to counted and mean, and is not said of values", {"field": ("samples",)})
        if self.counted is not None and self.samples is not None and self.counted > self.samples:
            raise PydanticCustomError("together", "more were counted than there are samples", {"field": ("counted",)})
        return self


class GenericResult(SpecModel):
    """A result file of any evaluation, as JSON."""

    schema_version: Literal[1]
    measured_on: IsoDate
    """The day it was measured."""
    model: ShortText | None = None
    """What was measured, e.g. ``Qwen/Qwen2.5-7B-Instruct``; compared with the release where it is there."""
    revision: ShortText | None = None
    """Its revision."""
    image: ShortText | None = None
    """The engine's image, by digest."""
    conditions: dict[Annotated[str, Field(max_length=100)], ShortText] = Field(default_factory=dict)
    """How it was measured; figures are compared only where these are equal."""
    measures: Annotated[dict[MeasureName, GenericMeasure], Field(min_length=1, max_length=1000)]
