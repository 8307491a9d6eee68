"""TI-18: what is in nobody's namespace is inside nobody's border."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import TEMPLATE_KINDS, PodTemplate, pod_templates
from gpuplane.graph.rbac import RBAC
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.tenancy import SYSTEM_NAMESPACES
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_NAMESPACED = {
    "": ("ConfigMap", "Endpoints", "LimitRange", "PersistentVolumeClaim", "PodTemplate", "ResourceQuota", "Secret", "Service", "ServiceAccount"),
    "autoscaling": ("HorizontalPodAutoscaler",), "batch": ("CronJob", "Job"), "coordination.k8s.io": ("Lease",),
    "discovery.k8s.io": ("EndpointSlice",), "networking.k8s.io": ("Ingress", "NetworkPolicy"), "policy": ("PodDisruptionBudget",),
    RBAC: ("Role", "RoleBinding"), "storage.k8s.io": ("CSIStorageCapacity",), "apps": ("ControllerRevision",),
}
"""Kinds of Kubernetes that go to ``default`` where no namespace is written; of others only pods are known to."""
_KUBERNETES = {("Service", "kubernetes"), ("Endpoints", "kubernetes"), ("EndpointSlice", "kubernetes"), ("ServiceAccount", "default"),
               ("ConfigMap", "kube-root-ca.crt")}
"""What the control plane itself keeps in ``default``."""
_SLICES = "endpointslice.kubernetes.io/managed-by"
_SLICE_CONTROLLERS = ("endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io")


class ForeignNamespaces(Rule):
    """No quota, network policy or role of a tenant holds in ``default``, in Kubernetes' own namespaces or in the platform's."""

    id = "TI-18"
    title = "Nothing is in the default namespace, and no tenant's workload in the platform's"
    severity = "medium"
    remedy = "Write the tenant's namespace into metadata.namespace."
    references = ("CIS Kubernetes Benchmark 5.7.1, 5.7.4",)
    scope = "object"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.kubernetes:
            if view.namespace == "default" and not _kept_by_kubernetes(view):
                yield self.fail(graph, view, f"{view} is in the default namespace.", "metadata.namespace")
            elif not view.namespace and _lands_in_default(view):
                yield self.fail(graph, view, f"{view} names no namespace, so it goes to the default one.", "metadata")
        for view, templates in graph.pods:
            tenant = _worn_tenant(graph, view, templates)
            if tenant and (place := _platforms(graph, view)):
                yield self.fail(graph, view, f"{view} of tenant {tenant} runs in {place}.", "metadata.namespace")

    PASSES = (
        Example("a tenant's namespace", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: support, labels: {gpuplane.dev/tenant: support}}
spec: {containers: [{name: server, image: server}]}
"""),
        Example("what Kubernetes keeps there itself", """
apiVersion: v1
kind: Service
metadata: {name: kubernetes, namespace: default}
spec: {ports: [{port: 443}]}
"""),
    )
    FAILS = (
        Example("a workload without a namespace", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat}
spec: {predictor: {model: {modelFormat: {name: vLLM}}}}
""", "InferenceService chat names no namespace"),
        Example("an autoscaler in the default one", """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: chat, namespace: default}
spec: {maxReplicas: 2}
""", "HorizontalPodAutoscaler default/chat is in the default namespace"),
        Example("a tenant's job beside the control plane", """
apiVersion: batch/v1
kind: Job
metadata: {name: tuning, namespace: kube-system, labels: {gpuplane.dev/tenant: support}}
spec: {template: {spec: {containers: [{name: tuning, image: tuning}]}}}
""", "Job kube-system/tuning of tenant support runs in Kubernetes' own namespace kube-system"),
        Example("a tenant's job in the platform's namespace", """
apiVersion: v1
kind: Namespace
metadata: {name: monitoring}
---
apiVersion: batch/v1
kind: Job
metadata: {name: tuning, namespace: monitoring}
spec: {template: {metadata: {labels: {gpuplane.dev/tenant: support}}, spec: {containers: [{name: tuning, image: tuning}]}}}
""", "runs in the platform's namespace monitoring"),
    )


def _kept_by_kubernetes(view: ResourceView) -> bool:
    return (view.kind, view.name) in _KUBERNETES or (view.kind == "EndpointSlice" and view.labels.get(_SLICES) in _SLICE_CONTROLLERS)


def _lands_in_default(view: ResourceView) -> bool:
    return view.kind in _NAMESPACED.get(view.group, ()) or (view.kind not in TEMPLATE_KINDS and bool(pod_templates(view)))


def _worn_tenant(graph: PlannedGraph, view: ResourceView, templates: tuple[PodTemplate, ...]) -> str:
    """The tenant that an object or its pods bear themselves; a namespace's word is what this compares with."""
    key = graph.labels.tenant
    worn = [view.labels.get(key), view.annotations.get(key), *(template.labels.get(key) for template in templates)]
    return next((word for word in worn if isinstance(word, str) and word), "")


def _platforms(graph: PlannedGraph, view: ResourceView) -> str:
    if view.namespace in SYSTEM_NAMESPACES:
        return f"Kubernetes' own namespace {view.namespace}"
    place = graph.namespaces.get(view.namespace)
    return f"the platform's namespace {view.namespace}" if place is not None and not graph.tenant_of(place) else ""
