"""QF-05: replicas that must always run must not stand on borrowed GPUs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from gpuplane.graph.device_pools import device_pools
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.quantities import plain
from gpuplane.graph.queues import Queue, queue_of
from gpuplane.graph.quota_fit import open_flavors, queue_limit
from gpuplane.graph.workloads import Workload, gpu_workloads
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule


class MinimumOverNominal(Rule):
    """Borrowed GPUs are taken back when their owner needs them: a minimum that needs them is no minimum.

    Counted is what always runs in one ClusterQueue and may land on the same flavors, against their nominal quota.
    """

    id = "QF-05"
    title = "Minimum replicas of a queue's services fit its nominal quota, without borrowing"
    severity = "high"
    remedy = "Lower min_replicas, or raise the tenant's nominal_quota."
    references = ("Kueue documentation: ClusterQueue, nominalQuota and borrowingLimit",)
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        groups: dict[str, list[Workload]] = defaultdict(list)
        queues: dict[str, Queue] = {}
        for workload in gpu_workloads(graph):
            queue = None if workload.batch or workload.unknown else queue_of(graph, workload.view)
            if queue is not None:  # what cannot be known is QF-04's to say
                queues[queue.view.urn] = queue
                groups[queue.view.urn].append(workload)
        for urn in sorted(groups):
            yield from self._queue(graph, queues[urn], groups[urn])

    def _queue(self, graph: PlannedGraph, queue: Queue, workloads: list[Workload]) -> Iterator[Finding]:
        pools = device_pools(graph)
        for resource in sorted({name for workload in workloads for name in workload.devices}):
            asking = [(workload, open_flavors(queue, workload, resource, pools)) for workload in workloads if resource in workload.devices]
            for flavors in sorted({own for _, own in asking}):
                inside = [workload for workload, own in asking if set(own) <= set(flavors)]
                needed = sum(workload.scale.minimum * workload.devices[resource] for workload in inside)
                owned = queue_limit(queue, inside, resource, pools, borrowing=False)
                if flavors and owned.amount is not None and Decimal(needed) > owned.amount:
                    parts = ", ".join(f"{workload.view.name} {workload.scale.minimum * workload.devices[resource]}" for workload in inside)
                    yield self.fail(
                        graph, inside[0].view, f"What always runs in {queue.view} needs {needed} {resource} ({parts}), and it owns "
                        f"{plain(owned.amount)} in {', '.join(flavors)}.", inside[0].scale.field)

    PASSES = (
        Example("the minimum fits, the maximum borrows", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
spec:
  cohortName: all
  resourceGroups: [{flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: "4", borrowingLimit: "4"}]}]}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/tenant: support}}
spec: {replicas: 4, template: {spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}}}
"""),
    )
    FAILS = (
        Example("two services that together need more than is owned", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
spec:
  cohortName: all
  resourceGroups: [{flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: "4", borrowingLimit: "8"}]}]}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/tenant: support}}
spec: {replicas: 3, template: {spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: search, namespace: support, labels: {gpuplane.dev/tenant: support}}
spec: {replicas: 1, template: {spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 2}}}]}}}
""", "needs 5 nvidia.com/gpu (chat 3, search 2), and it owns 4 in h100"),
    )
