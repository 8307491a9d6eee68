"""Which tenants may use the GPUs of a pool, and by which objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache

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
    return {tenant: tuple(dict.fromkeys(views)) for tenant, views in sorted(_users_of_pools(graph).get(pool.view.urn, {}).items())}


@lru_cache(maxsize=4)
def _users_of_pools(graph: PlannedGraph) -> Mapping[str, Mapping[str, list[ResourceView]]]:
    """Users of all pools, by the URN of a pool's view: a workload is asked once where it may land."""
    pools = device_pools(graph)
    found: dict[str, dict[str, list[ResourceView]]] = {pool.view.urn: defaultdict(list) for pool in pools}
    for queue in cluster_queues(graph).values():
        usable = {quota.flavor for quota in queue.quotas if is_device_resource(quota.resource) and queue.most(quota) != 0}
        for pool in pools if usable else ():
            for tenant in queue.tenants if pool.name in usable else ():
                found[pool.view.urn][tenant].append(queue.view)
    for workload in gpu_workloads(graph):
        tenant_of_it = owner(graph, workload.view)
        for pool in candidates(workload.template, pools, next(iter(workload.devices), None)) if tenant_of_it is not None else ():
            found[pool.view.urn][str(tenant_of_it)].append(workload.view)
    return found
