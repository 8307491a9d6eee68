"""TI-13: the most sensitive data runs on nodes that its tenant has alone, because a kernel is no border."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpuplane.graph.device_pools import DevicePool, device_pools
from gpuplane.graph.node_taints import Taint, hard_taints
from gpuplane.graph.placement import candidates, node_choices, open_to
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import TEMPLATE_KINDS, PodTemplate
from gpuplane.graph.resource_view import ResourceView, items, unknowns
from gpuplane.graph.serving_runtimes import effective_templates
from gpuplane.graph.tenancy import bears, data_class, owner
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_BORNE = ("spec.nodeLabels", "spec.nodeTaints", "spec.tolerations", "spec.template", "labels", "taints")
"""Where a ResourceFlavor, a Karpenter NodePool and an EKS node group say what their nodes bear."""
_PLACING = ("nodeSelector", "tolerations", "affinity")
"""Where a pod says which nodes it runs on."""


class SharedNodes(Rule):
    """Pods of one node share its kernel, disk and network card: whoever breaks out of one reads all of them.

    It holds for the data classes of ``policies.dedicated_nodes_for``. The pod insists on the pool by its labels, the pool's nodes
    bear a taint with the tenant's name, and no pod of another tenant tolerates it.
    """

    id = "TI-13"
    title = "Tenants with the most sensitive data have nodes of their own"
    severity = "high"
    remedy = ("Give the tenant a pool with a taint that names it (`gpuplane.dev/tenant=NAME:NoSchedule`), and let its workloads, and no "
              "others, select and tolerate it.")
    references = ("NIST SP 800-190 §4.3.4", "Kubernetes documentation, Multi-tenancy: Node isolation")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        classes = frozenset(graph.parameters.dedicated_nodes_for)
        pools = device_pools(graph) if any(data_class(graph, view) in classes for view, _ in graph.pods) else ()
        for pool in pools:
            yield from self.hidden(graph, pool.view, "What the nodes bear", *_BORNE)
        taints = {pool.name: tuple(hard_taints(graph, pool.view, pool.node_labels)) for pool in pools}
        for view, _ in graph.pods:
            own, data = owner(graph, view), data_class(graph, view)
            for template in effective_templates(graph, view) if own and data in classes and view.kind not in TEMPLATE_KINDS else ():
                what = f"Pods of {view}, whose data is {data},"
                if any(True for key in _PLACING for _ in unknowns(template.spec.get(key))) or template.unknown:
                    yield self.unknown(graph, view, f"{what} run on nodes that are only known after apply.", template.path)
                elif not node_choices(template):
                    yield self.fail(graph, view, f"{what} insist on no nodes, so they run beside anybody's.",
                                    f"{template.path}.nodeSelector")
                elif not pools:
                    yield self.unknown(graph, view, f"{what} run on nodes that are not among the objects that are judged.", template.path)
                else:
                    places = [(pool, taints[pool.name]) for pool in candidates(template, pools)]
                    yield from self._on(graph, view, template, what, str(own), places)

    def _on(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, what: str, own: str,
            places: Sequence[tuple[DevicePool, tuple[Taint, ...]]]) -> Iterator[Finding]:
        for pool, taints in places:
            named = [taint for taint in taints if bears(taint.value, own) or bears(taint.key.rpartition("/")[2], own)]
            others = _others(graph, pool, taints, own)
            if not named:
                yield self.fail(graph, view, f"{what} may run on pool {pool.name}, which no taint keeps for tenant {own}.", template.path)
            elif others is not None:
                yield self.fail(graph, view, f"{what} share pool {pool.name} with {others}, whose pods tolerate its taints.", template.path)

    PASSES = (
        Example("a pool with the tenant's own taint", """
apiVersion: v1
kind: Namespace
metadata: {name: clinic, labels: {gpuplane.dev/tenant: clinic, gpuplane.dev/data-classification: special}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100, annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/gpu": 8}', gpuplane.dev/max-nodes: "2"}}
spec: {nodeLabels: {gpuplane.dev/pool: h100}, nodeTaints: [{key: gpuplane.dev/tenant, value: clinic, effect: NoSchedule}]}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: clinic}
spec:
  nodeSelector: {gpuplane.dev/pool: h100}
  tolerations: [{key: gpuplane.dev/tenant, value: clinic, effect: NoSchedule}]
  containers: [{name: server, image: server}]
"""),
        Example("data that may stand beside others'", """
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: support, labels: {gpuplane.dev/tenant: support, gpuplane.dev/data-classification: internal}}
spec: {containers: [{name: server, image: server}]}
"""),
    )
    FAILS = (
        Example("a pod that runs anywhere", """
apiVersion: v1
kind: Namespace
metadata: {name: clinic, labels: {gpuplane.dev/tenant: clinic, gpuplane.dev/data-classification: special}}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: clinic}
spec: {containers: [{name: server, image: server}]}
""", "insist on no nodes"),
        Example("a pool for everybody with GPUs", """
apiVersion: v1
kind: Namespace
metadata: {name: clinic, labels: {gpuplane.dev/tenant: clinic, gpuplane.dev/data-classification: special}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100, annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/gpu": 8}', gpuplane.dev/max-nodes: "2"}}
spec: {nodeLabels: {gpuplane.dev/pool: h100}, nodeTaints: [{key: nvidia.com/gpu, value: present, effect: NoSchedule}]}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: clinic}
spec:
  nodeSelector: {gpuplane.dev/pool: h100}
  tolerations: [{key: nvidia.com/gpu, operator: Exists}]
  containers: [{name: server, image: server}]
""", "may run on pool h100, which no taint keeps for tenant clinic"),
        Example("another tenant's pods on the tenant's nodes", """
apiVersion: v1
kind: Namespace
metadata: {name: clinic, labels: {gpuplane.dev/tenant: clinic, gpuplane.dev/data-classification: special}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100, annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/gpu": 8}', gpuplane.dev/max-nodes: "2"}}
spec: {nodeLabels: {gpuplane.dev/pool: h100}, nodeTaints: [{key: gpuplane.dev/tenant, value: clinic, effect: NoSchedule}]}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: clinic}
spec:
  nodeSelector: {gpuplane.dev/pool: h100}
  tolerations: [{key: gpuplane.dev/tenant, value: clinic, effect: NoSchedule}]
  containers: [{name: server, image: server}]
---
apiVersion: v1
kind: Pod
metadata: {name: batch, namespace: search, labels: {gpuplane.dev/tenant: search}}
spec: {tolerations: [{operator: Exists}], containers: [{name: batch, image: batch}]}
""", "share pool h100 with Pod search/batch"),
    )


def _others(graph: PlannedGraph, pool: DevicePool, taints: Sequence[Taint], own: str) -> ResourceView | None:
    """The first workload of another tenant, or of nobody's namespace, whose pods may land on the pool."""
    for view, templates in graph.pods:
        if owner(graph, view) != own and view.kind not in TEMPLATE_KINDS:
            for template in templates:
                tolerations = items(template.spec.get("tolerations"))
                hidden = any(True for _ in unknowns(template.spec.get("tolerations"))) or bool(template.unknown)
                if open_to(template, pool.node_labels) and (hidden or all(taint.tolerated(tolerations) for taint in taints)):
                    return view
    return None
