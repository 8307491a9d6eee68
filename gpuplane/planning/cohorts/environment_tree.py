"""An environment's quotas as Kueue's tree: each tenant is a ClusterQueue, each pool a ResourceFlavor.

This is also what the components write: quotas of CPU and memory come with the devices (:func:`host_quota`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from gpuplane.planning.cohorts.quota_tree import CohortQuotas, FlavorResource, QueueQuotas, QuotaTree, ResourceQuota
from gpuplane.planning.cohorts.workloads import Reclaim
from gpuplane.planning.environment_plan import PoolPlan, Pools, host_quota, key_resource, quota_resource
from gpuplane.spec.cohort import Cohort
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.tenant import DeviceQuota, TenantSpec


def quota_tree(spec: EnvironmentSpec) -> QuotaTree:
    """The tree of device quotas, over all cohorts of an environment."""
    queues = {name: QueueQuotas(name, {flavor_resource(key, spec.pools): _of_tenant(quota, tenant.spec)
                                       for key, quota in tenant.spec.quota.items()},
                                tenant.spec.cohort or "") for name, tenant in spec.tenants.items()}
    cohorts = {name: CohortQuotas(name, {flavor_resource(key, spec.pools): quota for key, quota in cohort_quotas(cohort).items()},
                                  cohort.parent or "")
               for name, cohort in spec.environment.spec.cohorts.items()}
    return QuotaTree(queues, cohorts)


class HasDevice(Protocol):
    """A pool, as written or as planned."""

    @property
    def device(self) -> str:
        """Resource of its whole devices."""
        ...


def flavor_resource(key: str, pools: Mapping[str, HasDevice]) -> FlavorResource:
    """What Kueue calls a quota key: the pool is the flavor."""
    flavor = key.partition("/")[0]
    return FlavorResource(flavor, key_resource(key, pools[flavor].device))


def cohort_quotas(cohort: Cohort) -> dict[str, ResourceQuota]:
    """A cohort's own quotas by quota key."""
    return {key: ResourceQuota(quota.nominal_quota, quota.borrowing_limit, quota.lending_limit)
            for key, quota in sorted(cohort.quota.items())}


def shares_fairly(spec: EnvironmentSpec) -> bool:
    """Whether queues share by weights: some tenant or cohort says one."""
    return any(tenant.spec.fair_sharing_weight is not None for tenant in spec.tenants.values()) or any(
        cohort.fair_sharing_weight is not None for cohort in spec.environment.spec.cohorts.values())


def reclaim_policy(tenant: TenantSpec) -> Reclaim:
    """``reclaimWithinCohort`` of a tenant's ClusterQueue: from anyone where it says nothing; there is nobody without a cohort."""
    if tenant.cohort is None:
        return "Never"
    return tenant.preemption.reclaim_within_cohort


def with_hosts(quotas: Mapping[str, ResourceQuota], pools: Pools) -> dict[str, dict[str, ResourceQuota]]:
    """Quotas by flavor and resource: devices, and the CPU cores and GiB of memory that go with them.

    Args:
        quotas: by quota key.
    """
    found: dict[str, dict[str, ResourceQuota]] = {}
    for key, quota in quotas.items():
        flavor = key.partition("/")[0]
        resource = quota_resource(pools[flavor], key)
        of_flavor = found.setdefault(flavor, {})
        of_flavor[resource] = quota
        shares = [_hosts(pools[flavor], resource, amount) for amount in (quota.nominal, quota.borrowing_limit, quota.lending_limit)]
        for column, host in enumerate(("cpu", "memory")):
            nominal, borrowing, lending = (share[column] if share is not None else None for share in shares)
            of_flavor[host] = _plus(of_flavor.get(host), ResourceQuota(nominal or 0, borrowing, lending))
    return found


def _hosts(pool: PoolPlan, resource: str, devices: int | None) -> tuple[int, int] | None:
    return None if devices is None else host_quota(pool, resource, devices)


def _plus(one: ResourceQuota | None, other: ResourceQuota) -> ResourceQuota:
    """The host share of one more device type of the same pool; no limit on one is no limit on both."""
    if one is None:
        return other
    return ResourceQuota(one.nominal + other.nominal, _sum((one.borrowing_limit, other.borrowing_limit)),
                         _sum((one.lending_limit, other.lending_limit)))


def _sum(limits: Iterable[int | None]) -> int | None:
    total = 0
    for limit in limits:
        if limit is None:
            return None
        total += limit
    return total


def _of_tenant(quota: DeviceQuota, tenant: TenantSpec) -> ResourceQuota:
    if tenant.cohort is None:
        return ResourceQuota(quota.nominal_quota)
    return ResourceQuota(quota.nominal_quota, quota.borrowing_limit, quota.lending_limit)
