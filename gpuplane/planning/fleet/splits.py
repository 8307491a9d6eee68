"""How a pipeline's time is divided among its steps, and how it would be divided most cheaply: one operating point for each step.

A step may be run at any load that its profiles tell of: a slow and full replica costs less for each request than a fast and idle one.
The choice that is cheapest within the time is exact (:func:`gpuplane.planning.fleet.pipelines.cheapest_split`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

from gpuplane.planning.fleet.market import NodeKind
from gpuplane.planning.fleet.pipelines import Pipeline, StepChoice, cheapest_split, pipelines_of
from gpuplane.planning.fleet.rates import Hardware, Served, Throughputs
from gpuplane.planning.fleet.report import PipelineFleet, StepFleet
from gpuplane.planning.json_value import cents
from gpuplane.planning.money.month import HOURS_PER_MONTH
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry

_P99 = ("latency_ms", "p99")


def pipeline_fleets(spec: EnvironmentSpec, kinds: Iterable[NodeKind], throughputs: Throughputs) -> tuple[PipelineFleet, ...]:
    """Every pipeline with its steps; steps that are not of one request size have no split."""
    offered = tuple(kinds)
    return tuple(_fleet(spec, pipeline, offered, throughputs) for pipeline in pipelines_of(spec))


def _fleet(spec: EnvironmentSpec, pipeline: Pipeline, kinds: tuple[NodeKind, ...], throughputs: Throughputs) -> PipelineFleet:
    choices = {name: tuple(_choices(spec.services[f"{pipeline.tenant}/{name}"], kinds, throughputs)) for name, _ in pipeline.steps}
    split = cheapest_split(choices, pipeline.latency_ms) or {}
    return PipelineFleet(pipeline.tenant, pipeline.name, pipeline.latency_ms, pipeline.promised_ms, tuple(
        _step(spec, pipeline.tenant, name, promised, split, throughputs) for name, promised in pipeline.steps))


def _step(spec: EnvironmentSpec, tenant: str, name: str, promised: Decimal, split: Mapping[str, StepChoice],
          throughputs: Throughputs) -> StepFleet:
    entry, chosen = spec.services[f"{tenant}/{name}"], split.get(name)
    placed = entry.document.spec.placement
    hardware = Hardware(spec.pools[placed.pool].spec.gpu, placed.profile, entry.document.spec.devices_per_replica)
    return StepFleet(
        name, promised, _kept(entry, hardware, throughputs), chosen.latency_ms if chosen else None,
        chosen.usd_per_month if chosen else None, chosen.label if chosen else "")


def _kept(entry: ServiceEntry, hardware: Hardware, throughputs: Throughputs) -> Decimal | None:
    """The 99th percentile at the load that counts: the largest within the targets."""
    served = _served(entry)
    holding = [point for point in throughputs.points(served, served.sizes[0], hardware)
               if all(point.holds(target, bound) for target, bound in served.targets.items())]
    best = max(holding, key=lambda point: point.requests_per_second, default=None)
    return best.latencies_ms.get(_P99) if best is not None else None


def _choices(entry: ServiceEntry, kinds: tuple[NodeKind, ...], throughputs: Throughputs) -> Iterator[StepChoice]:
    served, spec = _served(entry), entry.document.spec
    assert spec.objectives is not None
    if len(served.sizes) > 1:
        return
    for kind in kinds:
        sizes = [Hardware(kind.gpu, profile, 1) for profile in kind.profiles] or [
            Hardware(kind.gpu, None, spec.devices_per_replica)]
        for hardware in sizes:
            if not kind.fits(hardware, spec.resources.cpu, spec.resources.memory_gib):
                continue
            for point in throughputs.points(served, served.sizes[0], hardware):
                if _P99 in point.latencies_ms:
                    load = Fraction(spec.objectives.requests_per_second) / Fraction(point.requests_per_second)
                    replicas = math.ceil(load) + spec.objectives.spare_replicas
                    month = cents(Fraction(kind.usd_per_hour) * kind.share(hardware) * HOURS_PER_MONTH * replicas)
                    yield StepChoice(month, point.latencies_ms[_P99], f"{replicas} on {hardware} ({kind.name})")


def _served(entry: ServiceEntry) -> Served:
    spec = entry.document.spec
    assert spec.objectives is not None
    return Served.of(spec, spec.objectives)
