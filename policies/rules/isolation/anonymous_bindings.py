"""TI-10: rights for callers that show no identity, or that nothing can take rights from."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.rbac import BINDINGS, bindings
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_WHY = {
    "system:anonymous": "callers without any identity",
    "system:unauthenticated": "callers without any identity",
    "system:masters": "a group that is past all authorization, so its rights cannot be taken back",
}
_DEFAULTS = {("cluster-admin", "system:masters"), ("system:public-info-viewer", "system:unauthenticated")}
"""Kubernetes' own bindings of these: administrators of the control plane, and what version and health it has (Using RBAC)."""


class AnonymousBindings(Rule):
    """Whoever reaches the API server has what is bound to the anonymous; nothing logs who it was."""

    id = "TI-10"
    title = "No binding to anonymous callers or to system:masters"
    severity = "critical"
    remedy = "Bind a group of your identity provider or a service account instead."
    references = ("CIS Kubernetes Benchmark 5.1.7", "Amazon EKS Best Practices Guide: Identity and Access Management (anonymous access)",
                  "Kubernetes documentation, RBAC good practices: Least privilege")
    scope = "object"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for binding in bindings(graph):
            for path in binding.unknown:
                yield self.unknown(graph, binding.view, f"Whom {binding.view} binds is only known after apply.", path)
            default = binding.view.name == binding.role_name and binding.view.kind == BINDINGS[1]
            for subject in binding.subjects:
                if subject.name in _WHY and not (default and (binding.role_name, subject.name) in _DEFAULTS):
                    yield self.fail(graph, binding.view, f"{binding.view} gives {binding.role_kind} {binding.role_name} to "
                                                         f"{subject.name}: {_WHY[subject.name]}.", subject.path)

    PASSES = (
        Example("a group of the identity provider", """
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: viewers, namespace: support}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: viewer}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: support-oncall}]
"""),
        Example("what Kubernetes itself tells everybody", """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: system:public-info-viewer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: system:public-info-viewer}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: system:unauthenticated}]
"""),
    )
    FAILS = (
        Example("a dashboard for everybody", """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: dashboard}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: system:anonymous}]
""", "gives ClusterRole view to system:anonymous"),
        Example("the group that no rule holds", """
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: admins, namespace: support}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: admin}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: system:masters}]
""", "past all authorization"),
    )
