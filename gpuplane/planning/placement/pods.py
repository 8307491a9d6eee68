"""The pods that a service's replicas are, as the scheduler counts them: engine, the agent that logs payloads, the download before.

What goes in here is what the components write into the InferenceService and what KServe adds to its pods.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from gpuplane.planning.demand import Demand
from gpuplane.planning.environment_plan import PoolPlan, quota_resource
from gpuplane.planning.placement.allocatable import GIB
from gpuplane.planning.placement.claims import Amounts, NodeGroup, amounts
from gpuplane.planning.placement.kube_scheduler import InitContainer, effective_requests
from gpuplane.spec.llm_inference_service import LLMInferenceServiceSpec
from gpuplane.spec.vocabulary import (
    DOWNLOADED_URIS,
    ROUTING_SIDECAR_MEMORY_MIB,
    ROUTING_SIDECAR_MILLICORES,
    STORAGE_INITIALIZER_CPU,
    STORAGE_INITIALIZER_MEMORY_GIB,
)

CPU, MEMORY, DISK, PODS = "cpu", "memory", "ephemeral-storage", "pods"
AGENT: Mapping[str, int] = {CPU: 100, MEMORY: 100}
"""KServe's agent beside an engine whose payloads are logged: 100m and 100Mi (``inferenceservice-config``, ``agent``, v0.20)."""

ROUTING_SIDECAR: Mapping[str, int] = {CPU: ROUTING_SIDECAR_MILLICORES, MEMORY: ROUTING_SIDECAR_MEMORY_MIB}
"""The sidecar of a server that writes answers to prompts read elsewhere; it runs as long as the server."""


def pod_of(demand: Demand, pool: PoolPlan, disk_mib: int | None = None) -> Amounts:
    """What one pod of a service takes of a node.

    Args:
        disk_mib: image and weights on the node's disk; None where that is not known.
    """
    spec = demand.entry.document.spec
    routes = isinstance(spec, LLMInferenceServiceSpec) and spec.prefill is not None
    return _pod(spec.resources.cpu, spec.resources.memory_gib, quota_resource(pool, demand.quota_key), demand.per_pod,
                disk_mib or 0, spec.logging is not None, spec.release.model.uri.startswith(DOWNLOADED_URIS), routes)


@lru_cache(maxsize=4096)
def _pod(cpu: int, memory_gib: int, device: str, devices: int, disk_mib: int, logged: bool, downloaded: bool,
         routes: bool) -> Amounts:
    engine = {CPU: cpu * 1000, MEMORY: memory_gib * GIB, device: devices, DISK: disk_mib}
    download = InitContainer({CPU: STORAGE_INITIALIZER_CPU * 1000, MEMORY: STORAGE_INITIALIZER_MEMORY_GIB * GIB})
    beside = [*([AGENT] if logged else []), *([ROUTING_SIDECAR] if routes else [])]
    return effective_requests([engine, *beside], [download] if downloaded else [])


def free_of(pool: PoolPlan) -> Amounts:
    """What an empty node of the pool has for models."""
    left = pool.allocatable
    return amounts({CPU: left.cpu_millicores, MEMORY: left.memory_mib, PODS: left.pods, DISK: left.disk_mib or 0,
                    **pool.devices_per_node})


def nodes_of(pool: PoolPlan, zones: Mapping[str, int]) -> tuple[NodeGroup, ...]:
    """The pool's nodes, in groups by zone where the pool names zones."""
    free = free_of(pool)
    if not zones:
        return (NodeGroup(pool.name, free, pool.max_nodes),)
    return tuple(NodeGroup(f"{pool.name}/{zone}", free, min(count, pool.max_nodes), (("zone", zone),))
                 for zone, count in sorted(zones.items()))
