"""Which tenants may use the GPUs of a pool, and by which objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from gpuplane.graph.device_pools import DevicePool, device_pools
from gpuplane.graph.placement import candidates
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.queues import cluster_queues
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.tenancy import owner
from gpuplane.graph.workloads import gpu_workloads
from gpuplane.spec.vocabulary import is_device_resource


def pool_users(graph: PlannedGraph, pool: DevicePool) -> Mapping[str, tuple[ResourceView, ...]]:
    """Tenants that may use a pool, each with the queues whose quota says so and the workloads that may land there."""
    users: dict[str, list[ResourceView]] = defaultdict(list)
    for queue in cluster_queues(graph).values():
        usable = [quota for quota in queue.quotas if is_device_resource(quota.resource) and queue.most(quota) != 0]
        for tenant in queue.tenants if any(quota.flavor == pool.name for quota in usable) else ():
            users[tenant].append(queue.view)
    for workload in gpu_workloads(graph):
        tenant_of_it = owner(graph, workload.view)
        if tenant_of_it is not None and pool in candidates(workload.template, device_pools(graph), next(iter(workload.devices), None)):
            users[tenant_of_it].append(workload.view)
    return {tenant: tuple(dict.fromkeys(views)) for tenant, views in sorted(users.items())}
