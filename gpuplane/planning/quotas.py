"""Quota arithmetic: nominal quotas against capacity (QF-01), peaks against quotas (QF-04), minimums against nominal (QF-05)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gpuplane.catalog.catalog import Catalog
from gpuplane.planning.cohorts.environment_tree import flavor_resource, reclaim_policy
from gpuplane.planning.cohorts.shares import Share, Shares
from gpuplane.planning.crossing import Crossing, crossings
from gpuplane.planning.demand import Demand, by_key
from gpuplane.planning.environment_plan import PoolPlan, Pools, QuotaPlan, Quotas, quota_resource
from gpuplane.planning.pool_isolation import SHARED_WITHOUT_ISOLATION
from gpuplane.planning.refusal import MINIMUM_OVER_NOMINAL, PEAK_OVER_QUOTA, QUOTA_OVER_CAPACITY, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec, Place
from gpuplane.spec.errors import listed
from gpuplane.spec.node_pool import NodePool
from gpuplane.spec.tenant import DeviceQuota, Tenant


def quota_plans(tenant: Tenant, of_tenant: tuple[Demand, ...], shares: Shares, pools: Mapping[str, NodePool]) -> dict[str, QuotaPlan]:
    """One tenant's quotas by quota key, with what its cohort and its services make of them."""
    asked, reclaim = by_key(of_tenant), reclaim_policy(tenant.spec)
    named = {key: flavor_resource(key, pools) for key in sorted(tenant.spec.quota)}
    return {key: _quota(found.resource, found.flavor, tenant.spec.quota[key], asked.get(key, ()), shares.of(tenant.name, found, reclaim))
            for key, found in named.items()}


def _quota(resource: str, pool: str, quota: DeviceQuota, asked: tuple[Demand, ...], share: Share) -> QuotaPlan:
    return QuotaPlan(
        guaranteed=share.guaranteed, maximum=share.maximum, lendable=share.lendable,
        pool=pool, resource=resource, nominal=quota.nominal_quota, borrowing=quota.borrowing_limit,
        lending=quota.lending_limit, ceiling=quota.nominal_quota + quota.borrowing_limit,
        committed=sum(demand.minimum for demand in asked), peak=sum(demand.peak for demand in asked),
        peak_with_surge=sum(demand.peak_with_surge for demand in asked))


@dataclass(frozen=True)
class _Claim:
    """A nominal quota of one key: a tenant's, or a cohort's own."""

    name: str
    nominal: int
    place: Place
    path: str
    tenant: str


def capacity_refusals(spec: EnvironmentSpec, pools: Pools, quotas: Mapping[str, Quotas], catalog: Catalog) -> Iterator[Refusal]:
    """QF-01: the nominal quotas of one key, of all tenants and of all cohorts, are at most what its pool can ever have."""
    holders: dict[str, list[_Claim]] = defaultdict(list)
    for name, cohort in sorted(spec.environment.spec.cohorts.items()):
        for key, own in cohort.quota.items():
            holders[key].append(_Claim(f"cohort {name}", own.nominal_quota, spec.places[("Environment", spec.name)],
                                       f"spec.cohorts.{name}.quota.{key}", ""))
    for tenant in sorted(quotas):
        for key, quota in quotas[tenant].items():
            holders[key].append(_Claim(tenant, quota.nominal, spec.places[("Tenant", tenant)], f"spec.quota.{key}", tenant))
    for key in sorted(holders):
        pool = pools[key.partition("/")[0]]
        limit = pool.capacity[quota_resource(pool, key)]
        if pool.gpus_per_node:  # 0: the hardware is unknown, which is refused by itself
            for crossing in crossings(holders[key], lambda claim: claim.nominal, limit):
                yield _over_capacity(pool, key, crossing, limit, catalog)


def _over_capacity(pool: PoolPlan, key: str, crossing: Crossing[_Claim], limit: int, catalog: Catalog) -> Refusal:
    needed = str(crossing.total)
    if len(crossing.claims) > 1:
        needed = f"{listed(f'{one.name} {one.nominal}' for one in crossing.claims)}: together {crossing.total}"
    claim = (f"{needed} is more than the {limit} {device_words(pool, key, catalog)} that pool \"{pool.name}\" can ever have "
             f"({capacity_words(pool, key)}).")
    return refused(QUOTA_OVER_CAPACITY, crossing.at.place, crossing.at.path, claim,
                   "Raise the pool or lower the quota.", crossing.total, limit, crossing.at.tenant)


def demand_refusals(tenant: str, of_tenant: tuple[Demand, ...], quotas: Quotas, pools: Pools) -> Iterator[Refusal]:
    """QF-04 and QF-05 of one tenant: its services at peak and at their minimum against its quotas."""
    for key, asked in by_key(of_tenant).items():
        if key not in quotas:
            yield from (_no_quota(tenant, demand, quotas) for demand in asked)
            continue
        yield from _peaks(tenant, key, asked, quotas[key], pools[quotas[key].pool])
        for crossing in crossings(asked, lambda demand: demand.minimum, quotas[key].guaranteed):
            yield _minimum(tenant, key, crossing, quotas[key])


