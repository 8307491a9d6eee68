"""TI-08: rights to become somebody else, and a shell beside a model, where prompts lie in memory."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.access import AccessRule
from gpuplane.graph.break_glass import is_break_glass, objection
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.rbac import RBAC, USER_FACING, Binding, Role, allowed, bindings, bindings_of
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.tenancy import data_class
from gpuplane.policies.finding import Finding
from gpuplane.policies.role_rule import RoleRule, listed
from gpuplane.policies.rule import Example
from gpuplane.spec.vocabulary import is_personal

_IDENTITIES = (("", "users"), ("", "groups"), ("", "serviceaccounts"), ("authentication.k8s.io", "userextras"),
               ("authentication.k8s.io", "uids"))
_RIGHTS: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    (RBAC, "roles", ("escalate", "bind"), "give itself any right"),
    (RBAC, "clusterroles", ("escalate", "bind"), "give itself any right"),
    *((group, resource, ("impersonate",), "act as somebody else") for group, resource in _IDENTITIES),
    ("", "nodes/proxy", ("get", "create"), "run commands in every pod of a node, past admission and audit"),
    ("", "services/status", ("update", "patch"), "draw the traffic of an outside address to itself (CVE-2020-8554)"),
)
_SHELLS = ("pods/exec", "pods/attach", "pods/portforward")


class EscalatingRights(RoleRule):
    """Whoever may bind, escalate or impersonate has every right; a shell in a pod reads what the model was just told.

    A shell is let pass outside production, except where data is personal, and where every binding of the role is for an
    emergency: with a reason, an approver and a last day that is near.
    """

    id = "TI-08"
    title = "No role escalates, impersonates or opens a shell in production"
    remedy = "Remove the right. For an emergency, bind a role of its own with break_glass: reason, approver and last day."
    references = ("CIS Kubernetes Benchmark 5.1.8, 5.1.10", "MITRE ATT&CK T1609 (Container Administration Command)",
                  "Kubernetes documentation, RBAC good practices: Privilege escalation risks")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        yield from super().check(graph)
        for binding in bindings(graph):
            if is_break_glass(binding.view) and (why := objection(graph, binding.view)):
                yield self.fail(graph, binding.view, f"{binding.view} is for an emergency, but {why}.", "metadata.annotations")
            for path in binding.unknown:
                yield self.unknown(graph, binding.view, f"Who holds which role by {binding.view} is only known after apply.", path)
            if not binding.known and not binding.unknown and not _told_elsewhere(binding):
                yield self.unknown(graph, binding.view, f"{binding.view} gives {binding.role_kind} {binding.role_name}, which is not "
                                                        "among the objects that are judged.", "roleRef")

    def right(self, graph: PlannedGraph, role: Role, rule: AccessRule) -> Iterator[Finding]:
        found: dict[str, list[str]] = {}
        for group, resource, risky, so in _RIGHTS:
            for verb in allowed(rule, group, resource, *risky):
                found.setdefault(so, []).append(f"{verb} {resource}")
        for so, rights in found.items():
            yield self.fail(graph, role.view, f"{role.view} may {listed(rights)}, and so {so}.", rule.path)
        shells = [what for what in _SHELLS if allowed(rule, "", what, "create", "get")]
        if shells and not _excused(graph, role):
            yield self.fail(graph, role.view, f"{role.view} may use {listed(shells)}, and so see what models hold in memory.", rule.path)

    PASSES = (
        Example("logs and pods, but no shell", """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: developer, namespace: support}
rules: [{apiGroups: [""], resources: [pods, pods/log], verbs: [get, list, watch]}]
"""),
        Example("a shell in a namespace that says it is no production, and has no personal data", """
apiVersion: v1
kind: Namespace
metadata: {name: search, labels: {gpuplane.dev/environment: dev, gpuplane.dev/data-classification: internal}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: operator, namespace: search}
rules: [{apiGroups: [""], resources: [pods/exec], verbs: [create]}]
"""),
        Example("a shell for an emergency", """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: break-glass, namespace: support}
rules: [{apiGroups: [""], resources: [pods/exec], verbs: [create]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: incident
  namespace: support
  annotations:
    gpuplane.dev/break-glass-reason: answers stopped after the update
    gpuplane.dev/break-glass-approver: security@example.com
    gpuplane.dev/break-glass-expires: "2026-11-23"
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: break-glass}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: support-ml}]
"""),
    )
    FAILS = (
        Example("a shell in production", """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: operator, namespace: support, labels: {gpuplane.dev/environment: prod}}
rules: [{apiGroups: [""], resources: [pods/exec], verbs: [create]}]
""", "Role support/operator may use pods/exec"),
        Example("a shell beside personal data", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/environment: dev, gpuplane.dev/data-classification: personal}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: operator, namespace: support}
rules: [{apiGroups: [""], resources: ["*"], verbs: [get]}]
""", "may use pods/exec, pods/attach and pods/portforward"),
        Example("somebody else's identity", """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: support}
rules: [{apiGroups: [""], resources: [users, groups], verbs: [impersonate]}]
""", "may impersonate users and impersonate groups, and so act as somebody else"),
        Example("an emergency that is over", """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: break-glass, namespace: support}
rules: [{apiGroups: [""], resources: [pods/exec], verbs: [create]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: incident
  namespace: support
  annotations:
    gpuplane.dev/break-glass-reason: answers stopped after the update
    gpuplane.dev/break-glass-approver: security@example.com
    gpuplane.dev/break-glass-expires: "2026-10-01"
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: break-glass}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: support-ml}]
""", "is for an emergency, but ended on 2026-10-01"),
        Example("a role that nobody can look at", """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: vendor}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: vendor-agent}
subjects: [{kind: ServiceAccount, name: agent, namespace: vendor}]
""", "which is not among the objects that are judged"),
    )


def _told_elsewhere(binding: Binding) -> bool:
    """Kubernetes' own roles: the ones for people are judged by their names (TI-05), the others are for its own components."""
    return binding.role_kind == "ClusterRole" and (binding.role_name in USER_FACING or binding.role_name.startswith("system:"))


def _excused(graph: PlannedGraph, role: Role) -> bool:
    """Whether a shell is let pass: nowhere in production nor beside personal data, except where each holder has an emergency."""
    holders = bindings_of(graph).get(role.view.urn, ())
    places = [role.view] if role.view.kind == "Role" else [binding.view for binding in holders]
    if places and all(_harmless(graph, place) for place in places):
        return True
    # One that ended or says too little is a finding of its own, on the binding.
    return bool(holders) and all(is_break_glass(binding.view) for binding in holders)


def _harmless(graph: PlannedGraph, place: ResourceView) -> bool:
    elsewhere = graph.parameters.production is False or bool(graph.says(place, "environment"))
    return elsewhere and not graph.in_production(place) and not is_personal(data_class(graph, place))
