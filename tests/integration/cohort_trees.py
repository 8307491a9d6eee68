"""Random quota trees with their workloads, seeded: what the model and the real Kueue are both asked about."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from gpuplane.planning.cohorts.quota_tree import CohortQuotas, FlavorResource, QueueQuotas, ResourceQuota
from gpuplane.planning.cohorts.workloads import (
    FAIR_STRATEGIES,
    Fungibility,
    PodSet,
    Preemption,
    Queue,
    ResourceGroup,
    Setting,
    Workload,
)

PRIORITIES = (0, 10, 100, 1000)
WEIGHTS = (0.0, 0.3, 0.5, 1.0, 1.0, 2.0, 3.5)
GPU, MIG, HOST = "nvidia.com/gpu", "nvidia.com/mig-1g.10gb", "cpu"


@dataclass(frozen=True)
class Case:
    """One tree and what is submitted to it.

    Attributes:
        phases: workloads by the time they are submitted: each phase has settled before the next.
    """

    name: str
    setting: Setting
    phases: tuple[tuple[Workload, ...], ...]


def case(seed: int, name: str = "") -> Case:
    """The tree of one seed: depth at most 3, 2 to 6 queues, 1 to 3 flavors, one or two resources."""
    rng, name = random.Random(seed), name or f"t{seed}"
    flavors = tuple(f"{name}-f{index}" for index in range(rng.choice((1, 1, 2, 3))))
    resources = rng.choice(((GPU,), (GPU,), (GPU, MIG), (GPU, HOST)))
    cohorts = _cohorts(rng, name, flavors, resources)
    queues = {}
    for index in range(rng.choice((2, 2, 3, 3, 4, 5, 6))):
        one = _queue(rng, f"{name}-q{index}", rng.choice(sorted(cohorts)) if rng.random() < 0.95 else "", flavors, resources)
        queues[one.name] = one
    setting = Setting(queues, cohorts)
    return Case(name, setting, _phases(rng, name, setting, resources))


def fair_case(seed: int) -> Case:
    """A tree like :func:`case`'s whose queues share by weights, of which 0 is one: more of them want more, and take more back."""
    name = f"s{seed}"
    rng, plain = random.Random(name), case(seed, name)
    cohorts = {one.name: replace(one, weight=rng.choice(WEIGHTS)) for one in plain.setting.cohorts.values()}
    queues = {one.name: _fair_queue(rng, one) for one in plain.setting.queues.values()}
    setting = Setting(queues, cohorts, FAIR_STRATEGIES)
    resources = sorted({resource for one in queues.values() for group in one.groups for resource in group.covered})
    return Case(name, setting, _phases(rng, name, setting, tuple(resources), (4, 7)))


def _fair_queue(rng: random.Random, plain: Queue) -> Queue:
    limited = rng.random() < 0.3
    quotas = {key: quota if limited else replace(quota, nominal=(quota.nominal + 1) // 2, borrowing_limit=None,
                                                 lending_limit=None if quota.lending_limit is None else quota.lending_limit // 2)
              for key, quota in plain.quotas.quotas.items()}
    reclaim = rng.choice((plain.preemption.reclaim_within_cohort, "Any", "Any"))
    return replace(plain, quotas=replace(plain.quotas, quotas=quotas, weight=rng.choice(WEIGHTS)),
                   preemption=replace(plain.preemption, reclaim_within_cohort=reclaim))


def _cohorts(rng: random.Random, name: str, flavors: tuple[str, ...], resources: tuple[str, ...]) -> dict[str, CohortQuotas]:
    found: dict[str, CohortQuotas] = {}
    depth = {}
    for index in range(rng.choice((1, 1, 2, 3, 4))):
        above = [one for one in found if depth[one] < 2]
        parent = rng.choice(above) if above and (index and rng.random() < 0.9) else ""
        own = f"{name}-c{index}"
        depth[own] = depth[parent] + 1 if parent else 0
        quotas = {}
        if rng.random() < 0.5:
            quotas = {key: _quota(rng, bool(parent), 4) for key in _keys(flavors, resources)}
        found[own] = CohortQuotas(own, quotas, parent)
    return found


def _keys(flavors: tuple[str, ...], resources: tuple[str, ...]) -> list[FlavorResource]:
    return [FlavorResource(flavor, resource) for flavor in flavors for resource in sorted(resources)]


def _quota(rng: random.Random, limited: bool, most: int) -> ResourceQuota:
    nominal = rng.randint(0, most)
    borrowing = rng.randint(0, most) if limited and rng.random() < 0.4 else None
    lending = rng.randint(0, nominal) if limited and rng.random() < 0.4 else None
    return ResourceQuota(nominal, borrowing, lending)


def _queue(rng: random.Random, name: str, cohort: str, flavors: tuple[str, ...], resources: tuple[str, ...]) -> Queue:
    chosen = tuple(rng.sample(flavors, rng.randint(1, len(flavors))))
    quotas = {key: _quota(rng, bool(cohort), 8) for key in _keys(chosen, resources)}
    reclaim = rng.choice(("Never", "LowerPriority", "Any", "Any"))
    preemption = Preemption(rng.choice(("Never", "LowerPriority", "LowerPriority", "LowerOrNewerEqualPriority")), reclaim,
                            reclaim != "Never" and rng.random() < 0.2)
    borrow, preempt = rng.choice(("MayStopSearch", "TryNextFlavor")), rng.choice(("MayStopSearch", "TryNextFlavor"))
    preference = rng.choice((None, "BorrowingOverPreemption", "PreemptionOverBorrowing")) if (
        borrow == preempt == "TryNextFlavor") else None
    groups = (ResourceGroup(tuple(sorted(resources)), chosen),)
    return Queue(QueueQuotas(name, quotas, cohort), groups, rng.choice(("StrictFIFO", "BestEffortFIFO", "BestEffortFIFO")), preemption,
                 Fungibility(borrow, preempt, preference))


def _phases(rng: random.Random, name: str, setting: Setting, resources: tuple[str, ...],
            count: tuple[int, int] = (3, 5)) -> tuple[tuple[Workload, ...], ...]:
    """Two phases of two waves; no two workloads of one tree share both priority and wave, so that their order is one."""
    phases = []
    for phase in range(2):
        made = []
        places = [(priority, wave) for priority in PRIORITIES for wave in (2 * phase, 2 * phase + 1)]
        for number, (priority, wave) in enumerate(rng.sample(places, rng.randint(*count))):
            queue = setting.queues[rng.choice(sorted(setting.queues))]
            sets = tuple(_pod_set(rng, f"p{index}", queue, resources) for index in range(rng.choice((1, 1, 1, 2))))
            made.append(Workload(f"{name}-w{phase}{number}", queue.name, sets, priority, wave))
        phases.append(tuple(made))
    return tuple(phases)


def _pod_set(rng: random.Random, name: str, queue: Queue, resources: tuple[str, ...]) -> PodSet:
    count = rng.choice((1, 1, 1, 2))
    asked = [rng.choice(resources)] if MIG in resources else list(resources)
    own = queue.groups[0].flavors
    pinned = frozenset({rng.choice(own)}) if rng.random() < 0.25 else None
    return PodSet({resource: count * rng.randint(1, 4) for resource in asked}, pinned, name, count)
