"""QF-01: a guarantee that the nodes cannot honour is found out at peak, by whoever comes last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

from gpuplane.graph.device_pools import DevicePool, device_pools
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.quantities import plain, quantity
from gpuplane.graph.queues import FlavorQuota, cluster_queues, quotas_of
from gpuplane.graph.resource_view import ResourceView, mapping
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.vocabulary import DEVICES_PER_NODE, is_device_resource

_Share = tuple[ResourceView, FlavorQuota]


class QuotasOverCapacity(Rule):
    """Nominal quota is what a tenant was promised; promises beyond the nodes that can ever be are broken at peak."""

    id = "QF-01"
    title = "GPU quotas of all tenants fit the pool they are of"
    severity = "critical"
    remedy = "Lower a nominal quota, or raise the pool's max_nodes; use borrowing_limit for what may only be borrowed."
    references = ("Kueue documentation: ClusterQueue, nominalQuota", "ISO/IEC 27001:2022 A.8.6")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        pools = device_pools(graph)
        flavors = {pool.name: pool for pool in pools if pool.view.kind == "ResourceFlavor"}
        shares: dict[tuple[str, str], list[_Share]] = defaultdict(list)
        for view in (*(queue.view for queue in cluster_queues(graph).values()), *graph.objects("Cohort")):
            for quota in quotas_of(view):
                if is_device_resource(quota.resource):
                    shares[quota.flavor, quota.resource].append((view, quota))
        for (flavor, resource), found in sorted(shares.items()):
            yield from self._flavor(graph, flavor, resource, found, flavors.get(flavor))
        if not shares:
            yield from self._resource_quotas(graph, pools)

    def _flavor(self, graph: PlannedGraph, flavor: str, resource: str, found: list[_Share], pool: DevicePool | None,
                ) -> Iterator[Finding]:
        unread = [(view, quota) for view, quota in found if quota.nominal is None]
        for view, quota in unread:
            yield self.unknown(
                graph, view, f"The nominal quota of {resource} in flavor {flavor} of {view} cannot be known.", quota.path)
        largest, quota = max(found, key=lambda share: (share[1].nominal or Decimal(0), share[0].name))
        capacity = pool.capacity(resource) if pool is not None else None
        total = sum((share.nominal or Decimal(0) for _, share in found), Decimal(0))
        if capacity is None:
            if total and _should_be_known(graph, pool):
                yield self.unknown(
                    graph, largest, f"Quotas of {plain(total)} {resource} are given in flavor {flavor}, but no planned "
                    "object says how many there are.", quota.path)
        elif total > capacity:
            parts = ", ".join(f"{view.name} {plain(share.nominal)}" for view, share in found if share.nominal)
            yield self.fail(
                graph, largest, f"Quotas of {resource} in flavor {flavor} add up to {plain(total)} ({parts}), but its nodes can "
                f"only ever have {capacity}{_nodes(pool, resource)}.", quota.path)

    def _resource_quotas(self, graph: PlannedGraph, pools: Sequence[DevicePool]) -> Iterator[Finding]:
        """Without Kueue the ResourceQuotas of all namespaces are the promise, and all nodes together the capacity."""
        promised: dict[str, list[tuple[ResourceView, Decimal]]] = defaultdict(list)
        for view in graph.objects("ResourceQuota"):
            for key, value in mapping(view.get("spec", "hard")).items():
                resource, amount = str(key).removeprefix("requests."), quantity(value)
                if str(key).startswith("requests.") and is_device_resource(resource) and amount:
                    promised[resource].append((view, amount))
        for resource, found in sorted(promised.items()):
            capacities = [pool.capacity(resource) for pool in pools]
            total = sum((amount for _, amount in found), Decimal(0))
            if capacities and None not in capacities and total > sum(each or 0 for each in capacities):
                largest = max(found, key=lambda share: (share[1], share[0].namespace))[0]
                yield self.fail(
                    graph, largest, f"ResourceQuotas of {resource} add up to {plain(total)}, but all nodes together can only "
                    f"ever have {sum(each or 0 for each in capacities)}.", "spec.hard")

    PASSES = (
        Example("8 GPUs, 4 for each of two tenants", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100, annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/gpu": 8}', gpuplane.dev/max-nodes: "1"}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support}
spec: {resourceGroups: [{flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: "4"}]}]}]}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: search}
spec: {resourceGroups: [{flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: 4}]}]}]}
"""),
    )
    FAILS = (
        Example("8 GPUs, promised 9 times", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100, annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/gpu": 8}', gpuplane.dev/max-nodes: "1"}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support}
spec: {resourceGroups: [{flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: "5"}]}]}]}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: search}
spec: {resourceGroups: [{flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: "4"}]}]}]}
""", "add up to 9 (search 4, support 5), but its nodes can only ever have 8 (1 node × 8)"),
        Example("nodes that are listed one by one", """
apiVersion: v1
kind: Node
metadata: {name: gpu-0, labels: {pool: h100}}
status: {allocatable: {nvidia.com/gpu: "8"}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100}
spec: {nodeLabels: {pool: h100}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support}
spec: {resourceGroups: [{flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: "16"}]}]}]}
""", "add up to 16"),
        Example("a flavor of which nothing says how many nodes it has", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100, annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/gpu": 8}'}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support}
spec: {resourceGroups: [{flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: "4"}]}]}]}
""", "no planned object says how many there are"),
    )


def _should_be_known(graph: PlannedGraph, pool: DevicePool | None) -> bool:
    """Whether the graph describes nodes at all; manifests of queues alone cannot be held to a capacity."""
    described = pool is not None and DEVICES_PER_NODE in pool.view.annotations
    return described or any(
        each.max_nodes is not None or each.total_devices is not None for each in device_pools(graph))


def _nodes(pool: DevicePool | None, resource: str) -> str:
    if pool is None or pool.max_nodes is None or pool.total_devices is not None:
        return ""
    return f" ({pool.max_nodes} node{'' if pool.max_nodes == 1 else 's'} × {pool.devices_per_node.get(resource, 0)})"
