"""How many replicas a service needs on the GPUs that it names, to hold its objectives: the ceiling of its load."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction

from gpuplane.catalog.throughput import PROVENANCES, Provenance
from gpuplane.planning.environment_plan import PoolPlan, Pools, TenantPlan
from gpuplane.planning.fleet.rates import Hardware, Rate, Served, Size, Throughputs
from gpuplane.planning.fleet.service_throughput import ServiceThroughput
from gpuplane.planning.pool_isolation import SHARED_WITHOUT_ISOLATION
from gpuplane.planning.proof import Proof
from gpuplane.planning.refusal import OBJECTIVE_OVER_MAXIMUM, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry
from gpuplane.spec.errors import listed
from gpuplane.spec.objectives import Objectives

_HUNDREDTH = Decimal("0.01")


Throughput = Mapping[str, ServiceThroughput]
"""By ``tenant/service``; only services with objectives."""


def throughput_of(spec: EnvironmentSpec, pools: Pools, throughputs: Throughputs) -> dict[str, ServiceThroughput]:
    """What every service with objectives serves where it is placed, by ``tenant/service``."""
    found = {}
    for name, entry in sorted(spec.services.items()):
        objectives = entry.document.spec.objectives
        if objectives is not None:
            hardware = hardware_of(entry, pools[entry.document.spec.placement.pool])
            found[name] = capacity_need(entry, objectives, hardware, throughputs)
    return found


def with_throughput(tenants: Mapping[str, TenantPlan], throughput: Throughput) -> dict[str, TenantPlan]:
    """Tenants' plans with what their services serve in them."""
    return {name: tenant.with_each("throughput", throughput) for name, tenant in tenants.items()}


def hardware_of(entry: ServiceEntry, pool: PoolPlan) -> Hardware | None:
    """What a replica stands on where the service is placed; None where GPUs take turns."""
    spec = entry.document.spec
    if pool.strategy in SHARED_WITHOUT_ISOLATION:
        return None
    return Hardware(pool.gpu, spec.placement.profile, spec.devices_per_replica)


def capacity_need(entry: ServiceEntry, objectives: Objectives, hardware: Hardware | None, throughputs: Throughputs) -> ServiceThroughput:
    """The replicas that the service's promises take on this hardware.

    The load is the sum over sizes of their rate ÷ the most that a replica serves of them (Mélange, arXiv 2404.14527, section 5.3).
    """
    if hardware is None:
        return _nothing(objectives, None, False, "GPUs that take turns promise no throughput", ())
    served = Served.of(entry.document.spec, objectives)
    rates = [(size, throughputs.rate(served, size, hardware)) for size in served.sizes]
    sources = tuple(sorted({rate.evidence for _, rate in rates if rate.provenance}))
    provenance = max((rate.provenance for _, rate in rates if rate.provenance), key=PROVENANCES.index, default=None)
    for size, rate in rates:
        if rate.requests_per_second is None:
            known = all(other.known for _, other in rates)
            return _nothing(objectives, provenance, known, f"{size} on {hardware}: {rate.reason}", sources)
    load = _load(rates)
    each = Fraction(objectives.requests_per_second) / load
    return ServiceThroughput(
        provenance, objectives.requests_per_second, _down(each), _tokens(served, each, "input_tokens"),
        _tokens(served, each, "output_tokens"), math.ceil(load) + objectives.spare_replicas, True,
        "; ".join(sorted({rate.reason for _, rate in rates if rate.reason})), sources)


def objective_refusals(spec: EnvironmentSpec, pools: Pools, throughput: Throughput) -> Iterator[Refusal]:
    """OB-01: a declared maximum that cannot hold the objectives, where it is measured or published that it cannot."""
    for name, serves in throughput.items():
        if serves.known and serves.provenance in ("measured", "published") and _short(spec.services[name], serves):
            yield _refused(spec.services[name], serves, pools)


