"""Namespaces in which nothing holds: no quota, no network policy, no admission policy, no Pod Security level."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.bypass.enforcement import guards
from gpuplane.graph.bypass.way import Way
from gpuplane.graph.label_selectors import selects
from gpuplane.graph.network_policies import network_policies
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.queues import namespace_labels
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.tenancy import SYSTEM_NAMESPACES

_ENFORCE = "pod-security.kubernetes.io/enforce"


def ways(graph: PlannedGraph) -> Iterator[Way]:
    """One way for each thing that a namespace lacks; Kubernetes' own namespaces are its own."""
    for name, view in sorted(graph.namespaces.items()):
        if name in SYSTEM_NAMESPACES:
            continue
        tenant = graph.tenant_of(view)
        if not any(each.namespace == name for each in graph.objects("ResourceQuota")):
            yield _way(graph, view, "no ResourceQuota, so what runs there is counted by nothing but nodes", "ResourceQuota",
                       "Add a ResourceQuota for requests of CPU, memory and GPUs.")
        if not any(rules.covers_all(name) and rules.denies("Ingress") for rules in network_policies(graph)):
            yield _way(graph, view, "no NetworkPolicy that denies by default, so any pod of the cluster reaches it", "NetworkPolicy",
                       "Add a NetworkPolicy that selects all pods and opens named peers only.")
        labels = namespace_labels(view)
        seen = [guard.name for guard in guards(graph) if guard.view.kind == "ValidatingAdmissionPolicyBinding"
                and (guard.namespaces is None or selects(guard.namespaces, labels))]
        if not seen:
            yield _way(graph, view, "no admission policy, so what comes past the pipelines is asked nothing",
                       "ValidatingAdmissionPolicyBinding", "Let a binding's namespaceSelector select it; a tenant's needs its label.")
        if view.labels.get(_ENFORCE) is None and tenant is None:
            yield _way(graph, view, "no Pod Security level, so privileged pods start there", _ENFORCE, f"Label it {_ENFORCE}: baseline.")


def _way(graph: PlannedGraph, view: ResourceView, lacks: str, kind: str, remedy: str) -> Way:
    tenant = graph.tenant_of(view)
    proof = f"{view} metadata.labels has no {kind}"
    if kind != _ENFORCE:
        proof = f"{len(graph.objects(kind))} objects of kind {kind}, and none holds in {view.name}"
    return Way("open namespace", "high" if tenant else "medium", view, "metadata", f"Namespace {view.name} has {lacks}.", (proof,), remedy)