def _minimum(tenant: str, key: str, crossing: Crossing[Demand], quota: QuotaPlan) -> Refusal:
    sums = listed(f"{d.name} {d.entry.document.spec.scaling.min_replicas} × {d.per_replica}" for d in crossing.claims)
    than, remedy = f'nominal_quota {quota.nominal} of "{key}"', "Lower min_replicas or raise the quota."
    if quota.guaranteed < quota.nominal:
        than = (f'the {quota.guaranteed} of "{key}" that are guaranteed (of nominal_quota {quota.nominal} others may borrow '
                f"{quota.nominal - quota.guaranteed}, and without reclaim_within_cohort: Any it does not come back for sure)")
        remedy = "Set preemption.reclaim_within_cohort: Any or a lower lending_limit, or lower min_replicas."
    elif quota.guaranteed > quota.nominal:
        than = (f'the {quota.guaranteed} of "{key}" that are guaranteed (nominal_quota {quota.nominal} and '
                f"{quota.guaranteed - quota.nominal} of its cohort)")
    return refused(
        MINIMUM_OVER_NOMINAL, crossing.at.entry.place, "spec.scaling.min_replicas",
        f"the minimum ({sums}) is {crossing.total}, more than {than}: "
        "replicas that must always run would stand on borrowed devices, or not at all.",
        remedy, crossing.total, quota.guaranteed, tenant)


def _peaks(tenant: str, key: str, asked: tuple[Demand, ...], quota: QuotaPlan, pool: PoolPlan) -> Iterator[Refusal]:
    own = tuple(demand for demand in asked if not demand.may_borrow)
    for crossing in crossings(own, lambda demand: demand.peak_with_surge, quota.nominal):
        yield _over_quota(tenant, key, crossing, quota.nominal, f"nominal_quota {quota.nominal}")
    if len(own) == len(asked):
        return
    # Nobody can borrow what the pool does not have, or the others do not lend, whatever the limit says.
    capacity = pool.capacity[quota.resource] or quota.ceiling
    limit = min(quota.ceiling, quota.maximum, capacity)
    words = f"nominal_quota {quota.nominal} + borrowing_limit {quota.borrowing}"
    if limit < quota.ceiling:
        words += f", of a pool of {limit}" if limit == capacity else f", of which others lend {limit - quota.nominal}"
    for crossing in crossings(asked, lambda demand: demand.peak_with_surge, limit):
        if crossing.at.may_borrow or len(crossing.claims) > 1:  # a service that may not borrow was refused above
            yield _over_quota(tenant, key, crossing, limit, words)


def _over_quota(tenant: str, key: str, crossing: Crossing[Demand], limit: int, words: str) -> Refusal:
    sums = listed(f"{demand.name} {_arithmetic(demand)}" for demand in crossing.claims)
    if len(crossing.claims) > 1:
        sums += f": together {crossing.total}"
    return refused(
        PEAK_OVER_QUOTA, crossing.at.entry.place, "spec.scaling.max_replicas",
        f"{sums} is more than the {limit} that tenant {tenant} may use of \"{key}\" ({words}).",
        "Lower max_replicas or max_surge, or raise the quota.", crossing.total, limit, tenant)


def _arithmetic(demand: Demand) -> str:
    spec = demand.entry.document.spec
    return (f"(max_replicas {spec.scaling.max_replicas} + max_surge {spec.rollout.max_surge}) × {demand.per_replica} "
            f"= {demand.peak_with_surge}")


def _no_quota(tenant: str, demand: Demand, quotas: Quotas) -> Refusal:
    return refused(
        PEAK_OVER_QUOTA, demand.entry.place, "spec.placement.pool",
        f"tenant {tenant} has no quota of \"{demand.quota_key}\", so nothing of it would ever start; it has: "
        f"{', '.join(quotas) or 'none'}.", f"Add {demand.quota_key} to quota of tenants/{tenant}.yaml, or choose another pool.",
        demand.peak_with_surge, 0, tenant)


def device_words(pool: PoolPlan, key: str, catalog: Catalog) -> str:
    """What a quota key counts, for people: ``H100s``, ``1g.10gb devices``."""
    _, _, profile = key.partition("/")
    if profile:
        return f"{profile} devices"
    gpu = catalog.gpu(pool.gpu)
    name = f"{gpu.family if gpu is not None else pool.gpu}s"
    return f"slots on {name}" if pool.strategy in SHARED_WITHOUT_ISOLATION else name


def capacity_words(pool: PoolPlan, key: str) -> str:
    """The capacity's arithmetic: ``max_nodes 2 × 8``, and what each GPU is cut into."""
    closed = f": {pool.window.closed}" if pool.window is not None and pool.window.closed else ""
    words = f"max_nodes {pool.max_nodes} × {pool.gpus_per_node}{closed}"
    each = pool.devices_per_node[quota_resource(pool, key)] // pool.gpus_per_node
    return words if pool.strategy == "dedicated" else f"{words} GPUs × {each}"