def objective_notes(spec: EnvironmentSpec, throughput: Throughput) -> Iterator[str]:
    """What is not known, once for all services that it is not known of for the same reason, or only modelled, of the objectives."""
    unknown: dict[str, list[str]] = {}
    for name, serves in throughput.items():
        entry = spec.services[name]
        if not serves.known:
            unknown.setdefault(serves.reason, []).append(name)
        elif serves.provenance == "modelled" and _short(entry, serves):
            yield (f"By a model, not by measurement, {name} cannot hold its objectives with max_replicas "
                   f"{entry.document.spec.scaling.max_replicas}: {_shortage(serves)}.")
    for reason, names in unknown.items():
        yield f"Whether {listed(names)} can hold {'its' if len(names) == 1 else 'their'} objectives is not known: {reason}."


def objective_proofs(spec: EnvironmentSpec, throughput: Throughput) -> Iterator[Proof]:
    """How many replicas each service's objectives take."""
    for name, serves in throughput.items():
        objectives = spec.services[name].document.spec.objectives
        if serves.replica_requests_per_second is not None and objectives is not None:
            yield Proof(
                f"service {name}: replicas for its objectives",
                "ceiling of requests_per_second ÷ replica_requests_per_second, + spare_replicas",
                (("requests_per_second", f"{serves.requests_per_second:f}"),
                 ("replica_requests_per_second", f"{serves.replica_requests_per_second:f}"),
                 ("spare_replicas", str(objectives.spare_replicas))),
                str(serves.replicas_needed), "replicas", serves.sources)


def _refused(entry: ServiceEntry, serves: ServiceThroughput, pools: Pools) -> Refusal:
    most, pool = entry.document.spec.scaling.max_replicas, pools[entry.document.spec.placement.pool]
    if serves.replicas_needed is None:
        return refused(
            OBJECTIVE_OVER_MAXIMUM, entry.place, "spec.objectives", f"{serves.reason} ({'; '.join(serves.sources)}).",
            f"Loosen the targets, or choose a faster GPU than the {pool.gpu} of pool \"{pool.name}\".", tenant=entry.tenant)
    return refused(
        OBJECTIVE_OVER_MAXIMUM, entry.place, "spec.scaling.max_replicas",
        f"max_replicas {most} cannot hold the objectives: {_shortage(serves)} ({'; '.join(serves.sources)}).",
        f"Raise max_replicas to {serves.replicas_needed}, lower requests_per_second, or choose a faster GPU.",
        serves.replicas_needed, most, entry.tenant)


def _shortage(serves: ServiceThroughput) -> str:
    if serves.replicas_needed is None:
        return serves.reason
    return (f"{serves.requests_per_second:f} requests a second at {serves.replica_requests_per_second:f} for each replica "
            f"within the targets need {serves.replicas_needed} replicas")


def _short(entry: ServiceEntry, serves: ServiceThroughput) -> bool:
    return serves.replicas_needed is None or serves.replicas_needed > entry.document.spec.scaling.max_replicas


def _nothing(objectives: Objectives, provenance: Provenance | None, known: bool, reason: str,
             sources: tuple[str, ...]) -> ServiceThroughput:
    return ServiceThroughput(provenance, objectives.requests_per_second, None, None, None, None, known, reason, sources)


def _load(rates: list[tuple[Size, Rate]]) -> Fraction:
    """Replicas' worth of work, a fraction."""
    return sum((Fraction(size.requests_per_second) / Fraction(rate.requests_per_second) for size, rate in rates
                if rate.requests_per_second is not None), Fraction(0))


def _tokens(served: Served, each: Fraction, field: str) -> Decimal | None:
    """Tokens a second of one replica at its most, in the promised mixture."""
    total, whole = Fraction(0), sum((Fraction(size.requests_per_second) for size in served.sizes), Fraction(0))
    for size in served.sizes:
        tokens = getattr(size, field)
        if tokens is None:
            return None
        total += tokens * Fraction(size.requests_per_second) / whole
    return _down(total * each)


def _down(value: Fraction) -> Decimal:
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(_HUNDREDTH, rounding=ROUND_FLOOR)
