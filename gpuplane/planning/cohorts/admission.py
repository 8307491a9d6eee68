"""Which replicas Kueue would admit, with all services at their minimum or at their maximum at once.

Every replica is a workload of its own, as Kueue sees the pods of a Deployment. Queues share in Kueue's classical way, or
by weights where there are any. Where the clock decides between workloads that want the same quota, or chance between
equal shares, every timing is tried, and the answer says between which numbers it can lie.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from gpuplane.planning.cohorts.environment_tree import cohort_quotas, flavor_resource, reclaim_policy, shares_fairly, with_hosts
from gpuplane.planning.cohorts.quota_tree import CohortQuotas, FlavorResource, ResourceQuota
from gpuplane.planning.cohorts.scheduling import NeverSettles, Scheduler, Timing, timings
from gpuplane.planning.cohorts.workloads import FAIR_STRATEGIES, PodSet, Preemption, Setting, Workload, queue
from gpuplane.planning.environment_plan import EnvironmentPlan, Pools
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry

PRIORITIES: Mapping[str, int] = MappingProxyType({"critical": 100_000, "standard": 10_000, "batch": 100})
"""Values of the WorkloadPriorityClasses."""


MOST_TIMED = 300
"""Replicas up to which every timing is tried."""


@dataclass(frozen=True)
class NotKnown:
    """Who is admitted cannot be told; ``why`` is a clause."""

    why: str


@dataclass(frozen=True)
class Admission:
    """Replicas by service (``tenant/service``).

    Attributes:
        wanted, admitted: how many there are to be, and how many get their quota.
        by_timing: fewest and most that get it, of the services of which the clock decides.
        timed: whether the clock was looked at; it is not where there are more than :data:`MOST_TIMED` replicas.
    """

    wanted: Mapping[str, int]
    admitted: Mapping[str, int]
    by_timing: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    timed: bool = True

    @property
    def pending(self) -> Mapping[str, int]:
        """Replicas that wait, of the services that have such."""
        return {name: wanted - self.admitted.get(name, 0) for name, wanted in self.wanted.items() if wanted > self.admitted.get(name, 0)}


def admission(spec: EnvironmentSpec, planned: EnvironmentPlan, at_maximum: bool) -> Admission | NotKnown:
    """Who is admitted when all services start at once, older names first among equals."""
    queues = setting(spec, planned)
    workloads = [workload for name in sorted(spec.services) for workload in _replicas(spec.services[name], at_maximum, planned.pools)]
    known = [workload for workload in workloads if workload.queue in queues.queues]
    try:
        admitted = _settled(queues, known, Timing())
        waits = len(known) > admitted.total()
        timed = timings(is_fair=queues.is_fair) if waits and len(known) <= MOST_TIMED else ()
        others = [_settled(queues, known, timing) for timing in timed]
    except NeverSettles:
        return NotKnown("replicas of these priorities would preempt each other without end")
    wanted = Counter(workload.name.rpartition(" ")[0] for workload in workloads)
    ranges = {name: (min(found), max(found)) for name in sorted(wanted) if (found := {each[name] for each in (admitted, *others)})}
    return Admission(dict(wanted), dict(admitted), {name: ends for name, ends in ranges.items() if ends[0] < ends[1]},
                     not waits or len(known) <= MOST_TIMED)


def _settled(queues: Setting, workloads: Sequence[Workload], timing: Timing) -> Counter[str]:
    """Admitted replicas by service when nothing moves any more."""
    scheduler = Scheduler(queues, timing)
    scheduler.submit(workloads)
    scheduler.settle()
    return Counter(name.rpartition(" ")[0] for name in scheduler.admitted)


def setting(spec: EnvironmentSpec, planned: EnvironmentPlan) -> Setting:
    """The queues and cohorts that the components write."""
    queues = {}
    for name, tenant in spec.tenants.items():
        cohort = tenant.spec.cohort or ""
        quotas = {key: ResourceQuota(quota.nominal, quota.borrowing, quota.lending) if cohort else ResourceQuota(quota.nominal)
                  for key, quota in planned.tenants[name].quotas.items()}
        if quotas:
            policy = Preemption(tenant.spec.preemption.within_cluster_queue, reclaim_policy(tenant.spec))
            queues[name] = queue(name, _flat(quotas, planned), cohort, policy, weight=_weight(tenant.spec.fair_sharing_weight))
    cohorts = {name: CohortQuotas(name, _flat(cohort_quotas(cohort), planned), cohort.parent or "", _weight(cohort.fair_sharing_weight))
               for name, cohort in spec.environment.spec.cohorts.items()}
    return Setting(queues, cohorts, FAIR_STRATEGIES if shares_fairly(spec) else ())


def _weight(given: Decimal | None) -> float:
    return 1.0 if given is None else float(given)


def _flat(quotas: Mapping[str, ResourceQuota], planned: EnvironmentPlan) -> dict[FlavorResource, ResourceQuota]:
    by_flavor = with_hosts(quotas, planned.pools)
    covered = sorted({resource for of_flavor in by_flavor.values() for resource in of_flavor})
    return {FlavorResource(flavor, resource): by_flavor[flavor].get(resource, ResourceQuota(0))
            for flavor in sorted(by_flavor) for resource in covered}


def _replicas(entry: ServiceEntry, at_maximum: bool, pools: Pools) -> Iterator[Workload]:
    scaling = entry.document.spec.scaling
    for number in range(scaling.max_replicas if at_maximum else scaling.min_replicas):
        yield workload_of(entry, pools, f"{entry.name} {number:05}", number)


def workload_of(entry: ServiceEntry, pools: Pools, name: str, created: int) -> Workload:
    """One replica of a service, as Kueue sees it.

    Args:
        created: when, in seconds.
    """
    service = entry.document.spec
    key = flavor_resource(service.placement.quota_key, pools)
    count, host = service.pods_per_replica, service.resources
    pods = PodSet({key.resource: service.devices_per_replica, "cpu": host.cpu * count, "memory": host.memory_gib * count},
                  frozenset({key.flavor}), count=count)
    return Workload(name, entry.tenant, (pods,), PRIORITIES[service.priority], created)
