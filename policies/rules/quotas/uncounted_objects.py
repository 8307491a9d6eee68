"""QF-12: a loop that makes objects fills etcd, addresses and the cloud's quotas for everybody."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import Unknown, mapping
from gpuplane.graph.tenancy import tenants_of_namespaces
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_COUNTED = ("pods", "services", "services.loadbalancers", "persistentvolumeclaims")


class UncountedObjects(Rule):
    """Quotas on CPU and GPUs do not stop a tenant from making ten thousand Services, claims or load balancers.

    Counted must be pods, Services, load balancers and volume claims, by their own names or as count/….
    """

    id = "QF-12"
    title = "Every tenant namespace limits how many objects it may hold"
    severity = "low"
    remedy = f"Add {', '.join(_COUNTED)} to the hard limits of a ResourceQuota."
    references = ("Kubernetes documentation: Resource Quotas, Object Count Quota", "Kubernetes documentation: Multi-tenancy, Quotas")
    scope = "platform"
    looks_at = "tenant"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for name, tenant in tenants_of_namespaces(graph).items():
            namespace = graph.namespaces.get(name)
            if namespace is None:
                continue
            hard = [view.get("spec", "hard") for view in graph.inside(name, "ResourceQuota")]
            if any(isinstance(each, Unknown) for each in hard):
                yield self.unknown(graph, namespace, f"What namespace {name} may hold is only known after apply.")
                continue
            counted = {str(key).removeprefix("count/") for each in hard for key in mapping(each)}
            missing = [each for each in _COUNTED if each not in counted]
            if missing:
                yield self.fail(graph, namespace, f"Namespace {name} of tenant {tenant} may hold any number of {', '.join(missing)}.")

    PASSES = (
        Example("counts of what is scarce", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: tenant, namespace: support}
spec: {hard: {pods: "500", count/services: "100", services.loadbalancers: "0", persistentvolumeclaims: "50"}}
"""),
    )
    FAILS = (
        Example("pods only", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: tenant, namespace: support}
spec: {hard: {pods: "500"}}
""", "may hold any number of services, services.loadbalancers, persistentvolumeclaims"),
    )
