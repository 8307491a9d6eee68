"""GPUs and nodes: tenants on one GPU without isolation, and pods that leave their own devices."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.device_pools import DevicePool, device_pools
from gpuplane.graph.gpu_sharing import SHARED_STRATEGIES, UNRESOLVED, sharing_configs
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pool_users import pool_users
from gpuplane.graph.reachability.edges import Edge, Maker, Medium, maker, platform, tenant
from gpuplane.graph.reachability.tenant_pods import TenantPods, among, is_set, makers, tenant_pods, texts
from gpuplane.graph.resource_view import lookup, mapping
from gpuplane.graph.tenancy import owner
from gpuplane.graph.workloads import gpu_workloads
from gpuplane.spec.vocabulary import GPU_PREFIX

_WORDS = {"mig": "MIG devices of their own, apart in hardware", "dedicated": "whole GPUs of their own", None: "whole GPUs of their own"}
_VISIBLE = "NVIDIA_VISIBLE_DEVICES"


def device_edges(graph: PlannedGraph) -> Iterator[Edge]:
    """Who shares what of a node with whom."""
    for pool in device_pools(graph):
        users = {name: makers(views) for name, views in pool_users(graph, pool).items()}
        if pool.sharing in SHARED_STRATEGIES or pool.sharing == UNRESOLVED:
            yield from _shared(pool, users)
        for name, by in users.items() if pool.sharing not in SHARED_STRATEGIES else ():
            beside = ", which other tenants may use too" if len(users) > 1 else ""
            sentence = f"pods of tenant {name} may run on nodes of pool {pool.name}{beside}"
            allowed = f"by design: pods of a node have {_WORDS.get(pool.sharing, 'devices of their own')}"
            yield Edge(Medium.DEVICES, tenant(name), platform(f"pool {pool.name}"), sentence, (by, maker(pool.view)), allowed=allowed)
    if not device_pools(graph):
        yield from _default_sharing(graph)
    for pods in tenant_pods(graph):
        yield from _beyond(graph, pods)


def _shared(pool: DevicePool, users: dict[str, Maker]) -> Iterator[Edge]:
    how = {UNRESOLVED: "as a config says that is not among the objects", "mps": "by MPS, which isolates no faults"}.get(
        str(pool.sharing), "by time-slicing, which isolates neither memory nor faults")
    yield from among(Medium.DEVICES, users, f"pods of both tenants share GPUs of pool {pool.name} {how}", (maker(pool.view),),
                     pool.sharing != UNRESOLVED)


def _default_sharing(graph: PlannedGraph) -> Iterator[Edge]:
    """A default config that shares holds on every node, also on nodes that no object here describes."""
    configs = sharing_configs(graph)
    shared = configs.plugin.get(configs.default)
    if shared is None or shared.strategy not in SHARED_STRATEGIES:
        return
    users: dict[str, Maker] = {}
    for workload in gpu_workloads(graph):
        name = owner(graph, workload.view)
        if name is not None:
            users[name] = min(users.get(name, maker(workload.view)), maker(workload.view))
    yield from among(Medium.DEVICES, users, f"pods of both tenants share GPUs by {shared.strategy} on every node", (maker(shared.view),))


def _beyond(graph: PlannedGraph, pods: TenantPods) -> Iterator[Edge]:
    """Pods that see the node's processes or devices: no namespace holds them."""
    spec, path = pods.template.spec, pods.template.path
    found = [(f"{path}.{key}", lookup(spec, key), f"shares the node's {what}") for key, what in (
        ("hostPID", "processes"), ("hostIPC", "shared memory")) if is_set(lookup(spec, key))]
    for container in pods.template.containers:
        privileged = lookup(container.spec, "securityContext", "privileged")
        if is_set(privileged):
            found.append((f"{container.path}.securityContext.privileged", privileged, "has every device of the node"))
        visible = texts(graph, pods.view, container).get(_VISIBLE, "")
        asked = {**mapping(lookup(container.spec, "resources", "requests")), **mapping(lookup(container.spec, "resources", "limits"))}
        own = any(str(name).startswith(GPU_PREFIX) for name in asked)
        if visible and visible not in ("none", "void") and not own:
            found.append((f"{container.path}.env", True, f"sees GPUs that it did not ask for ({_VISIBLE})"))
    for where, value, what in found:
        yield Edge(Medium.DEVICES, tenant(pods.tenant), platform("nodes"), f"{pods.view} {what}, where other tenants' pods run",
                   (maker(pods.view, where),), value is True)
