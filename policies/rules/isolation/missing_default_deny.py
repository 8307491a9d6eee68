"""TI-01: where nothing denies by default, every pod of every tenant can call every other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from gpuplane.graph.network_policies import DIRECTIONS, policies_in
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import TEMPLATE_KINDS, pod_templates
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.tenancy import SYSTEM_NAMESPACES, home, tenants_of_namespaces
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule


class MissingDefaultDeny(Rule):
    """Without a default deny in both directions a break-in spreads sideways, and stolen data finds a way out.

    A tenant's namespace must be closed as a whole; elsewhere it is enough that a policy isolates each workload.
    """

    id = "TI-01"
    title = "Every tenant namespace denies ingress and egress by default"
    severity = "critical"
    remedy = "Add a NetworkPolicy with podSelector: {} and policyTypes [Ingress, Egress] and no rules, then allow by name."
    references = ("CIS Kubernetes Benchmark 5.3.2", "NSA/CISA Kubernetes Hardening Guide v1.2: Network separation",
                  "NIST SP 800-190 §3.3.3, §4.3.3")
    scope = "platform"
    looks_at = "tenant"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for policy in graph.objects("NetworkPolicy"):
            yield from self.hidden(graph, policy, "What is closed", "spec.podSelector", "spec.policyTypes")
        for space in graph.namespaces.values():
            yield from self.hidden(graph, space, "The tenant", "metadata.labels")
        workloads: dict[str, list[ResourceView]] = defaultdict(list)
        for view, _ in graph.pods:
            if view.kind not in TEMPLATE_KINDS:
                workloads[home(view)].append(view)
        tenants = tenants_of_namespaces(graph)
        for name in sorted({*workloads, *graph.namespaces, *tenants} - SYSTEM_NAMESPACES):
            place = graph.namespaces.get(name)
            inside = [view for view in [place, *workloads[name]] if view is not None]
            if name in tenants:
                inside = inside or [view for view in graph.kubernetes if view.namespace == name]
                yield from self._tenant(graph, name, tenants[name], inside)
            elif workloads[name]:
                yield from self._open_workloads(graph, name, workloads[name])
            elif place is not None and not policies_in(graph, name):
                yield self.fail(graph, place, f"No network policy holds in namespace {name}.")

    def _tenant(self, graph: PlannedGraph, namespace: str, tenant: str, inside: list[ResourceView]) -> Iterator[Finding]:
        closing = [policy for policy in policies_in(graph, namespace) if policy.covers_all(namespace)]
        missing = [each for each in DIRECTIONS if not any(policy.denies(each) for policy in closing)]
        if missing:
            yield self.fail(
                graph, inside[0], f"Namespace {namespace} of tenant {tenant} has no network policy for all its pods that "
                f"denies {' and '.join(missing).lower()} by default.")

    def _open_workloads(self, graph: PlannedGraph, namespace: str, workloads: list[ResourceView]) -> Iterator[Finding]:
        for view in workloads:
            bare = [template for template in pod_templates(view)
                    if not any("Ingress" in policy.isolates and policy.covers(namespace, {**_worn(view), **template.labels})
                               for policy in policies_in(graph, namespace))]
            if bare:
                yield self.fail(graph, view, f"No network policy closes the pods of {view} to other pods.", bare[0].path)

    PASSES = (
        Example("one policy for all pods closes both directions", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: support}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
"""),
        Example("outside of tenants a policy that selects the pod is enough", """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: tools, labels: {app: web}}
spec: {containers: [{name: web, image: web}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: tools}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 8080}]}]}
"""),
    )
    FAILS = (
        Example("egress stays open", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: support}
spec: {podSelector: {}, policyTypes: [Ingress]}
""", "denies egress by default"),
        Example("the deny selects only some pods", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: support}
spec: {podSelector: {matchLabels: {app: chat}}, policyTypes: [Ingress, Egress]}
""", "denies ingress and egress by default"),
        Example("a pod that no policy selects", """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: tools, labels: {app: web}}
spec: {containers: [{name: web, image: web}]}
""", "No network policy closes the pods of Pod tools/web"),
    )


def _worn(view: ResourceView) -> dict[str, object]:
    """Labels that a pod has by itself; those of other kinds' pods stand in their templates."""
    return dict(view.labels) if view.kind == "Pod" else {}
