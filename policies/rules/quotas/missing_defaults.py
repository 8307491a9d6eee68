"""QF-03: a pod that asks for nothing is counted as nothing."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import Unknown, items, lookup
from gpuplane.graph.tenancy import tenants_of_namespaces
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_NEEDED = (("defaultRequest", "cpu"), ("defaultRequest", "memory"), ("default", "memory"))


class MissingDefaults(Rule):
    """A ResourceQuota on CPU or memory refuses pods without requests, and where there is none they take a node unseen.

    The LimitRange of the namespace writes what a container leaves out. A limit without a request is the request as well.
    """

    id = "QF-03"
    title = "Every tenant namespace has a LimitRange with default requests and a default memory limit"
    severity = "medium"
    remedy = "Add a LimitRange of type Container with defaultRequest.cpu, defaultRequest.memory and default.memory."
    references = ("Kubernetes documentation: Limit Ranges", "NSA/CISA Kubernetes Hardening Guide v1.2: Resource policies")
    scope = "platform"
    looks_at = "tenant"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for name, tenant in tenants_of_namespaces(graph).items():
            namespace = graph.namespaces.get(name)
            if namespace is None:
                continue
            ranges = graph.inside(name, "LimitRange")
            limits = [view.get("spec", "limits") for view in ranges]
            parts = [part for each in limits for part in items(each) if lookup(part, "type") == "Container"]
            values = {(kind, what): [lookup(part, kind, what) for part in parts] for kind, what in _NEEDED}
            for what in ("cpu", "memory"):
                values["defaultRequest", what] += [lookup(part, "default", what) for part in parts]
            missing = [f"{kind}.{what}" for (kind, what), found in values.items() if all(value is None for value in found)]
            if any(isinstance(each, Unknown) for each in (*limits, *(value for found in values.values() for value in found))):
                yield self.unknown(graph, namespace, f"The defaults of namespace {name} are only known after apply.")
            elif missing:
                what = f"sets no {', '.join(missing)}" if ranges else "does not exist"
                yield self.fail(graph, namespace, f"The LimitRange of namespace {name} of tenant {tenant} {what}: pods that say nothing "
                                                  "escape the quota.")

    PASSES = (
        Example("defaults for what containers leave out", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: v1
kind: LimitRange
metadata: {name: tenant, namespace: support}
spec: {limits: [{type: Container, default: {memory: 1Gi}, defaultRequest: {cpu: 100m}}]}
"""),
    )
    FAILS = (
        Example("no LimitRange", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
""", "The LimitRange of namespace support of tenant support does not exist"),
        Example("bounds, but no defaults", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: v1
kind: LimitRange
metadata: {name: tenant, namespace: support}
spec: {limits: [{type: Container, max: {memory: 64Gi}, defaultRequest: {cpu: 100m}}]}
""", "sets no defaultRequest.memory, default.memory"),
    )
