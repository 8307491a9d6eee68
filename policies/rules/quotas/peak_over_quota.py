"""QF-04: an autoscaler that may ask for more GPUs than the tenant owns leaves pods pending exactly at peak."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

from gpuplane.graph.device_pools import DevicePool, device_pools
from gpuplane.graph.placement import node_choices
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.quantities import plain, quantity
from gpuplane.graph.queues import Queue, cluster_queues, has_local_queue, queue_name, queue_of
from gpuplane.graph.quota_fit import Limit, open_flavors, queue_limit
from gpuplane.graph.resource_view import mapping
from gpuplane.graph.tenancy import owner
from gpuplane.graph.workloads import Workload, gpu_workloads
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule


class PeakOverQuota(Rule):
    """What autoscalers, rollouts and groups of nodes can ask for at most must fit what the tenant owns.

    A workload that says gpuplane.dev/may-borrow is held to nominal quota plus borrowing limit. Jobs wait in the queue,
    so each of them must fit alone, but not all at once.
    """

    id = "QF-04"
    title = "Replicas at peak, with rollout, fit the tenant's GPU quota"
    severity = "critical"
    remedy = "Lower max_replicas or max_surge, raise the quota, or set may_borrow where losing replicas is acceptable."
    references = ("Kueue documentation: ClusterQueue, nominalQuota and borrowingLimit",
                  "Kubernetes documentation: Deployments, Max Surge")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        groups: dict[str, list[Workload]] = defaultdict(list)
        for workload in gpu_workloads(graph):
            if not _quotas_known(graph, workload):
                continue
            queue, named = queue_of(graph, workload.view), queue_name(workload.view)
            if workload.unknown:
                message = f"How many GPUs {workload.view} may need is only known after apply."
                yield self.unknown(graph, workload.view, message, workload.unknown[0])
            elif workload.scale.maximum is None:
                yield self.fail(
                    graph, workload.view, f"{_named(workload)} has no maximum, so it may need more GPUs than any quota.",
                    workload.scale.field)
            elif queue is None and named and not has_local_queue(graph, workload.view.namespace, named):
                yield self.unknown(
                    graph, workload.view, f"{_named(workload)} names LocalQueue {named}, which is not among "
                    "the objects that are judged.", "metadata.labels")
            else:
                groups[queue.view.urn if queue is not None else f"namespace {workload.view.namespace}"].append(workload)
        for key in sorted(groups):
            yield from self._group(graph, groups[key])

    def _group(self, graph: PlannedGraph, group: list[Workload]) -> Iterator[Finding]:
        queue, pools = queue_of(graph, group[0].view), device_pools(graph)
        for resource in sorted({name for workload in group for name in workload.devices}):
            asking = [workload for workload in group if resource in workload.devices]
            broken = False
            for urn in dict.fromkeys(workload.view.urn for workload in asking):
                together = [workload for workload in asking if workload.view.urn == urn]
                finding = self._fit(graph, queue, together, resource, pools, alone=True)
                if finding is not None:
                    broken = True
                    yield finding
            lasting = [workload for workload in asking if not workload.batch]
            if not broken and len({workload.view.urn for workload in lasting}) > 1:
                for flavors in sorted({open_flavors(queue, workload, resource, pools) for workload in lasting}):
                    inside = [workload for workload in lasting
                              if set(open_flavors(queue, workload, resource, pools)) <= set(flavors)]
                    finding = self._fit(graph, queue, inside, resource, pools, alone=False)
                    if finding is not None:
                        yield finding

    def _fit(self, graph: PlannedGraph, queue: Queue | None, workloads: Sequence[Workload], resource: str,
             pools: Sequence[DevicePool], alone: bool) -> Finding | None:
        """The finding for workloads that together need too much: within nominal, and with borrowing for those that may."""
        for borrowing in (False, True):
            counted = [workload for workload in workloads if borrowing or not workload.may_borrow]
            if not counted or (borrowing and not any(workload.may_borrow for workload in counted)):
                continue
            limit = _limit(graph, queue, counted, resource, pools, borrowing)
            need = sum(workload.peak(resource) or 0 for workload in counted)
            if limit.amount is not None and need > limit.amount:
                largest = max(counted, key=lambda workload: (workload.peak(resource) or 0, workload.view.name))
                said = _alone(counted, resource) if alone else _together(counted, resource)
                return self.fail(graph, largest.view, f"{said} at its maximum, but {_owner(graph, largest)} owns {limit.words}."
                                 if alone else f"{said} at their maximum, but {_owner(graph, largest)} owns {limit.words}.",
                                 largest.scale.field)
        return None

    PASSES = (
        Example("2 replicas of 2 GPUs in a quota of 4", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
spec: {resourceGroups: [{flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: "4"}]}]}]}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/tenant: support}}
spec:
  predictor:
    minReplicas: 1
    maxReplicas: 2
    deploymentStrategy: {rollingUpdate: {maxSurge: 0}}
    model: {resources: {limits: {nvidia.com/gpu: "2"}}}
"""),
    )
    FAILS = (
        Example("the surge of a rollout needs one GPU more", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
spec: {resourceGroups: [{flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: "4"}]}]}]}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/tenant: support}}
spec:
  predictor:
    maxReplicas: 4
    deploymentStrategy: {rollingUpdate: {maxSurge: 1}}
    model: {resources: {limits: {nvidia.com/gpu: "1"}}}
