"""``plan(spec, catalog, as_of)``: everything that follows from an environment's wish. Pure, total, and the same every time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.prices import STALE_AFTER_DAYS
from gpuplane.planning.compatibility import compatibility_notes, compatibility_refusals
from gpuplane.planning.demand import Demand, Demands, committed_devices, demands
from gpuplane.planning.environment_plan import EnvironmentPlan, PoolPlan, ServicePlan, TenantPlan, quota_resource
from gpuplane.planning.fleet.need import objective_notes, objective_proofs, objective_refusals, throughput_of, with_throughput
from gpuplane.planning.fleet.pipelines import pipeline_proofs, pipeline_refusals
from gpuplane.planning.fleet.rates import Throughputs
from gpuplane.planning.isolation import residency_refusals, sharing_refusals
from gpuplane.planning.memory.service_memory import memory_notes, memory_proofs, memory_refusals, service_memories
from gpuplane.planning.money.budget_rules import budget_notes, budget_refusals, expectation_notes
from gpuplane.planning.money.environment_money import environment_money, with_months
from gpuplane.planning.money.ledger import EnvironmentMoney
from gpuplane.planning.money.month import UNKNOWN
from gpuplane.planning.money.price_refusals import price_refusals
from gpuplane.planning.money.purchase_rules import purchase_refusals
from gpuplane.planning.node_fit import node_refusals
from gpuplane.planning.placement.environment_placement import (
    Placements,
    placement_notes,
    placement_refusals,
    placements,
    schedulability,
)
from gpuplane.planning.pool_refusals import pool_refusals
from gpuplane.planning.pools import pool_plan, with_committed
from gpuplane.planning.proofs import proofs
from gpuplane.planning.quotas import capacity_refusals, demand_refusals, quota_plans
from gpuplane.planning.refusal import Refusal
from gpuplane.spec.environment_spec import EnvironmentSpec


def plan(spec: EnvironmentSpec, catalog: Catalog, as_of: date) -> EnvironmentPlan:
    """The plan of one environment.

    Args:
        spec: every document of the environment, cross-checked.
        catalog: the facts.
        as_of: the date that prices are judged at.
    """
    settings, asked = spec.environment.spec, demands(spec)
    busy = committed_devices(asked)
    pools = {name: pool_plan(spec.pools[name], settings, catalog, busy) for name in sorted(spec.pools)}
    placed = placements(spec, asked, pools, catalog)
    pools = {name: with_committed(pool, placed[name].running_nodes) if name in placed else pool for name, pool in pools.items()}
    money = environment_money(spec, catalog, asked, pools)
    pools = with_months(pools, money)
    tenants = {name: _tenant(spec, name, asked.get(name, ()), pools, money) for name in sorted(spec.tenants)}
    serves = throughput_of(spec, pools, Throughputs.of(spec, catalog))
    tenants = with_throughput(tenants, serves)
    memories = service_memories(spec, catalog)
    promises = (*objective_refusals(spec, pools, serves), *pipeline_refusals(spec))
    refusals = tuple(_refusals(spec, catalog, asked, pools, tenants, money, placed))
    planned = EnvironmentPlan(
        environment=spec.name, as_of=as_of, region=settings.region, pools=pools, tenants=tenants,
        refusals=tuple(sorted((*refusals, *memory_refusals(memories, catalog, refusals), *promises))), notes=(),
        proofs=tuple(sorted((*proofs(spec, catalog, pools, tenants, money), *memory_proofs(memories), *objective_proofs(spec, serves),
                             *pipeline_proofs(spec)))),
        committed_usd_per_month=money.month.minimum_usd_per_month, idle_usd_per_month=money.idle.minimum_usd_per_month,
        worst_case_usd_per_month=money.month.worst_case_usd_per_month,
        budget_usd_per_month=settings.monthly_budget.usd_per_month,
        memory={name: memory.fit for name, memory in memories.items() if memory.fit is not None}, money=money, placements=placed,
        schedulability=schedulability(spec, asked, pools, {name: tenant.quotas for name, tenant in tenants.items()}, placed))
    said = (*_notes(spec, planned), *memory_notes(memories), *compatibility_notes(spec, catalog), *catalog.notes,
            *objective_notes(spec, serves))
    return replace(planned, notes=tuple(sorted(said)))


def _tenant(spec: EnvironmentSpec, name: str, of_tenant: tuple[Demand, ...], pools: Mapping[str, PoolPlan],
            money: EnvironmentMoney) -> TenantPlan:
    month = money.tenants[name].month
    return TenantPlan(
        name=name, quotas=quota_plans(spec.tenants[name], of_tenant),
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
        worst_case_usd_per_month=month.worst_case_usd_per_month)


def _refusals(spec: EnvironmentSpec, catalog: Catalog, asked: Demands, pools: Mapping[str, PoolPlan],
              tenants: Mapping[str, TenantPlan], money: EnvironmentMoney, placed: Placements) -> Iterator[Refusal]:
    quotas = {name: tenant.quotas for name, tenant in tenants.items()}
    for pool in pools.values():
        yield from pool_refusals(spec, pool, catalog)
    yield from compatibility_refusals(spec, catalog)
    yield from capacity_refusals(spec, pools, quotas, catalog)
    for name, of_tenant in asked.items():
        over = tuple(demand_refusals(name, of_tenant, quotas[name], pools))
        yield from over
        yield from node_refusals(name, of_tenant, quotas[name], pools, over)
    yield from placement_refusals(spec, asked, pools, placed)
    yield from sharing_refusals(spec, pools, quotas, asked)
    yield from residency_refusals(spec)
    yield from purchase_refusals(spec)
    yield from price_refusals(spec, money)
    yield from budget_refusals(spec, money)


def _notes(spec: EnvironmentSpec, planned: EnvironmentPlan) -> Iterator[str]:
    yield f"Not in the cost: {'; '.join(planned.money.not_in_figure)}."
    for pool in planned.pools.values():
        age = (planned.as_of - pool.price_as_of).days if pool.price_as_of is not None else 0
        if age > STALE_AFTER_DAYS:
            yield (f'The price of pool "{pool.name}" is of {pool.price_as_of}, {age} days old: {pool.price_basis}. '
                   "gpuplane prices refresh reads today's list prices.")
    for name, tenant in planned.tenants.items():
        for key, quota in tenant.quotas.items():
            capacity = planned.pools[quota.pool].capacity[quota.resource]
            if quota.borrowing and 0 < capacity < quota.ceiling:
                yield (f'Tenant {name} may use {quota.ceiling} of "{key}" (nominal {quota.nominal} + borrowing {quota.borrowing}'
                       f"), but there are never more than {capacity}: the limit does nothing.")
        if planned.region is None and spec.tenants[name].spec.allowed_regions:
            yield f"The region of this cluster is not known, so allowed_regions of tenant {name} is not checked here."
    yield from budget_notes(spec, planned)
    yield from expectation_notes(planned.money)
    yield from placement_notes(planned.placements)
