"""What a service promises: how many requests of which size, and how fast. Belongs to the environment, not to the release."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.model import DnsLabel, Positive, SpecModel

STATISTICS = ("mean", "p50", "p90", "p95", "p99")
"""How a latency is summed up, weakest percentile first; a bound on a higher percentile also bounds a lower one."""
TARGETS = ("ttft_ms", "time_per_output_token_ms", "latency_ms")
"""Latencies that can be promised, by the field that says so."""


class Milliseconds(SpecModel):
    """A latency over many requests, in milliseconds: its mean, or percentiles."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    mean: Positive | None = None
    """Mean."""
    p50: Positive | None = None
    """Half of the requests are this fast."""
    p90: Positive | None = None
    """90 of 100 requests are this fast."""
    p95: Positive | None = None
    """95 of 100 requests are this fast."""
    p99: Positive | None = None
    """99 of 100 requests are this fast."""

    @model_validator(mode="after")
    def _something(self) -> Milliseconds:
        if not self.given:
            raise PydanticCustomError("statistic", "is empty; allowed: {names}", {"names": ", ".join(STATISTICS)})
        return self

    @property
    def given(self) -> dict[str, Decimal]:
        """What is said, by statistic, in the order of :data:`STATISTICS`."""
        return {name: value for name in STATISTICS if (value := getattr(self, name)) is not None}


class RequestSize(SpecModel):
    """Requests of one size; those of a distribution are its buckets."""

    input_tokens: Annotated[int, Field(ge=1, le=16_777_216)]
    """Tokens of a prompt (upper end of the bucket)."""
    output_tokens: Annotated[int, Field(ge=1, le=16_777_216)]
    """Tokens of an answer (upper end of the bucket); 1 for embeddings."""
    share: Positive = Decimal(1)
    """Part of all requests, 0 to 1; the shares of a distribution make 1."""


class PipelineStep(SpecModel):
    """A step of a pipeline of the same tenant: its latency is a share of what the whole may take."""

    pipeline: DnsLabel
    """Name that all steps have in common."""
    position: Annotated[int, Field(ge=1, le=32)]
    """Where in the pipeline, 1 first."""
    pipeline_latency_ms: Positive
    """What all steps together may take, the same in each; the steps' promises must not add up to more."""


class Objectives(SpecModel):
    """What the service promises at its planned load; throughput profiles say how many replicas of which GPU that takes."""

    requests_per_second: Positive
    """Planned load."""
    request_sizes: Annotated[tuple[RequestSize, ...], Field(max_length=64)] = ()
    """Distribution of tokens, for language models; one bucket is enough. Left out where requests have no tokens."""
    ttft_ms: Milliseconds | None = None
    """Time to the first token."""
    time_per_output_token_ms: Milliseconds | None = None
    """Time for each token after the first."""
    latency_ms: Milliseconds | None = None
    """Time of a whole request."""
    performs_like: Annotated[str | None, Field(min_length=3, max_length=400)] = None
    """Model whose throughput profiles stand for this one, e.g. the model that a copy or a fine-tune was made of."""
    spare_replicas: Literal[0, 1] = 0
    """1: the load is served even without any one replica."""
    step: PipelineStep | None = None

    @model_validator(mode="after")
    def _whole(self) -> Objectives:
        if self.request_sizes and sum(size.share for size in self.request_sizes) != 1:
            raise PydanticCustomError("shares", "the shares add up to {total}; allowed is exactly 1",
                                      {"total": str(sum(size.share for size in self.request_sizes)), "field": ("request_sizes",)})
        if self.step is not None and (self.latency_ms is None or self.latency_ms.p99 is None):
            raise PydanticCustomError("step", "a step of a pipeline needs latency_ms.p99, its part of the whole", {"field": ("step",)})
        return self

    @property
    def targets(self) -> dict[tuple[str, str], Decimal]:
        """Every promise by field and statistic, e.g. ``("ttft_ms", "p99")``, in milliseconds."""
        return {(name, statistic): value for name in TARGETS if (said := getattr(self, name)) is not None
                for statistic, value in said.given.items()}