""", "support/chat may need (4 + 1 surge) × 1 = 5 nvidia.com/gpu at its maximum, but tenant support owns 4"),
        Example("two services that fit alone, but not together", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
spec: {resourceGroups: [{flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: "4"}]}]}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: embed, namespace: support, labels: {gpuplane.dev/tenant: support}}
spec: {replicas: 3, template: {spec: {containers: [{name: embed, image: embed, resources: {limits: {nvidia.com/gpu: 1}}}]}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: rank, namespace: support, labels: {gpuplane.dev/tenant: support}}
spec: {replicas: 2, template: {spec: {containers: [{name: rank, image: rank, resources: {limits: {nvidia.com/gpu: 1}}}]}}}
""", "embed 3 + rank 2 = 5 nvidia.com/gpu"),
        Example("an autoscaler above the Deployment", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
spec: {resourceGroups: [{flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: "4"}]}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/tenant: support}}
spec:
  replicas: 1
  strategy: {type: Recreate}
  template: {spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: chat, namespace: support}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: chat}, maxReplicas: 10}
""", "may need 10 × 1 = 10 nvidia.com/gpu"),
    )


def _quotas_known(graph: PlannedGraph, workload: Workload) -> bool:
    """Whether the graph says what the workload's owner may use; a manifest alone cannot be held to a quota."""
    tenant = owner(graph, workload.view)
    placed = tenant is not None and (workload.view.namespace in graph.namespaces or cluster_queues(graph))
    return bool(placed or queue_of(graph, workload.view) or _hard_limit(graph, workload.view.namespace, "") is not None)


def _limit(graph: PlannedGraph, queue: Queue | None, workloads: Sequence[Workload], resource: str, pools: Sequence[DevicePool],
           borrowing: bool) -> Limit:
    if queue is not None:
        return queue_limit(queue, workloads, resource, pools, borrowing)
    hard = _hard_limit(graph, workloads[0].view.namespace, resource)
    return Limit(hard or Decimal(0), plain(hard or Decimal(0)))


def _hard_limit(graph: PlannedGraph, namespace: str, resource: str) -> Decimal | None:
    """The namespace's own ResourceQuota of a device; for the empty name that of any device."""
    amounts = [quantity(value) for view in graph.inside(namespace, "ResourceQuota")
               for key, value in mapping(view.get("spec", "hard")).items()
               if (str(key) == f"requests.{resource}" if resource else str(key).startswith("requests.nvidia.com/"))]
    return min((amount for amount in amounts if amount is not None), default=None)


def _owner(graph: PlannedGraph, workload: Workload) -> str:
    tenant = owner(graph, workload.view)
    return f"tenant {tenant}" if tenant is not None else f"namespace {workload.view.namespace or 'default'}"


def _named(workload: Workload) -> str:
    return f"{workload.view.namespace}/{workload.view.name}".lstrip("/")


def _alone(workloads: Sequence[Workload], resource: str) -> str:
    parts = []
    for workload in workloads:
        scale = workload.scale
        pods = f"({scale.maximum} + {scale.surge} surge)" if scale.surge else str(scale.maximum)
        parts.append(f"{pods} × {workload.devices[resource]}")
    pool = "".join(sorted({f" of {key.rpartition('/')[2]} {'/'.join(sorted(values))}" for workload in workloads
                           for key, values in node_choices(workload.template).items() if key.endswith("/pool")}))
    total = sum(workload.peak(resource) or 0 for workload in workloads)
    return f"{_named(workloads[0])} may need {' + '.join(parts)} = {total} {resource}{pool}"


def _together(workloads: Sequence[Workload], resource: str) -> str:
    amounts: dict[str, int] = defaultdict(int)
    for workload in workloads:
        amounts[workload.view.name] += workload.peak(resource) or 0
    parts = " + ".join(f"{name} {amount}" for name, amount in sorted(amounts.items()))
    return f"{parts} = {sum(amounts.values())} {resource} may be needed"
