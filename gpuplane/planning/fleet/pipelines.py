"""Pipelines: services that work one after another within one time. What the steps promise, and how it could be split most cheaply.

The steps' 99th percentiles add up to a time that at least 100 − n of 100 requests through n steps keep (Boole's inequality: each
step exceeds its own in 1 of 100), whatever the steps have to do with each other; if they are independent it is far more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from gpuplane.planning.proof import Proof
from gpuplane.planning.refusal import STEPS_OVER_PIPELINE, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry
from gpuplane.spec.errors import listed
from gpuplane.spec.objectives import PipelineStep


@dataclass(frozen=True)
class Pipeline:
    """One tenant's pipeline.

    Attributes:
        latency_ms: what all steps together may take.
        steps: service and the 99th percentile that it promises in milliseconds, in their order.
    """

    tenant: str
    name: str
    latency_ms: Decimal
    steps: tuple[tuple[str, Decimal], ...]

    @property
    def promised_ms(self) -> Decimal:
        """Sum of the steps' promises."""
        return sum((promise for _, promise in self.steps), Decimal(0))

    @property
    def kept_percent(self) -> int:
        """Requests of 100 that take at most the sum of the promises."""
        return 100 - len(self.steps)


def pipelines_of(spec: EnvironmentSpec) -> tuple[Pipeline, ...]:
    """Every pipeline, by tenant and name; its time is the smallest that a step names."""
    found = []
    for (tenant, name), entries in sorted(_grouped(spec).items()):
        steps = tuple((entry.document.name, _promise(entry)) for entry in entries)
        found.append(Pipeline(tenant, name, min(_step(entry).pipeline_latency_ms for entry in entries), steps))
    return tuple(found)


def pipeline_proofs(spec: EnvironmentSpec) -> Iterator[Proof]:
    """How each pipeline's time is divided among its steps."""
    for pipeline in pipelines_of(spec):
        yield Proof(f"pipeline {pipeline.tenant}/{pipeline.name}: time of its steps", "sum of latency_ms.p99",
                    tuple((name, f"{promise:f}") for name, promise in pipeline.steps), f"{pipeline.promised_ms:f}",
                    f"ms of {pipeline.latency_ms:f}, kept by {pipeline.kept_percent} of 100 requests at least")


def pipeline_refusals(spec: EnvironmentSpec) -> Iterator[Refusal]:
    """OB-02: steps that add up to more than the whole may take, that share a position, or that disagree on the whole."""
    for (tenant, name), entries in sorted(_grouped(spec).items()):
        promised = sum((_promise(entry) for entry in entries), Decimal(0))
        last, whole = entries[-1], min(_step(entry).pipeline_latency_ms for entry in entries)
        if promised > whole:
            sums = listed(f"{entry.document.name} {_promise(entry):f}" for entry in entries)
            yield refused(
                STEPS_OVER_PIPELINE, last.place, "spec.objectives.latency_ms.p99",
                f"the steps of pipeline {name} promise {sums}: together {promised:f} ms, more than the {whole:f} ms that the "
                "whole may take.",
                "Lower a step's latency_ms.p99, or allow the pipeline more.", f"{promised:f} ms", f"{whole:f} ms", tenant)
        for before, entry in pairwise(entries):
            if _step(entry).position == _step(before).position:
                yield refused(
                    STEPS_OVER_PIPELINE, entry.place, "spec.objectives.step.position",
                    f"{before.document.name} is step {_step(entry).position} of pipeline {name} already.", "Number the steps 1, 2, 3.",
                    tenant=tenant)
            if _step(entry).pipeline_latency_ms != _step(before).pipeline_latency_ms:
                yield refused(
                    STEPS_OVER_PIPELINE, entry.place, "spec.objectives.step.pipeline_latency_ms",
                    f"pipeline {name} may take {_step(entry).pipeline_latency_ms:f} ms here and "
                    f"{_step(before).pipeline_latency_ms:f} ms in {before.document.name}.", "Say the same in every step.", tenant=tenant)


@dataclass(frozen=True, order=True)
class StepChoice:
    """One way to run a step: what it costs in a month, the latency it then keeps, and a name for it."""

    usd_per_month: Decimal
    latency_ms: Decimal
    label: str


def cheapest_split(steps: Mapping[str, Iterable[StepChoice]], latency_ms: Decimal) -> dict[str, StepChoice] | None:
    """The choice of one way for each step that is cheapest within the time; among those the fastest. None: there is none.

    Exact: after each step only the choices that no other beats in both cost and time are kept (dynamic programming).
    """
    front: list[tuple[Decimal, Decimal, tuple[StepChoice, ...]]] = [(Decimal(0), Decimal(0), ())]
    for choices in steps.values():
        grown = sorted((usd + choice.usd_per_month, taken + choice.latency_ms, (*chosen, choice))
                       for usd, taken, chosen in front for choice in sorted(choices) if taken + choice.latency_ms <= latency_ms)
        front = []
        for usd, taken, chosen in grown:
            if not front or taken < front[-1][1]:
                front.append((usd, taken, chosen))
    return dict(zip(steps, front[0][2], strict=True)) if front else None


def _grouped(spec: EnvironmentSpec) -> dict[tuple[str, str], list[ServiceEntry]]:
    grouped: dict[tuple[str, str], list[ServiceEntry]] = {}
    for entry in spec.services.values():
        objectives = entry.document.spec.objectives
        if objectives is not None and objectives.step is not None:
            grouped.setdefault((entry.tenant, objectives.step.pipeline), []).append(entry)
    return {key: sorted(entries, key=lambda entry: (_step(entry).position, entry.name)) for key, entries in grouped.items()}


def _step(entry: ServiceEntry) -> PipelineStep:
    objectives = entry.document.spec.objectives
    assert objectives is not None
    assert objectives.step is not None
    return objectives.step


def _promise(entry: ServiceEntry) -> Decimal:
    objectives = entry.document.spec.objectives
    assert objectives is not None
    assert objectives.latency_ms is not None
    assert objectives.latency_ms.p99 is not None  # the model holds it
    return objectives.latency_ms.p99
