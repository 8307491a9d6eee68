"""The cheapest fleet of an environment's services with objectives, and what the declared plan pays over it.

Two questions, both answered by :mod:`gpuplane.planning.fleet.milp`:

- by service: its replicas priced at their share of a node, as if the rest of each node were used by others; this says which GPU
  suits the service, and every service can be read by itself;
- in total: whole nodes, all services together, within the pools' limits; services without objectives stay where they are, with
  their minimum replicas, for they take room that others cannot have.

The declared plan is the same with every service where it is placed and at least its min_replicas. A month has 730 hours.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.throughput import PROVENANCES, Provenance
from gpuplane.planning.environment_plan import EnvironmentPlan, ServicePlan
from gpuplane.planning.fleet.candidates import Candidate, Fixed, candidates_of, declared_only, fixed_services, is_declared
from gpuplane.planning.fleet.market import Among, NodeKind, node_kinds, undominated
from gpuplane.planning.fleet.milp import cheapest_fleet
from gpuplane.planning.fleet.need import hardware_of
from gpuplane.planning.fleet.problem import Fleet, FleetProblem, Load, NodeOffer, NoFleet, Way
from gpuplane.planning.fleet.rates import Hardware, Served, Throughputs
from gpuplane.planning.fleet.report import FleetPart, FleetReport, NodeFleet, Option, ServiceFleet
from gpuplane.planning.fleet.splits import pipeline_fleets
from gpuplane.planning.json_value import cents
from gpuplane.planning.money.month import HOURS_PER_MONTH
from gpuplane.planning.planner import plan
from gpuplane.planning.pools import month
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry


def fleet_report(spec: EnvironmentSpec, catalog: Catalog, as_of: date, among: Among = "pools",
                 trust: tuple[Provenance, ...] = PROVENANCES) -> FleetReport:
    """The cheapest fleet, by service and in total.

    Args:
        among: where it may be bought.
        trust: throughput that counts; e.g. only ``measured`` and ``published``.
    """
    planned, throughputs = plan(spec, catalog, as_of), Throughputs.of(spec, catalog, trust)
    kinds = node_kinds(spec, planned.pools, catalog, among)
    candidates = {name: candidates_of(entry, kinds, throughputs) for name, entry in spec.services.items()
                  if entry.document.spec.objectives is not None}
    services = tuple(_service(spec, planned, name, candidates[name]) for name in sorted(candidates))
    fixed = tuple(fixed_services(spec, kinds))
    declared = _nodes(spec, {name: declared_only(of) for name, of in candidates.items()}, fixed, declared=True)
    cheapest = _nodes(spec, candidates, fixed, declared=False)
    over = None
    if declared.usd_per_month is not None and cheapest.usd_per_month is not None:
        over = declared.usd_per_month - cheapest.usd_per_month
    used = {part.offer for part in (*declared.parts, *cheapest.parts)}
    sources = {f"{kind.name}: {kind.source}" for kind in kinds if kind.name in used}
    for of in candidates.values():
        sources |= {f"{one.way.service} on {one.hardware}: {one.evidence}" for one in of if one.kind.name in used}
    return FleetReport(spec.name, as_of, among, services, pipeline_fleets(spec, kinds, throughputs), declared, cheapest, over,
                       _root_volumes(planned, declared), tuple(sorted(sources)))


def _root_volumes(planned: EnvironmentPlan, declared: NodeFleet) -> Decimal | None:
    """A month of the root volumes of the declared nodes; nodes that somebody else brings have none here."""
    disks = [(pool.disk, declared.nodes.get(f"pool {name}", 0)) for name, pool in planned.money.pools.items() if pool.disk is not None]
    if declared.usd_per_month is None or any(disk.usd_per_node_month is None and count for disk, count in disks):
        return None
    return sum(((disk.usd_per_node_month or Decimal(0)) * count for disk, count in disks), Decimal(0))


def _nodes(spec: EnvironmentSpec, candidates: Mapping[str, tuple[Candidate, ...]], fixed: tuple[Fixed, ...],
           declared: bool) -> NodeFleet:
    """Whole nodes for everything."""
    every = [one for of in candidates.values() for one in of]
    runs: dict[NodeKind, frozenset[Hashable]] = {}
    for one in every:
        runs[one.kind] = runs.get(one.kind, frozenset()) | {(one.entry.name, one.hardware)}
    for stays in fixed:
        runs[stays.kind] = runs.get(stays.kind, frozenset()) | {stays.load.service}
    kept = undominated(runs)
    sizes = {kind: {one.hardware.devices for one in every if one.kind == kind} | {stays.devices for stays in fixed if stays.kind == kind}
             for kind in kept}
    loads = [_load(spec.services[name], declared) for name in sorted(candidates)]
    problem = FleetProblem((*loads, *(stays.load for stays in fixed)),
                           (*(one.way for one in every if one.kind in sizes), *(stays.way for stays in fixed)),
                           tuple(kind.offer(sizes[kind]) for kind in kept))
    fleet = cheapest_fleet(problem)
    if isinstance(fleet, NoFleet):
        return NodeFleet({}, (), None, None, False, fleet.reason)
    return NodeFleet(dict(sorted(fleet.nodes.items())), _parts(fleet), month(fleet.usd_per_hour, 1), month(fleet.bound_usd_per_hour, 1),
                     fleet.optimal, "")


def _load(entry: ServiceEntry, declared: bool) -> Load:
    spec = entry.document.spec
    assert spec.objectives is not None
    sizes = Served.of(spec, spec.objectives).sizes
    return Load(entry.name, tuple(Fraction(size.requests_per_second) for size in sizes), spec.scaling.min_replicas if declared else 1,
                spec.objectives.spare_replicas > 0)


def _service(spec: EnvironmentSpec, planned: EnvironmentPlan, name: str, candidates: tuple[Candidate, ...]) -> ServiceFleet:
    """One service by itself, at its share of nodes: the cheapest node for each hardware."""
    entry = spec.services[name]
    cheapest: dict[Hardware, Candidate] = {}
    for one in sorted(candidates, key=lambda one: (one.usd_per_hour, one.kind.name)):
        cheapest.setdefault(one.hardware, one)
    offers = tuple(NodeOffer(str(hardware), _usd(one.usd_per_hour), ({"replica": 1},)) for hardware, one in cheapest.items())
    ways = tuple(Way(name, str(hardware), "replica", one.way.requests_per_second, one.evidence) for hardware, one in cheapest.items())
    fleet = cheapest_fleet(FleetProblem((_load(entry, declared=False),), ways, offers))
    own = next(service for service in planned.tenants[entry.tenant].services if service.name == entry.document.name)
    hardware = hardware_of(entry, planned.pools[own.quota_key.partition("/")[0]])
    replicas, declared = _declared(own, candidates)
    usd, bound = (month(fleet.usd_per_hour, 1), month(fleet.bound_usd_per_hour, 1)) if isinstance(fleet, Fleet) else (None, None)
    parts = tuple(FleetPart(name, cheapest[at].kind.name, str(at), count) for at in cheapest
                  if isinstance(fleet, Fleet) and (count := fleet.replicas.get((name, str(at), "replica"), 0)))
    used = [one.provenance for one in cheapest.values() if any(part.slot == str(one.hardware) for part in parts)]
    reason = own.throughput.reason if own.throughput is not None and replicas is None else ""
    return ServiceFleet(
        service=name, declared_hardware=str(hardware or "GPUs that take turns"), declared_replicas=replicas,
        declared_usd_per_month=declared, cheapest_usd_per_month=usd, bound_usd_per_month=bound,
        overpaid_usd_per_month=None if declared is None or usd is None else declared - usd,
        provenance=max(used, key=[*PROVENANCES, ""].index, default=""), parts=tuple(sorted(parts)),
        options=tuple(sorted(_options(entry, cheapest.values()))), reason=fleet.reason if isinstance(fleet, NoFleet) else reason)


def _declared(own: ServicePlan, candidates: tuple[Candidate, ...]) -> tuple[int | None, Decimal | None]:
    """Replicas that the objectives take where the service is placed, and their share of nodes in a month."""
    placed = next((one for one in candidates if is_declared(one.entry, one.kind, one.hardware)), None)
    if own.throughput is None or own.throughput.replicas_needed is None or placed is None:
        return None, None
    replicas = max(own.min_replicas, own.throughput.replicas_needed)
    return replicas, cents(placed.usd_per_hour * HOURS_PER_MONTH * replicas)


def _options(entry: ServiceEntry, candidates: Iterable[Candidate]) -> Iterator[Option]:
    """Each kind of GPU alone."""
    objectives = entry.document.spec.objectives
    assert objectives is not None
    sizes = Served.of(entry.document.spec, objectives).sizes
    tokens = sum((Fraction(size.requests_per_second) * (size.output_tokens or 0) for size in sizes), Fraction(0))
    for one in candidates:
        if any(rate.requests_per_second is None for rate in one.rates):
            continue
        load = sum((Fraction(size.requests_per_second) / Fraction(rate.requests_per_second or 1)
                    for size, rate in zip(sizes, one.rates, strict=True)), Fraction(0))
        replicas = math.ceil(load) + objectives.spare_replicas
        an_hour = 3600 / (load * one.usd_per_hour) if one.usd_per_hour else None
        if an_hour is not None:
            yield Option(
                cents(one.usd_per_hour * HOURS_PER_MONTH * replicas), str(one.hardware), one.kind.name, replicas,
                _whole(an_hour * Fraction(objectives.requests_per_second)), _whole(an_hour * tokens) if tokens else None, one.provenance,
                one.evidence)


def _parts(fleet: Fleet) -> tuple[FleetPart, ...]:
    return tuple(sorted(FleetPart(service, offer, slot, count) for (service, offer, slot), count in fleet.replicas.items()))


def _whole(value: Fraction) -> Decimal:
    return Decimal(int(value))


def _usd(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
