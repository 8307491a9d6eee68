"""TI-12: pods that take turns on one GPU share its memory and its faults, so tenants must not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from gpuplane.graph.device_pools import DevicePool, device_pools
from gpuplane.graph.gpu_sharing import SHARED_STRATEGIES, UNRESOLVED, PluginConfig, sharing_configs
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pool_users import pool_users
from gpuplane.graph.resource_view import ResourceView, items, lookup
from gpuplane.graph.tenancy import classes_of_tenants, data_class, owner
from gpuplane.graph.workloads import gpu_workloads
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.vocabulary import is_personal


class SharedGpusBetweenTenants(Rule):
    """Time-slicing and MPS isolate neither memory nor faults: one tenant can read, starve or crash another's model."""

    id = "TI-12"
    title = "Tenants share a GPU only by MIG, and personal data never shares one by turns"
    severity = "critical"
    remedy = "Give each tenant whole GPUs or MIG devices; keep a time-sliced pool for one tenant without personal data."
    references = ("NVIDIA GPU Operator documentation: Time-Slicing GPUs", "NIST SP 800-190 §3.3.4, §4.3.4")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.objects("ResourceFlavor", "ClusterQueue"):
            yield from self.hidden(graph, view, "The use", "metadata.labels", "metadata.annotations", "spec.resourceGroups")
        for pool in device_pools(graph):
            users = _users(graph, pool)
            if pool.sharing in SHARED_STRATEGIES:
                yield from self._judge(graph, pool.view, f"Pool {pool.name} shares its GPUs by {pool.sharing}", users)
            elif pool.sharing == UNRESOLVED and users:
                yield self.unknown(graph, pool.view, f"The nodes of pool {pool.name} pick a sharing config that is not among the "
                                                     "objects that are judged.")
        if not device_pools(graph):
            yield from self._without_pools(graph)
        yield from self._claims(graph)

    def _judge(self, graph: PlannedGraph, view: ResourceView, what: str, users: dict[str, set[str]]) -> Iterator[Finding]:
        if len(users) > 1:
            yield self.fail(graph, view, f"{what}, and {len(users)} tenants may use it: {', '.join(sorted(users))}.")
        for tenant in sorted(users):
            if any(is_personal(data) for data in users[tenant]):
                yield self.fail(graph, view, f"{what}, and tenant {tenant}, whose data is personal, may use it.")

    def _without_pools(self, graph: PlannedGraph) -> Iterator[Finding]:
        """A default config that shares holds on every node, also on nodes that no object here describes."""
        configs = sharing_configs(graph)
        shared: PluginConfig | None = configs.plugin.get(configs.default)
        if shared is not None and shared.strategy in SHARED_STRATEGIES:
            users: dict[str, set[str]] = defaultdict(set)
            for workload in gpu_workloads(graph):
                _add(graph, users, owner(graph, workload.view), workload.view)
            yield from self._judge(graph, shared.view, f"{shared.view} shares all GPUs by {shared.strategy}", users)

    def _claims(self, graph: PlannedGraph) -> Iterator[Finding]:
        """Device claims (DRA) of tenants with personal data that ask for a shared GPU."""
        for view in graph.objects("ResourceClaim", "ResourceClaimTemplate"):
            devices = view.get("spec", "spec", "devices") if view.kind == "ResourceClaimTemplate" else view.get("spec", "devices")
            for index, config in enumerate(items(lookup(devices, "config"))):
                strategy = lookup(config, "opaque", "parameters", "sharing", "strategy")
                if strategy in ("TimeSlicing", "MPS") and is_personal(data_class(graph, view)):
                    yield self.fail(graph, view, f"{view}, whose data is personal, claims a GPU that is shared by {strategy}.",
                                    f"spec.devices.config[{index}]")

    PASSES = (
        Example("two tenants on MIG devices", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: a100-mig, annotations: {gpuplane.dev/sharing: mig}}
spec: {nodeLabels: {gpuplane.dev/pool: a100-mig}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
spec: {resourceGroups: [{coveredResources: [nvidia.com/mig-1g.10gb],
  flavors: [{name: a100-mig, resources: [{name: nvidia.com/mig-1g.10gb, nominalQuota: "3"}]}]}]}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: search, labels: {gpuplane.dev/tenant: search}}
spec: {resourceGroups: [{coveredResources: [nvidia.com/mig-1g.10gb],
  flavors: [{name: a100-mig, resources: [{name: nvidia.com/mig-1g.10gb, nominalQuota: "4"}]}]}]}
"""),
    )
    FAILS = (
        Example("two tenants on one time-sliced pool", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: l4, annotations: {gpuplane.dev/sharing: time-slicing}}
spec: {nodeLabels: {gpuplane.dev/pool: l4}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
spec: {resourceGroups: [{flavors: [{name: l4, resources: [{name: nvidia.com/gpu, nominalQuota: "4"}]}]}]}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: search, labels: {gpuplane.dev/tenant: search}}
spec: {resourceGroups: [{flavors: [{name: l4, resources: [{name: nvidia.com/gpu, nominalQuota: "4"}]}]}]}
""", "2 tenants may use it: search, support"),
        Example("personal data on a default config that shares by turns", """
apiVersion: v1
kind: ConfigMap
metadata: {name: plugin, namespace: gpu-operator}
data:
  all: |
    version: v1
    sharing: {timeSlicing: {resources: [{name: nvidia.com/gpu, replicas: 4}]}}
---
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support, gpuplane.dev/data-classification: personal}}
---
apiVersion: v1
kind: Pod
metadata: {name: chat, namespace: support}
spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}
""", "tenant support, whose data is personal"),
    )


def _users(graph: PlannedGraph, pool: DevicePool) -> dict[str, set[str]]:
    """Tenants that may use a pool, with their data classes: by quota, and by workloads that select it."""
    users: dict[str, set[str]] = defaultdict(set)
    for tenant, views in pool_users(graph, pool).items():
        for view in views:
            _add(graph, users, tenant, view)
    return users


def _add(graph: PlannedGraph, users: dict[str, set[str]], tenant: str | None, view: ResourceView) -> None:
    if tenant is None:
        return
    own = data_class(graph, view)
    users[tenant] |= classes_of_tenants(graph).get(tenant, frozenset()) | ({own} if own is not None else frozenset())
