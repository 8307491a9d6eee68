"""QF-08: whoever may choose any priority has all the GPUs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.graph.tenancy import home, tenants_of_namespaces
from gpuplane.policies.container_rule import PodRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example
from gpuplane.spec.vocabulary import PRIORITY_CLASS

_SYSTEM = "system-"
"""Beginning of the two classes that Kubernetes keeps for itself: they preempt everything."""


class InflatedPriorities(PodRule):
    """A tenant whose pods are system-cluster-critical, or that brings a class of its own, preempts everybody else on the nodes.

    Classes are the platform's: those that the graph holds and that bear no tenant, where it holds any, or those that the environment
    lists in policies.priority_classes.
    """

    id = "QF-08"
    title = "Tenants use priority classes of the platform only"
    severity = "high"
    remedy = "Use one of the platform's priority classes; new ones are added by the platform, with a quota scoped to them."
    references = ("Kubernetes documentation: Pod Priority and Preemption", "Kubernetes documentation: Resource Quotas, PriorityClass scope",
                  "Polaris: priorityClassNotSet")
    scope = "platform"
    looks_at = "tenant"
    effective = False

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        yield from super().check(graph)
        for view in graph.objects("PriorityClass", "WorkloadPriorityClass"):
            if graph.tenant_of(view) is not None:
                yield self.fail(graph, view, f"{view} belongs to tenant {graph.tenant_of(view)}, and ranks the pods of all.")
        for view in graph.kubernetes:
            if view.labels.get(PRIORITY_CLASS) is not None and home(view) in tenants_of_namespaces(graph):
                yield from self._named(
                    graph, view, view.labels[PRIORITY_CLASS], "WorkloadPriorityClass", f"metadata.labels.{PRIORITY_CLASS}")

    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        if home(view) not in tenants_of_namespaces(graph):
            return
        name, rank = template.spec.get("priorityClassName"), template.spec.get("priority")
        if name not in (None, ""):
            yield from self._named(graph, view, name, "PriorityClass", f"{template.path}.priorityClassName")
        elif rank is not None:
            yield self.fail(graph, view, f"{view} sets its priority to {rank} by itself.", f"{template.path}.priority")

    def _named(self, graph: PlannedGraph, view: ResourceView, name: object, kind: str, field: str) -> Iterator[Finding]:
        listed = graph.parameters.priority_classes
        allowed = set(listed) or _platform_classes(graph, kind)
        if isinstance(name, Unknown):
            yield self.unknown(graph, view, f"Which priority {view} has is only known after apply.", field)
        elif str(name).startswith(_SYSTEM):
            yield self.fail(graph, view, f"{view} of a tenant has priority class {name}, which preempts everybody.", field)
        elif allowed and name not in allowed:
            yield self.fail(
                graph, view, f"{view} has priority class {name}, which is none of the platform's ({', '.join(sorted(allowed))}).",
                            field)

    PASSES = (
        Example("a class of the platform", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: serving}
value: 1000
---
apiVersion: v1
kind: Pod
metadata: {name: chat, namespace: support}
spec: {priorityClassName: serving, containers: [{name: vllm, image: vllm}]}
"""),
        Example("the platform's own pods", """
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: kube-system}
spec: {priorityClassName: system-node-critical, containers: [{name: agent, image: agent}]}
"""),
    )
    FAILS = (
        Example("a tenant's pods above the system's", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {priorityClassName: system-cluster-critical, model: {modelFormat: {name: vLLM}}}}
""", "has priority class system-cluster-critical, which preempts everybody"),
        Example("a class that a tenant brings", """
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: mine, labels: {gpuplane.dev/tenant: support}}
value: 1000000
""", "PriorityClass mine belongs to tenant support"),
        Example("a class that the platform does not have", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: WorkloadPriorityClass
metadata: {name: standard}
value: 100
---
apiVersion: batch/v1
kind: Job
metadata: {name: tuning, namespace: support, labels: {kueue.x-k8s.io/priority-class: urgent}}
spec: {template: {spec: {containers: [{name: a, image: a}]}}}
""", "has priority class urgent, which is none of the platform's (standard)"),
    )


@lru_cache(maxsize=8)
def _platform_classes(graph: PlannedGraph, kind: str) -> frozenset[str]:
    """Names of the classes that bear no tenant."""
    return frozenset(view.name for view in graph.objects(kind) if graph.tenant_of(view) is None)
