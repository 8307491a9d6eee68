"""QF-07: what serves customers must not be put out by work that could have waited."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.quantities import plain, quantity
from gpuplane.graph.queues import Queue, cluster_queues, queue_of
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.graph.workloads import Workload, gpu_workloads
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.vocabulary import PRIORITY_CLASS

_POLICIES = ("withinClusterQueue", "reclaimWithinCohort")


class PreemptedServing(Rule):
    """Kueue and the scheduler evict by priority: batch work that outranks a model, or equals it where newer ones win, ends it.

    In production each queue says whom its workloads preempt, and no job in a queue (or its cohort) has a higher priority than the
    services there. A workload without a priority class has priority 0, or the cluster's default.
    """

    id = "QF-07"
    title = "Services of production are not preempted by batch work, and queues say what preempts"
    severity = "high"
    remedy = "Set preemption.withinClusterQueue and reclaimWithinCohort, and give services a higher priority class than jobs."
    references = ("Kueue documentation: Preemption", "Kueue documentation: WorkloadPriorityClass",
                  "Kubernetes documentation: Pod Priority and Preemption")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        cohorts: dict[str, list[Workload]] = defaultdict(list)
        for workload in gpu_workloads(graph):
            queue = queue_of(graph, workload.view)
            if queue is not None:
                cohorts[queue.cohort or queue.view.name].append(workload)
        productive = {graph.tenant_of(space) for space in graph.namespaces.values() if graph.in_production(space)}
        for queue in cluster_queues(graph).values():
            if graph.in_production(queue.view) or not productive.isdisjoint(queue.tenants):
                yield from self._explicit(graph, queue)
        for _, workloads in sorted(cohorts.items()):
            yield from self._outranked(graph, workloads)

    def _explicit(self, graph: PlannedGraph, queue: Queue) -> Iterator[Finding]:
        for key in _POLICIES if queue.cohort else _POLICIES[:1]:
            value, field = queue.view.get("spec", "preemption", key), f"spec.preemption.{key}"
            if isinstance(value, Unknown):
                yield self.unknown(graph, queue.view, f"Whom workloads of {queue.view} preempt is only known after apply.", field)
            elif value is None:
                yield self.fail(graph, queue.view, f"{queue.view} is production and does not say {key}.", field)
            elif value == "LowerOrNewerEqualPriority":
                yield self.fail(graph, queue.view, f"{queue.view} is production, and what was asked for later is put out by what was asked "
                                                   f"for before at equal priority ({key}: {value}).", field)

    def _outranked(self, graph: PlannedGraph, workloads: list[Workload]) -> Iterator[Finding]:
        jobs = [workload for workload in workloads if workload.batch]
        for workload in workloads:
            if workload.batch or workload.may_borrow or not graph.in_production(workload.view):
                continue
            own = _priority(graph, workload)
            for job in jobs:
                theirs = _priority(graph, job)
                if own is not None and theirs is not None and theirs > own:
                    yield self.fail(
                        graph, workload.view, f"{workload.view} serves in production at priority {plain(own)} and may be put out "
                                                          f"by {job.view}, which has {plain(theirs)}.", "metadata.labels")

    PASSES = (
        Example("a service above the jobs of its queue", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: WorkloadPriorityClass
metadata: {name: serving}
value: 1000
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support, labels: {gpuplane.dev/tenant: support, gpuplane.dev/environment: prod}}
spec: {preemption: {withinClusterQueue: LowerPriority}}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: chat
  namespace: support
  labels: {gpuplane.dev/tenant: support, gpuplane.dev/environment: prod, kueue.x-k8s.io/priority-class: serving}
spec: {template: {spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: tuning, namespace: support, labels: {gpuplane.dev/tenant: support}}
spec: {template: {spec: {containers: [{name: a, image: a, resources: {limits: {nvidia.com/gpu: 1}}}]}}}
"""),
    )
    FAILS = (
        Example("a job that outranks the service", """
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: urgent}
value: 100000
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
spec: {preemption: {withinClusterQueue: LowerPriority}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/tenant: support, gpuplane.dev/environment: prod}}
spec: {template: {spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: tuning, namespace: support, labels: {gpuplane.dev/tenant: support}}
spec:
  template: {spec: {priorityClassName: urgent, containers: [{name: a, image: a, resources: {limits: {nvidia.com/gpu: 1}}}]}}
""", "may be put out by Job support/tuning, which has 100000"),
        Example("a queue that leaves it to the default", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support, labels: {gpuplane.dev/tenant: support, gpuplane.dev/environment: prod}}
spec: {cohortName: all, preemption: {withinClusterQueue: LowerPriority}}
""", "is production and does not say reclaimWithinCohort"),
    )


def _priority(graph: PlannedGraph, workload: Workload) -> Decimal | None:
    """Of its class for Kueue, else of its pods' class (0, or the cluster's default, for none); None where the class is not in the graph."""
    name: Any = workload.view.labels.get(PRIORITY_CLASS)
    kind = "WorkloadPriorityClass"
    if name is None:
        name, kind = workload.template.spec.get("priorityClassName"), "PriorityClass"
    found: list[ResourceView] = [view for view in graph.objects(kind) if view.name == name
                                 or (name is None and view.get("globalDefault") is True)]
    if not found:
        return Decimal(0) if name is None else None
    return quantity(found[0].get("value"))
