"""Where an environment's releases come from, and what must hold before one moves in: gates as data."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.model import DnsLabel, OneOf, Positive, SpecModel, Usd, decimal_of

_NAME = r"(\*|[a-z]([-a-z0-9]{0,38}[a-z0-9])?)"
ServicePattern = Annotated[str, Field(pattern=rf"^{_NAME}/{_NAME}$")]
"""``TENANT/SERVICE``; ``*`` stands for any tenant or any service."""
MeasureName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][-A-Za-z0-9_.,:@+/]*$", max_length=200)]
"""Name of a figure."""
Number = Annotated[
    Decimal, BeforeValidator(decimal_of), Field(ge=Decimal("-1e9"), le=Decimal("1e9")),
    PlainSerializer(str, return_type=str, when_used="json"), WithJsonSchema({"type": "number", "minimum": -1e9, "maximum": 1e9})]
AnyPercent = Annotated[
    Decimal, BeforeValidator(decimal_of), Field(ge=0, le=1000),
    PlainSerializer(str, return_type=str, when_used="json"), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1000})]
Bound = Literal["gpu", "devices_per_replica", "gpuplane", "rules"]


class MeasureGate(SpecModel):
    """A claim on one figure; it must hold with the whole 95 % interval of what was measured, never with a bare mean."""

    measure: MeasureName
    """What was measured: ``TASK/METRIC,FILTER`` of lm-evaluation-harness, e.g. ``gsm8k/exact_match,strict-match``;
    ``LATENCY/STATISTIC`` of ``vllm bench serve``, e.g. ``ttft_ms/p95``, or ``failed_requests``; a generic file's own name."""
    at_least: Number | None = None
    """The least that it may be."""
    at_most: Number | None = None
    """The most that it may be."""
    not_worse_by: Number | None = None
    """How much worse it may be than what the target runs now, in its own unit; 0: surely not worse at all."""
    not_worse_by_percent: AnyPercent | None = None
    """The same as a share of the figure of what the target runs now."""
    min_samples: Annotated[int, Field(ge=1, le=100_000_000)] = 100
    """Samples that the figure must rest on."""
    at_requests_per_second: Positive | None = None
    """The load under which it must have been measured at least; a latency of an idle server says little."""

    @model_validator(mode="after")
    def _claims_something(self) -> MeasureGate:
        if all(value is None for value in (self.at_least, self.at_most, self.not_worse_by, self.not_worse_by_percent)):
            raise PydanticCustomError("judged", "nothing is claimed: name at_least, at_most, not_worse_by or not_worse_by_percent")
        if self.not_worse_by is not None and self.not_worse_by < 0:
            raise PydanticCustomError("judged", "is less than 0; say how much worse it may be", {"field": ("not_worse_by",)})
        return self


class EvaluationGate(OneOf):
    """What must have been measured of some services."""

    ONE_OF = ("measures", "not_evaluated")

    services: Annotated[tuple[ServicePattern, ...], Field(min_length=1, max_length=200)] = ("*/*",)
    """Which services; each is held to the first entry that names it."""
    measures: Annotated[tuple[MeasureGate, ...] | None, Field(min_length=1, max_length=100)] = None
    """Every one of them must hold."""
    not_evaluated: Annotated[str | None, Field(min_length=10, max_length=400)] = None
    """Why they move without any evaluation; it stands in every report."""


class EvaluationGates(SpecModel):
    """Evidence of what would move: documents in ``evidence/``, which ``gpuplane evidence add`` writes."""

    max_age_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """Older results count for nothing."""
    may_differ: tuple[Bound | Annotated[str, Field(pattern=r"^charts\.[a-z0-9_.]+$")], ...] = ()
    """What may be otherwise where it was evaluated than where it would run: ``gpu``, ``devices_per_replica``, ``gpuplane`` (its version),
    ``rules`` (their digest), ``charts.BLOCK`` (e.g. ``charts.keda``). The release itself may never differ."""
    required: Annotated[tuple[EvaluationGate, ...], Field(min_length=1, max_length=200)]
    """By service; one that no entry names does not move."""


class CostGate(SpecModel):
    """How much more the target may cost a month after the promotion, over all of it, expected and worst case alike."""

    max_increase_percent: AnyPercent | None = None
    """In percent of what it costs now."""
    max_increase_usd_per_month: Usd | None = None
    """In US dollars."""

    @model_validator(mode="after")
    def _claims_something(self) -> CostGate:
        if self.max_increase_percent is None and self.max_increase_usd_per_month is None:
            raise PydanticCustomError("judged", "nothing is claimed: name max_increase_percent or max_increase_usd_per_month")
        return self


class DriftGate(SpecModel):
    """That nobody changed by hand what the verdict is about: a result of ``gpuplane drift`` without drift."""

    max_age_hours: Annotated[int, Field(ge=1, le=8760)] = 24
    """Older results count for nothing."""
    environments: Annotated[tuple[Literal["source", "target"], ...], Field(min_length=1, max_length=2)] = ("source", "target")
    """Of which of the two."""


class ApprovalGate(SpecModel):
    """People who agreed to exactly this release in this environment: what
    ``gpuplane evidence approve`` writes into ``evidence/``."""

    count: Annotated[int, Field(ge=1, le=20)] = 1
    """How many different people."""
    approvers: tuple[Annotated[str, Field(min_length=3, max_length=200)], ...] = ()
    """Who may, by the address that they commit with; left out, anybody. Whoever promotes does not count."""


class Gates(SpecModel):
    """What must hold before a release moves in. That the target passes every rule, fits and is within budget is always a gate."""

    evaluations: EvaluationGates | None = None
    soak_hours: Annotated[int | None, Field(ge=1, le=8760)] = None
    """How long the source must have had the release, by git's history."""
    applied: bool = False
    """Whether the source's audit must say that exactly this release was applied there last, and that it was done; and, of each wave before,
    the target's audit. What ``gpuplane up`` records; without an audit nobody can know, and nothing moves."""
    cost: CostGate | None = None
    no_drift: DriftGate | None = None
    approvals: ApprovalGate | None = None


class Wave(SpecModel):
    """Tenants that move together: all of them, or, where a gate says no to one, none."""

    tenants: Annotated[tuple[DnsLabel, ...], Field(min_length=1, max_length=10_000)]
    """Tenants of this environment."""
    hours: Annotated[int, Field(ge=0, le=8760)] = 0
    """How long this wave must have had its releases before the next one moves."""


class Promotion(SpecModel):
    """The way of releases into this environment."""

    sources: Annotated[tuple[DnsLabel, ...], Field(alias="from", min_length=1, max_length=20)]
    """Environments that releases come from, beside this one's folder; together they form a graph without cycles."""
    gates: Gates = Gates()
    waves: Annotated[tuple[Wave, ...], Field(max_length=50)] = ()
    """Tenants in the order in which they move; those that no wave names are the last. Left out, all move at once."""

    @model_validator(mode="after")
    def _once(self) -> Promotion:
        tenants = [tenant for wave in self.waves for tenant in wave.tenants]
        twice = sorted({tenant for tenant in tenants if tenants.count(tenant) > 1})
        if twice:
            raise PydanticCustomError("twice", "the tenant {name} is in two waves", {"name": twice[0], "field": ("waves",)})
        return self
