"""``plan(spec, catalog, as_of)``: everything that follows from an environment's wish. Pure, total, and the same every time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from gpuplane.catalog.catalog import Catalog
from gpuplane.planning.access import access_refusals
from gpuplane.planning.canaries import canary_notes, canary_refusals, with_canaries
from gpuplane.planning.cloud_quotas import cloud_quota_notes, cloud_quota_refusals
from gpuplane.planning.cluster_notes import cluster_notes
from gpuplane.planning.cohorts.borrowing import borrowing_refusals
from gpuplane.planning.cohorts.environment_tree import quota_tree
from gpuplane.planning.cohorts.shares import Shares
from gpuplane.planning.compatibility import compatibility_notes, compatibility_refusals
from gpuplane.planning.compatibility_lock import lock_notes, lock_refusals
from gpuplane.planning.consequences import budgets_without, independent, placeable
from gpuplane.planning.demand import Demand, Demands, committed_devices, demands, of_pools
from gpuplane.planning.environment_plan import EnvironmentPlan, PoolPlan, QuotaPlan, ServicePlan, TenantPlan, quota_resource
from gpuplane.planning.fleet.graphs import graph_proofs, graph_refusals
from gpuplane.planning.fleet.need import (
    objective_notes,
    objective_proofs,
    objective_refusals,
    throughput_of,
    with_throughput,
)
from gpuplane.planning.fleet.pipelines import pipeline_proofs, pipeline_refusals
from gpuplane.planning.fleet.rates import Throughputs
from gpuplane.planning.fleet.service_throughput import ServiceThroughput
from gpuplane.planning.isolation import residency_refusals, sample_refusals, sharing_refusals
from gpuplane.planning.later import Later
from gpuplane.planning.memory.service_memory import (
    ServiceMemory,
    load_times,
    memory_notes,
    memory_proofs,
    memory_refusals,
    service_memories,
)
from gpuplane.planning.model_caches import model_cache_proofs, model_cache_refusals
from gpuplane.planning.money.budget_rules import budget_notes, budget_refusals, expectation_notes
from gpuplane.planning.money.environment_money import environment_money, with_months
from gpuplane.planning.money.ledger import EnvironmentMoney
from gpuplane.planning.money.month import UNKNOWN
from gpuplane.planning.money.price_notes import price_notes
from gpuplane.planning.money.price_refusals import price_refusals
from gpuplane.planning.money.purchase_rules import purchase_refusals
from gpuplane.planning.money.service_unit_costs import unit_cost_proofs, with_unit_costs
from gpuplane.planning.node_fit import impossible_replicas, node_refusals
from gpuplane.planning.placement.environment_placement import (
    Placements,
    placement_notes,
    placement_refusals,
    placements,
    schedulability,
)
from gpuplane.planning.pool_notes import pool_notes
from gpuplane.planning.pool_refusals import pool_refusals
from gpuplane.planning.pools import pool_plan, with_committed
from gpuplane.planning.proof import Proof
from gpuplane.planning.proofs import proofs
from gpuplane.planning.quotas import capacity_refusals, demand_refusals, quota_plans
from gpuplane.planning.refusal import Refusal
from gpuplane.planning.runtimes import runtime_notes, runtime_refusals, startup_seconds
from gpuplane.planning.scaling import cold_starts, scaling_notes, scaling_refusals, with_cold_starts
from gpuplane.planning.service_levels.watched import indicator_notes, tracing_notes, unmeasured_refusals
from gpuplane.planning.traffic import traffic_notes, traffic_proofs, traffic_refusals
from gpuplane.planning.upgrade_order import versions_of
from gpuplane.spec.environment_spec import EnvironmentSpec


@dataclass(frozen=True)
class _Parts:
    """What the parts of the plan are made of: the wish, the facts, and every consequence that others build on."""

    spec: EnvironmentSpec
    catalog: Catalog
    asked: Demands
    pools: Mapping[str, PoolPlan]
    tenants: Mapping[str, TenantPlan]
    money: EnvironmentMoney
    placed: Placements
    shares: Shares
    serves: Mapping[str, ServiceThroughput]
    memories: Mapping[str, ServiceMemory]


def plan(spec: EnvironmentSpec, catalog: Catalog, as_of: date) -> EnvironmentPlan:
    """The plan of one environment; what is refused, noted and proven is worked out when somebody first asks.

    Args:
        spec: every document of the environment, cross-checked.
        catalog: the facts.
        as_of: the date that prices are judged at.
    """
    spec = with_canaries(spec)
    parts, settings = _parts(spec, catalog, as_of), spec.environment.spec
    month, quotas = parts.money.month, {name: tenant.quotas for name, tenant in parts.tenants.items()}
    planned = EnvironmentPlan(
        environment=spec.name, as_of=as_of, region=settings.region, pools=parts.pools, tenants=parts.tenants,
        refusals=Later(lambda: tuple(sorted([*_refusals(parts), *access_refusals(spec, as_of)]))), notes=(),
        proofs=Later(lambda: tuple(sorted(_proofs(parts)))),
        committed_usd_per_month=month.minimum_usd_per_month, idle_usd_per_month=parts.money.idle.minimum_usd_per_month,
        worst_case_usd_per_month=month.worst_case_usd_per_month, budget_usd_per_month=settings.monthly_budget.usd_per_month,
        memory={name: memory.fit for name, memory in parts.memories.items() if memory.fit is not None}, money=parts.money,
        startup_seconds=startup_seconds(spec, parts.memories), versions=versions_of(spec), placements=parts.placed,
        schedulability=Later(lambda: schedulability(spec, parts.asked, parts.pools, quotas, parts.placed)))
    return replace(planned, notes=Later(lambda: tuple(sorted(_notes(parts, planned)))))


def _parts(spec: EnvironmentSpec, catalog: Catalog, as_of: date) -> _Parts:
    asked, settings = demands(spec), spec.environment.spec
    busy, shares = committed_devices(asked), Shares(quota_tree(spec))
    pools = {name: pool_plan(spec.pools[name], settings, catalog, busy, as_of) for name in sorted(spec.pools)}
    placed = placements(spec, asked, pools, catalog)
    pools = {name: with_committed(pool, placed[name].running_nodes) if name in placed else pool for name, pool in pools.items()}
    money = environment_money(spec, catalog, asked, pools)
    pools = with_months(pools, money)
    tenants = {name: _tenant(spec, name, asked.get(name, ()), pools, money, shares) for name in sorted(spec.tenants)}
    serves = throughput_of(spec, pools, Throughputs.of(spec, catalog))
    tenants = with_unit_costs(with_throughput(tenants, serves), pools, money)
    memories = service_memories(spec, catalog)
    tenants, loads = with_cold_starts(tenants, cold_starts(spec, pools, memories)), load_times(memories)
    tenants = {name: tenant.with_each("load", loads) for name, tenant in tenants.items()}
    return _Parts(spec, catalog, asked, pools, tenants, money, placed, shares, serves, memories)


def _tenant(spec: EnvironmentSpec, name: str, of_tenant: tuple[Demand, ...], pools: Mapping[str, PoolPlan],
            money: EnvironmentMoney, shares: Shares) -> TenantPlan:
    month = money.tenants[name].month
    return TenantPlan(
        name=name, quotas=quota_plans(spec.tenants[name], of_tenant, shares, spec.pools),
        services=tuple(_service(demand, pools[demand.pool], money) for demand in of_tenant),
        committed_usd_per_month=month.minimum_usd_per_month, worst_case_usd_per_month=month.worst_case_usd_per_month,
        budget_usd_per_month=spec.tenants[name].spec.monthly_budget.usd_per_month)


def _service(demand: Demand, pool: PoolPlan, money: EnvironmentMoney) -> ServicePlan:
    spec, found = demand.entry.document.spec, money.pools[pool.name].services.get(demand.entry.name)
    month = found.month if found is not None else UNKNOWN
    return ServicePlan(
        name=demand.name, tenant=demand.entry.tenant, quota_key=demand.quota_key, resource=quota_resource(pool, demand.quota_key),
        devices_per_replica=demand.per_replica, min_replicas=spec.scaling.min_replicas, max_replicas=spec.scaling.max_replicas,
        surge=spec.rollout.max_surge, committed_usd_per_month=month.minimum_usd_per_month,
        worst_case_usd_per_month=month.worst_case_usd_per_month, max_unavailable=spec.rollout.max_unavailable,
        may_borrow=spec.placement.may_borrow)


def _refusals(parts: _Parts) -> Iterator[Refusal]:
    yield from independent(tuple(_every_refusal(parts)), parts.spec)


def _every_refusal(parts: _Parts) -> Iterator[Refusal]:
    impossible = impossible_replicas(parts.asked, parts.pools)
    said = tuple(_of_hosts(parts, impossible))
    yield from said
    yield from memory_refusals(parts.memories, parts.catalog, said, parts.pools)
    yield from model_cache_refusals(parts.spec, parts.memories)
    yield from sharing_refusals(parts.spec, parts.pools, _quotas(parts), parts.asked)
    yield from residency_refusals(parts.spec)
    yield from traffic_refusals(parts.spec)
    yield from scaling_refusals(parts.spec)
    yield from canary_refusals(parts.spec)
    yield from sample_refusals(parts.spec)
    yield from objective_refusals(parts.spec, parts.pools, parts.serves)
    yield from pipeline_refusals(parts.spec)
    yield from graph_refusals(parts.spec)
    yield from unmeasured_refusals(parts.spec)
    yield from purchase_refusals(parts.spec)
    yield from price_refusals(parts.spec, parts.pools, parts.money, parts.catalog)
    yield from budgets_without(budget_refusals(parts.spec, parts.money), parts.asked, parts.money, impossible)


def _of_hosts(parts: _Parts, impossible: Collection[str]) -> Iterator[Refusal]:
    """What pools, quotas and nodes cannot grant."""
    spec, pools, quotas = parts.spec, parts.pools, _quotas(parts)
    on_pools = of_pools(parts.asked)
    for name in pools:
        yield from pool_refusals(spec, name, on_pools.get(name, ()), parts.catalog)
    yield from compatibility_refusals(spec, parts.catalog)
    yield from runtime_refusals(spec, pools)
    yield from lock_refusals(spec)
    yield from capacity_refusals(spec, pools, quotas, parts.catalog)
    yield from borrowing_refusals(spec, quotas, parts.shares)
    yield from cloud_quota_refusals(spec, pools)
    for name, of_tenant in parts.asked.items():
        over = tuple(demand_refusals(name, placeable(of_tenant, impossible), quotas[name], pools))
        yield from over
        yield from node_refusals(name, of_tenant, quotas[name], pools, over)
    yield from placement_refusals(spec, parts.asked, pools, parts.placed)


def _quotas(parts: _Parts) -> Mapping[str, Mapping[str, QuotaPlan]]:
    return {name: tenant.quotas for name, tenant in parts.tenants.items()}


def _proofs(parts: _Parts) -> Iterator[Proof]:
    yield from proofs(parts.spec, parts.catalog, parts.pools, parts.tenants, parts.money)
    yield from memory_proofs(parts.memories)
    yield from model_cache_proofs(parts.spec)
    yield from objective_proofs(parts.spec, parts.serves)
    yield from unit_cost_proofs(parts.tenants, parts.pools)
    yield from pipeline_proofs(parts.spec)
    yield from graph_proofs(parts.spec)
    yield from traffic_proofs(parts.spec)


def _notes(parts: _Parts, planned: EnvironmentPlan) -> Iterator[str]:
    spec, catalog = parts.spec, parts.catalog
    yield f"Not in the cost: {'; '.join(planned.money.not_in_figure)}."
    yield from price_notes(planned.pools, planned.as_of)
    for name in planned.tenants:
        if planned.region is None and spec.tenants[name].spec.allowed_regions:
            yield f"The region of this cluster is not known, so allowed_regions of tenant {name} is not checked here."
    yield from budget_notes(spec, planned)
    yield from expectation_notes(planned.money)
    yield from placement_notes(planned.placements)
    yield from cloud_quota_notes(spec, planned.pools)
    yield from cluster_notes(spec)
    yield from pool_notes(spec, planned.pools)
    yield from memory_notes(parts.memories)
    yield from runtime_notes(spec)
    yield from compatibility_notes(spec, catalog)
    yield from lock_notes(spec)
    yield from objective_notes(spec, parts.serves)
    yield from traffic_notes(spec, parts.serves)
    yield from canary_notes(spec)
    yield from scaling_notes(spec, cold_starts(spec, parts.pools, parts.memories))
    yield from indicator_notes(spec)
    yield from tracing_notes(spec)
    yield from catalog.notes
