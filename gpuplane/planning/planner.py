"""``plan(spec, catalog, as_of)``: everything that follows from an environment's wish. Pure, total, and the same every time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.prices import STALE_AFTER_DAYS
from gpuplane.planning.cloud_quotas import cloud_quota_notes, cloud_quota_refusals
from gpuplane.planning.cohorts.borrowing import borrowing_refusals
from gpuplane.planning.cohorts.environment_tree import quota_tree
from gpuplane.planning.cohorts.shares import Shares
from gpuplane.planning.cost import budget_refusals, service_plan, total, worst_case_notes
from gpuplane.planning.demand import Demand, Demands, committed_devices, demands
from gpuplane.planning.environment_plan import EnvironmentPlan, PoolPlan, TenantPlan
from gpuplane.planning.isolation import residency_refusals, sharing_refusals
from gpuplane.planning.memory.service_memory import memory_notes, memory_proofs, memory_refusals, service_memories
from gpuplane.planning.node_fit import node_refusals
from gpuplane.planning.pool_refusals import pool_refusals
from gpuplane.planning.pools import pool_plan
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
    pools = {name: pool_plan(spec.pools[name], settings.region, catalog, busy) for name in sorted(spec.pools)}
    shares = Shares(quota_tree(spec))
    tenants = {name: _tenant(spec, name, asked.get(name, ()), pools, shares) for name in sorted(spec.tenants)}
    memories = service_memories(spec, catalog)
    refusals = tuple(_refusals(spec, catalog, asked, pools, tenants, shares))
    committed = total(pool.committed_usd_per_month for pool in pools.values())
    charged = total(tenant.committed_usd_per_month for tenant in tenants.values())
    planned = EnvironmentPlan(
        environment=spec.name, as_of=as_of, region=settings.region, pools=pools, tenants=tenants,
        refusals=tuple(sorted((*refusals, *memory_refusals(memories, catalog, refusals)))), notes=(),
        proofs=tuple(sorted((*proofs(spec, catalog, pools, tenants, committed), *memory_proofs(memories)))),
        committed_usd_per_month=committed,
        idle_usd_per_month=None if committed is None or charged is None else committed - charged,
        worst_case_usd_per_month=total(pool.worst_case_usd_per_month for pool in pools.values()),
        budget_usd_per_month=settings.budget_usd_per_month,
        memory={name: memory.fit for name, memory in memories.items() if memory.fit is not None})
    return replace(planned, notes=tuple(sorted((*_notes(spec, planned, catalog), *memory_notes(memories), *catalog.notes))))


def _tenant(spec: EnvironmentSpec, name: str, of_tenant: tuple[Demand, ...], pools: Mapping[str, PoolPlan], shares: Shares) -> TenantPlan:
    services = tuple(service_plan(demand, pools[demand.pool]) for demand in of_tenant)
    return TenantPlan(
        name=name, quotas=quota_plans(spec.tenants[name], of_tenant, shares), services=services,
        committed_usd_per_month=total(service.committed_usd_per_month for service in services),
        worst_case_usd_per_month=total(service.worst_case_usd_per_month for service in services),
        budget_usd_per_month=spec.tenants[name].spec.budget_usd_per_month)


def _refusals(spec: EnvironmentSpec, catalog: Catalog, asked: Demands, pools: Mapping[str, PoolPlan],
              tenants: Mapping[str, TenantPlan], shares: Shares) -> Iterator[Refusal]:
    quotas = {name: tenant.quotas for name, tenant in tenants.items()}
    for pool in pools.values():
        yield from pool_refusals(spec, pool, catalog)
    yield from capacity_refusals(spec, pools, quotas, catalog)
    yield from borrowing_refusals(spec, quotas, shares)
    yield from cloud_quota_refusals(spec, pools, catalog)
    for name, of_tenant in asked.items():
        over = tuple(demand_refusals(name, of_tenant, quotas[name], pools))
        yield from over
        yield from node_refusals(name, of_tenant, quotas[name], pools, over)
    yield from sharing_refusals(spec, pools, quotas, asked)
    yield from residency_refusals(spec)
    yield from budget_refusals(spec, tenants, total(pool.committed_usd_per_month for pool in pools.values()))


def _notes(spec: EnvironmentSpec, planned: EnvironmentPlan, catalog: Catalog) -> Iterator[str]:
    yield "Costs are of GPU nodes alone: disks, network traffic, load balancers and the control plane come on top."
    for pool in planned.pools.values():
        age = (planned.as_of - pool.price_as_of).days if pool.price_as_of is not None else 0
        if age > STALE_AFTER_DAYS:
            yield (f'The price of pool "{pool.name}" is of {pool.price_as_of}, {age} days old: {pool.price_basis}. '
                   "gpuplane prices refresh reads today's list prices.")
    for name in planned.tenants:
        if planned.region is None and spec.tenants[name].spec.allowed_regions:
            yield f"The region of this cluster is not known, so allowed_regions of tenant {name} is not checked here."
    yield from worst_case_notes(planned)
    yield from cloud_quota_notes(spec, planned.pools, catalog)
