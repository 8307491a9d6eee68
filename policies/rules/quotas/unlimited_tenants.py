"""QF-02: a namespace without a queue or a ceiling can take every GPU of the cluster by accident."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from gpuplane.graph.device_pools import device_pools
from gpuplane.graph.label_selectors import selects
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.quantities import plain, quantity
from gpuplane.graph.queues import Queue, cluster_queues, device_types, namespace_labels, queues_of_tenants
from gpuplane.graph.resource_view import ResourceView, Unknown, mapping
from gpuplane.graph.tenancy import tenants_of_namespaces
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.vocabulary import GPU, is_device_resource


class UnlimitedTenants(Rule):
    """Kueue looks only at what names a queue; the ResourceQuota is what stops everything else.

    It must say 0 for GPU types that the tenant does not own, and stand above what the queue can admit for those it
    does: it counts pods that still wait, too.
    """

    id = "QF-02"
    title = "Every tenant namespace has a LocalQueue and a ResourceQuota for every GPU type"
    severity = "critical"
    remedy = ("Add a LocalQueue, and a ResourceQuota with requests.<gpu type>: 0 for types the tenant does not own and more than "
              "nominal + borrowing for those it does.")
    references = ("NSA/CISA Kubernetes Hardening Guide v1.2: Resource policies",
                  "Kubernetes documentation: Multi-tenancy, Quotas",
                  "Kubernetes documentation: Resource Quotas, extended resources")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        types = _device_types(graph)
        for name, tenant in tenants_of_namespaces(graph).items():
            namespace = graph.namespaces.get(name)
            if namespace is not None:
                queues = queues_of_tenants(graph).get(tenant, [])
                yield from self._local_queue(graph, namespace, tenant, queues)
                yield from self._ceilings(graph, namespace, tenant, queues, types)

    def _local_queue(self, graph: PlannedGraph, namespace: ResourceView, tenant: str, queues: list[Queue]) -> Iterator[Finding]:
        own = graph.inside(namespace.name, "LocalQueue")
        if any(most is None or most > 0 for queue in queues for most in _owned(queue).values()) and not own:
            yield self.fail(
                graph, namespace, f"Namespace {namespace.name} has no LocalQueue, so tenant {tenant} cannot use the quota of "
                f"ClusterQueue {queues[0].view.name}.")

        for view in own:
            queue = cluster_queues(graph).get(str(view.get("spec", "clusterQueue")))
            # Kueue takes a missing selector for "no namespace", and an empty one for every namespace.
            if queue is not None and not selects(queue.view.get("spec", "namespaceSelector"), namespace_labels(namespace)):
                yield self.fail(
                    graph, view, f"ClusterQueue {queue.view.name} admits nothing from namespace {namespace.name}: its "
                                 "namespaceSelector does not select it.", "spec.clusterQueue")

    def _ceilings(self, graph: PlannedGraph, namespace: ResourceView, tenant: str, queues: list[Queue], types: tuple[str, ...],
                  ) -> Iterator[Finding]:
        hard = _hard(graph, namespace.name)
        if not hard:
            yield self.fail(graph, namespace, f"Namespace {namespace.name} of tenant {tenant} has no ResourceQuota.")
            return
        for key in sorted(key for key in hard if is_device_resource(key)):
            yield self.fail(
                graph, hard[key][1], f"{key} in a ResourceQuota limits nothing; the key is requests.{key}.", f"spec.hard.{key}")
        for resource in types:
            field, most = f"spec.hard.requests.{resource}", _most(queues, resource)
            written, view = hard.get(f"requests.{resource}", (None, namespace))
            ceiling = quantity(written)
            if isinstance(written, Unknown):
                yield self.unknown(graph, view, f"The ceiling of {resource} of tenant {tenant} is only known after apply.", field)
            elif ceiling is None:
                yield self.fail(
                    graph, view, f"Namespace {namespace.name} of tenant {tenant} has no ceiling for {resource}.", field)
            elif most == 0 and ceiling > 0:
                yield self.fail(
                    graph, view, f"Tenant {tenant} owns no {resource}, but its ResourceQuota allows {plain(ceiling)}.", field)
            elif most is not None and ceiling < most:
                yield self.fail(
                    graph, view, f"The ResourceQuota of tenant {tenant} allows {plain(ceiling)} {resource}, less than the "
                    f"{plain(most)} that its queue may admit.", field)

    PASSES = (
        Example("a ceiling over what the queue admits, and 0 for what is not owned", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
spec:
  namespaceSelector: {matchLabels: {gpuplane.dev/tenant: support}}
  resourceGroups: [{flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: "4"}]}]}]
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: search, labels: {gpuplane.dev/tenant: search}}
spec: {resourceGroups: [{flavors: [{name: a100, resources: [{name: nvidia.com/mig-1g.10gb, nominalQuota: "7"}]}]}]}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: gpu, namespace: support}
spec: {clusterQueue: support}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: tenant, namespace: support}
spec: {hard: {requests.nvidia.com/gpu: "16", requests.nvidia.com/mig-1g.10gb: "0"}}
"""),
    )
    FAILS = (
        Example("no limits at all", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
""", "has no ResourceQuota"),
        Example("a key that the API server takes and nobody enforces", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: tenant, namespace: support}
spec: {hard: {nvidia.com/gpu: "0"}}
""", "the key is requests.nvidia.com/gpu"),
        Example("GPUs that the tenant does not own", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: tenant, namespace: support}
spec: {hard: {requests.nvidia.com/gpu: "2"}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: search, labels: {gpuplane.dev/tenant: search}}
spec: {resourceGroups: [{flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: "8"}]}]}]}
""", "Tenant support owns no nvidia.com/gpu, but its ResourceQuota allows 2"),
    )


def _device_types(graph: PlannedGraph) -> tuple[str, ...]:
    """GPU types on this platform; where nothing names one, whole GPUs."""
    pooled = {name for pool in device_pools(graph) for name in pool.devices_per_node}
    return tuple(sorted({*device_types(graph), *pooled})) or (GPU,)


def _owned(queue: Queue) -> dict[str, Decimal | None]:
    """Most devices of each type that a queue may admit; None for no limit."""
    return {quota.resource: queue.most(quota) for quota in queue.quotas if is_device_resource(quota.resource)}


def _most(queues: list[Queue], resource: str) -> Decimal | None:
    """Most devices of a type that a tenant's queues may admit together; None where that is not limited."""
    amounts = [queue.most(quota) for queue in queues for quota in queue.of(resource)]
    return None if None in amounts else sum((amount or Decimal(0) for amount in amounts), Decimal(0))


def _hard(graph: PlannedGraph, namespace: str) -> dict[str, tuple[Any, ResourceView]]:
    """Every limit that holds for all pods of a namespace, the lowest where several do."""
    found: dict[str, tuple[Any, ResourceView]] = {}
    for view in graph.inside(namespace, "ResourceQuota"):
        if view.get("spec", "scopes") or view.get("spec", "scopeSelector"):
            continue
        for key, value in mapping(view.get("spec", "hard")).items():
            known = quantity(found[key][0]) if key in found else None
            amount = quantity(value)
            if known is None or (amount is not None and amount < known):
                found[str(key)] = (value, view)
    return found
