"""A tenant's quotas as the queues that hold it to them: Kueue's, and Volcano's for the pools that are Volcano's."""

from __future__ import annotations

from gpuplane.components.resource_groups import QuotaArgs
from gpuplane.components.tenant_queue import FungibilityArgs, TenantQueueArgs
from gpuplane.components.tenant_volcano_queue import TenantVolcanoQueueArgs
from gpuplane.planning.cohorts.quota_tree import ResourceQuota
from gpuplane.planning.environment_plan import EnvironmentPlan, QuotaPlan
from gpuplane.spec import tenant as wish
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.vocabulary import LOCAL_QUEUE
from gpuplane.stacks.queue_quotas import queue_quotas, weight


def kueue_queue(spec: EnvironmentSpec, planned: EnvironmentPlan, name: str) -> TenantQueueArgs | None:
    """The tenant's ClusterQueue and LocalQueues; None where it has no quota that Kueue keeps."""
    tenant, settings = spec.tenants[name].spec, spec.environment.spec
    limits = _limits(spec, planned, name, volcano=False)
    if not limits:
        return None
    operator = settings.gpu_operator
    return TenantQueueArgs(
        queue_quotas(limits, planned.pools), tenant.cohort, LOCAL_QUEUE, spec.places[("Tenant", name)].relative,
        within_cluster_queue=tenant.preemption.within_cluster_queue, reclaim_within_cohort=tenant.preemption.reclaim_within_cohort,
        fair_sharing_weight=weight(tenant.fair_sharing_weight), fungibility=_fungibility(tenant.flavor_fungibility),
        local_queues={queue: weight(one.fair_sharing_weight) for queue, one in tenant.local_queues.items()},
        admission_fair_sharing=settings.kueue.admission_fair_sharing is not None,
        claim_template=operator.dra.claim_template if operator is not None and operator.dra is not None else None)


def volcano_queue(spec: EnvironmentSpec, planned: EnvironmentPlan, name: str) -> TenantVolcanoQueueArgs | None:
    """The tenant's Volcano queue; None where it has no quota of a Volcano pool."""
    limits = _limits(spec, planned, name, volcano=True)
    if not limits:
        return None
    total: dict[str, QuotaArgs] = {}
    for of_flavor in queue_quotas(limits, planned.pools).values():
        for resource, quota in of_flavor.items():
            total[resource] = _sum(total.get(resource, QuotaArgs(0, 0, 0)), quota)
    submitters = spec.tenants[name].spec.access.having("developer", "operator")
    return TenantVolcanoQueueArgs(total, submitters, spec.places[("Tenant", name)].relative)


def _sum(one: QuotaArgs, two: QuotaArgs) -> QuotaArgs:
    return QuotaArgs(one.nominal_quota + two.nominal_quota, (one.borrowing_limit or 0) + (two.borrowing_limit or 0),
                     (one.lending_limit or 0) + (two.lending_limit or 0))


def _limits(spec: EnvironmentSpec, planned: EnvironmentPlan, name: str, volcano: bool) -> dict[str, ResourceQuota]:
    theirs = spec.environment.spec.volcano.pools if spec.environment.spec.volcano is not None else ()
    return {key: _limit(quota) for key, quota in planned.tenants[name].quotas.items() if (quota.pool in theirs) == volcano}


def _limit(quota: QuotaPlan) -> ResourceQuota:
    # Lent is what is not kept: written out, so that the objects say it.
    return ResourceQuota(quota.nominal, quota.borrowing, quota.nominal if quota.lending is None else quota.lending)


def _fungibility(wished: wish.FlavorFungibility | None) -> FungibilityArgs | None:
    if wished is None:
        return None
    return FungibilityArgs(wished.pools, wished.when_can_borrow, wished.when_can_preempt, wished.preference)
