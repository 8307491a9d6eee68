"""CB-08: nodes that always run for nobody are the dearest way to have spare capacity."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from gpuplane.graph.device_pools import DevicePool, device_pools
from gpuplane.graph.node_sources import NODE_GROUP_TYPE
from gpuplane.graph.placement import pool_of
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.quantities import quantity
from gpuplane.graph.queues import cluster_queues
from gpuplane.graph.resource_view import ResourceView, mapping
from gpuplane.graph.workloads import gpu_workloads
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule


class IdleCapacity(Rule):
    """A node group's minimum is paid for all month, whether anybody may use it or not.

    Of the GPUs of nodes that always run, those count as used that a queue has a nominal quota of, or that services' minimum replicas
    take where that is more. More than policies.most_idle_percent (60) of a pool idle is worth a word.
    """

    id = "CB-08"
    title = "Most of the GPUs that always run are promised to somebody"
    severity = "medium"
    remedy = "Lower min_nodes of the pool, cut its GPUs otherwise, or give the idle ones to a tenant."
    references = ("FinOps Framework: Workload Optimization", "OpenCost specification: Idle allocation")
    scope = "platform"
    looks_at = "outlines"
    context = ("ClusterQueue",)

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        groups = [view for view in graph.resources if view.type == NODE_GROUP_TYPE]
        for pool in device_pools(graph) if groups else ():
            nodes = sum(_always(view, pool) for view in groups)
            if nodes and pool.devices_per_node:
                idle = _idle_percent(graph, pool, nodes)
                if idle > graph.parameters.most_idle_percent:
                    yield self.fail(graph, pool.view, f"{idle} % of the GPUs on the {nodes} nodes of pool {pool.name} that always run are "
                                                      "promised to nobody.")

    PASSES = (
        Example("nodes that a tenant owns", """
resources:
  l40s:
    type: aws:eks/nodeGroup:NodeGroup
    properties: {instanceTypes: [g6e.4xlarge], region: eu-central-1, labels: {pool: l40s}, scalingConfig: {minSize: 2, maxSize: 4}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: l40s, annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/gpu": 1}'}}
spec: {nodeLabels: {pool: l40s}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support}
spec: {resourceGroups: [{flavors: [{name: l40s, resources: [{name: nvidia.com/gpu, nominalQuota: "2"}]}]}]}
"""),
    )
    FAILS = (
        Example("nodes that nobody may use", """
resources:
  l40s:
    type: aws:eks/nodeGroup:NodeGroup
    properties: {instanceTypes: [g6e.4xlarge], region: eu-central-1, labels: {pool: l40s}, scalingConfig: {minSize: 4, maxSize: 4}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: l40s, annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/gpu": 1}'}}
spec: {nodeLabels: {pool: l40s}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support}
spec: {resourceGroups: [{flavors: [{name: l40s, resources: [{name: nvidia.com/gpu, nominalQuota: "1"}]}]}]}
""", "75 % of the GPUs on the 4 nodes of pool l40s that always run are promised to nobody"),
    )


def _always(view: ResourceView, pool: DevicePool) -> int:
    """Nodes of a node group that always run, if they are the pool's."""
    labels = mapping(view.get("labels"))
    mine = pool.view is view or (bool(pool.node_labels) and all(labels.get(key) == value for key, value in pool.node_labels.items()))
    return int(quantity(view.get("scalingConfig", "minSize")) or 0) if mine else 0


def _idle_percent(graph: PlannedGraph, pool: DevicePool, nodes: int) -> int:
    """Share of the pool's always-running devices that is neither owned nor taken, by their shares of a node; rounded down."""
    idle = Decimal(0)
    for resource, each in pool.devices_per_node.items():
        owned = sum((quota.nominal or Decimal(0) for queue in cluster_queues(graph).values() for quota in queue.of(resource)
                     if quota.flavor == pool.name), Decimal(0))
        taken = sum(workload.scale.minimum * workload.devices.get(resource, 0) for workload in gpu_workloads(graph)
                    if (home := pool_of(workload.template, device_pools(graph))) is not None and home.name == pool.name)
        idle += max(nodes * each - max(owned, Decimal(taken)), Decimal(0)) * (pool.node_share(resource) or Decimal(0))
    return int(idle * 100 / nodes)
