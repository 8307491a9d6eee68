"""TI-04: the namespace's own word to the API server, which holds for pods that no pipeline has seen."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import Unknown
from gpuplane.graph.tenancy import SYSTEM_NAMESPACES
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

ENFORCE = "pod-security.kubernetes.io/enforce"
_LEVELS = ("privileged", "baseline", "restricted")


class UnrestrictedNamespaces(Rule):
    """Pod Security admission refuses what a rule before apply never saw: a pod made by hand, by a controller, or after a break-in.

    A tenant's namespace enforces ``restricted``, the platform's at least ``baseline``. A webhook is no stand-in: it can be down.
    """

    id = "TI-04"
    title = "Every tenant namespace enforces the restricted Pod Security Standard"
    severity = "high"
    remedy = f"Label the namespace {ENFORCE}: restricted; a namespace that needs more gets an exemption with an end."
    references = ("CIS Kubernetes Benchmark 5.2.1", "Kubernetes Pod Security Standards", "Kubernetes documentation, Pod Security Admission")
    scope = "object"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for name, view in sorted(graph.namespaces.items()):
            if name in SYSTEM_NAMESPACES:
                continue
            level, tenant = view.labels.get(ENFORCE), graph.tenant_of(view)
            needed = "restricted" if tenant else "baseline"
            whose = f"{view} of tenant {tenant}" if tenant else str(view)
            if isinstance(level, Unknown):
                yield self.unknown(graph, view, f"What {whose} enforces is only known after apply.", f"metadata.labels.{ENFORCE}")
            elif level is None:
                yield self.fail(graph, view, f"{whose} enforces no Pod Security Standard.", "metadata.labels")
            elif level not in _LEVELS or _LEVELS.index(level) < _LEVELS.index(needed):
                yield self.fail(graph, view, f"{whose} enforces {level!r}; it has to be {needed}.", f"metadata.labels.{ENFORCE}")

    PASSES = (
        Example("a tenant's namespace that enforces the strictest standard", """
apiVersion: v1
kind: Namespace
metadata:
  name: support
  labels: {gpuplane.dev/tenant: support, pod-security.kubernetes.io/enforce: restricted, pod-security.kubernetes.io/enforce-version: v1.36}
"""),
        Example("a platform namespace whose agents need more than restricted", """
apiVersion: v1
kind: Namespace
metadata: {name: monitoring, labels: {pod-security.kubernetes.io/enforce: baseline}}
"""),
    )
    FAILS = (
        Example("no standard at all", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support, pod-security.kubernetes.io/warn: restricted}}
""", "Namespace support of tenant support enforces no Pod Security Standard"),
        Example("less than a tenant may have", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support, pod-security.kubernetes.io/enforce: baseline}}
""", "enforces 'baseline'; it has to be restricted"),
        Example("a word that the API server would refuse", """
apiVersion: v1
kind: Namespace
metadata: {name: tools, labels: {pod-security.kubernetes.io/enforce: strict}}
""", "enforces 'strict'; it has to be baseline"),
    )
