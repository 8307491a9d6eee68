"""What Kueue admits: workloads with their pod sets, and the ClusterQueues that hold them (``kueue.x-k8s.io/v1beta2``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gpuplane.planning.cohorts.quota_tree import CohortQuotas, FlavorResource, QueueQuotas, ResourceQuota

Reclaim = Literal["Never", "LowerPriority", "Any"]
Within = Literal["Never", "LowerPriority", "LowerOrNewerEqualPriority"]
Strategy = Literal["StrictFIFO", "BestEffortFIFO"]
Search = Literal["MayStopSearch", "TryNextFlavor"]
FairStrategy = Literal["LessThanOrEqualToFinalShare", "LessThanInitialShare"]
FAIR_STRATEGIES: tuple[FairStrategy, ...] = ("LessThanOrEqualToFinalShare", "LessThanInitialShare")
"""``preemptionStrategies`` of the Kueue that gpuplane installs, and Kueue's default: the second where the first leaves too few."""


@dataclass(frozen=True)
class Preemption:
    """``spec.preemption`` of a ClusterQueue; defaults are Kueue's.

    Attributes:
        borrow_within_cohort: whether ``borrowWithinCohort.policy`` is LowerPriority.
        max_priority_threshold: its ``maxPriorityThreshold``.
    """

    within_cluster_queue: Within = "Never"
    reclaim_within_cohort: Reclaim = "Never"
    borrow_within_cohort: bool = False
    max_priority_threshold: int | None = None


@dataclass(frozen=True)
class Fungibility:
    """``spec.flavorFungibility``; defaults are Kueue's."""

    when_can_borrow: Search = "MayStopSearch"
    when_can_preempt: Search = "TryNextFlavor"
    preference: Literal["BorrowingOverPreemption", "PreemptionOverBorrowing"] | None = None


@dataclass(frozen=True)
class ResourceGroup:
    """Resources that get their flavor together, and the flavors in the order they are tried."""

    covered: tuple[str, ...]
    flavors: tuple[str, ...]


@dataclass(frozen=True)
class Queue:
    """A ClusterQueue."""

    quotas: QueueQuotas
    groups: tuple[ResourceGroup, ...]
    strategy: Strategy = "BestEffortFIFO"
    preemption: Preemption = Preemption()
    fungibility: Fungibility = Fungibility()

    @property
    def name(self) -> str:
        """Name of the ClusterQueue."""
        return self.quotas.name

    def group_of(self, resource: str) -> ResourceGroup | None:
        """The group that covers a resource."""
        return next((group for group in self.groups if resource in group.covered), None)


@dataclass(frozen=True)
class PodSet:
    """Pods of one shape. A pod set never splits across flavors.

    Attributes:
        requests: resource to the amount of all its pods together.
        flavors: flavors whose labels and taints its pods accept; None: any.
        count: how many pods.
    """

    requests: Mapping[str, int]
    flavors: frozenset[str] | None = None
    name: str = "main"
    count: int = 1


@dataclass(frozen=True)
class Workload:
    """A workload in a ClusterQueue's queue.

    Attributes:
        created: when, in seconds; earlier goes first among equal priorities.
        uid: breaks the last ties, as the object's UID does in Kueue.
    """

    name: str
    queue: str
    pod_sets: tuple[PodSet, ...]
    priority: int = 0
    created: int = 0
    uid: str = ""

    @property
    def shape(self) -> tuple[object, ...]:
        """What makes workloads equal to the scheduler (``computeSchedulingHash``)."""
        sets = tuple((one.name, one.count, tuple(sorted(one.requests.items())), None if one.flavors is None else tuple(sorted(one.flavors)))
                     for one in self.pod_sets)
        return (self.priority, sets)


@dataclass
class Admitted:
    """A workload that holds quota.

    Attributes:
        usage: what it holds.
        reserved: when it got it; later is preempted first among equal priorities.
        evicted_in: scheduling cycle in which its preemption was issued; None: it runs.
    """

    workload: Workload
    usage: Mapping[FlavorResource, int]
    reserved: tuple[float, str] = (0.0, "")
    evicted_in: int | None = None


@dataclass(frozen=True)
class Setting:
    """Queues and cohorts of a cluster, by name.

    Attributes:
        strategies: ``fairSharing.preemptionStrategies`` of Kueue's Configuration; none: fair sharing is off.
    """

    queues: Mapping[str, Queue]
    cohorts: Mapping[str, CohortQuotas] = field(default_factory=dict)
    strategies: tuple[FairStrategy, ...] = ()

    @property
    def is_fair(self) -> bool:
        """Whether queues share by weights."""
        return bool(self.strategies)


def queue(name: str, quotas: Mapping[FlavorResource, ResourceQuota], cohort: str = "", preemption: Preemption | None = None,
          strategy: Strategy = "BestEffortFIFO", fungibility: Fungibility | None = None,
          flavors: tuple[str, ...] | None = None, weight: float = 1.0) -> Queue:
    """A ClusterQueue with one resource group over everything it has quotas of, as gpuplane makes them (ADR 0007).

    Args:
        flavors: order in which they are tried; left out, by name.
    """
    group = ResourceGroup(tuple(sorted({key.resource for key in quotas})),
                          flavors if flavors is not None else tuple(sorted({key.flavor for key in quotas})))
    return Queue(QueueQuotas(name, quotas, cohort, weight), (group,), strategy, preemption or Preemption(), fungibility or Fungibility())
