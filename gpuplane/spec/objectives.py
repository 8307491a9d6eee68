"""What a service promises: how many requests of which size, and how fast. Belongs to the environment, not to the release."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.model import DnsLabel, Positive, SpecModel, decimal_of

Percent = Annotated[
    Decimal, BeforeValidator(decimal_of), Field(gt=0, lt=100, decimal_places=3),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 100})]
"""A share in percent, more than 0 and less than 100, with at most three decimals, exact."""

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


class Saturation(SpecModel):
    """How full the service may be, and for how much of the time it may be fuller."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["kv_cache_percent"]}, {"required": ["waiting_requests"]}]})

    kv_cache_percent: Percent | None = None
    """Use of the KV cache of the fullest replica; over about 95 requests wait or are preempted."""
    waiting_requests: Annotated[int | None, Field(ge=1, le=100_000)] = None
    """Requests of the fullest replica that wait for a place in a batch."""
    percent_of_time: Percent = Decimal(5)
    """Of 30 days, how much it may be over the limit."""

    @model_validator(mode="after")
    def _something(self) -> Saturation:
        if self.kv_cache_percent is None and self.waiting_requests is None:
            raise PydanticCustomError("saturation", "needs kv_cache_percent or waiting_requests")
        return self


class Objectives(SpecModel):
    """What the service promises at its planned load.

    Throughput profiles say how many replicas of which GPU that takes. Where the environment has ``monitoring``, every promise on a
    percentile and those on availability, errors and saturation become recording rules and alerts on how fast their error budget of 30
    days is spent.
    """

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
    availability_percent: Percent | None = None
    """Of 30 days, how much at least one replica must answer, e.g. ``99.5``."""
    error_percent: Percent | None = None
    """Of 100 requests, how many may fail by the server's fault (HTTP 5xx, Triton failures), e.g. ``0.5``."""
    saturation: Saturation | None = None
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
