"""TI-05: bindings by which a tenant, or a pod that somebody breaks into, owns the cluster."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.access import AccessRule, Subject
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.rbac import READ, WRITE, Binding, allowed, bindings, everything, is_reserved, roles, shown
from gpuplane.graph.resource_view import Unknown
from gpuplane.graph.tenancy import home, tenants_of_namespaces
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_TAKEOVER: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("", "secrets", READ), ("", "pods/exec", ("create", "get")), ("", "nodes/proxy", ("get", "create")),
    ("", "serviceaccounts/token", ("create",)), ("", "serviceaccounts", ("impersonate",)), ("", "users", ("impersonate",)),
    ("rbac.authorization.k8s.io", "clusterroles", ("escalate", "bind")),
    ("rbac.authorization.k8s.io", "clusterrolebindings", ("create", "update", "patch")),
    *((group, kind, ("create", *WRITE[1:3])) for group, kind in (
        ("", "pods"), ("apps", "deployments"), ("apps", "daemonsets"), ("apps", "statefulsets"), ("batch", "jobs"), ("batch", "cronjobs"))),
)
"""What, in every namespace, leads to every right: to read or make credentials, or to run a pod as any service account."""


class ClusterAdmins(Rule):
    """An administrator of the cluster is nobody's tenant: all borders between tenants are his to change."""

    id = "TI-05"
    title = "No tenant and no workload is an administrator of the cluster"
    severity = "critical"
    remedy = "Bind a Role of the own namespace with the rights that are needed; keep cluster-admin for an emergency, outside of this."
    references = ("CIS Kubernetes Benchmark 5.1.1", "Kubernetes documentation, RBAC good practices: Least privilege")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for role in roles(graph):
            for path in role.unknown:
                yield self.unknown(graph, role.view, f"What {role.view} allows is only known after apply.", path)
        for binding in bindings(graph):
            for path in binding.unknown:
                yield self.unknown(graph, binding.view, f"Who holds which role by {binding.view} is only known after apply.", path)
            people = {index: subject for index, subject in enumerate(binding.subjects) if not is_reserved(subject)}
            if (why := _administers(graph, binding)) and (people or not binding.subjects):
                whom = ", ".join(shown(subject) for subject in people.values()) or "nobody yet"
                yield self.fail(graph, binding.view, f"{binding.view} makes {whom} {why}.", "roleRef")
            elif not binding.namespace:
                for index, subject in people.items():
                    yield from self._pods(graph, binding, subject, f"subjects[{index}]")

    def _pods(self, graph: PlannedGraph, binding: Binding, subject: Subject, path: str) -> Iterator[Finding]:
        """A service account of pods that, through rights in every namespace, gets all others."""
        user = _user(graph, subject)
        risky = next((right for rule in binding.rules if (right := _takes_over(rule))), "")
        if user and risky:
            yield self.fail(graph, binding.view, f"{binding.view} lets {user} {risky} in every namespace, and so take over the cluster.",
                            path)

    PASSES = (
        Example("a role of the own namespace", """
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: admins, namespace: support}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: admin}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: support-ml}]
"""),
        Example("what Kubernetes itself binds", """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: cluster-admin}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:masters"}]
"""),
    )
    FAILS = (
        Example("cluster-admin for a team", """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ml-team}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: support-ml}]
""", "makes Group support-ml an administrator of everything (cluster-admin)"),
        Example("all rights under another name", """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: platform}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {team: platform}}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: part, labels: {team: platform}}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: [get, list, watch, create, update, patch, delete]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: platform, namespace: support}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: platform}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}]
""", "makes User jane an administrator of namespace support (all rights on all objects)"),
        Example("edit, which has a shell and every Secret, in a tenant's namespace", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: developers, namespace: support}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: support-ml}]
""", "edit: a shell, every Secret"),
        Example("a pod that reads the Secrets of all namespaces", """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: collector}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: collector}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: collector}
subjects: [{kind: ServiceAccount, name: collector, namespace: tools}]
---
apiVersion: v1
kind: Pod
metadata: {name: collector, namespace: tools}
spec: {serviceAccountName: collector, containers: [{name: collector, image: collector}]}
""", "lets Pod tools/collector get secrets in every namespace"),
    )


def _administers(graph: PlannedGraph, binding: Binding) -> str:
    """What the binding makes its subjects, in words; empty for nothing of that kind."""
    of_what = f"an administrator of {f'namespace {binding.namespace}' if binding.namespace else 'everything'}"
    if binding.role_kind == "ClusterRole" and binding.role_name == "cluster-admin":
        return f"{of_what} (cluster-admin)"
    if any(everything(rule) for rule in binding.rules):
        return f"{of_what} (all rights on all objects)"
    if binding.role_kind == "ClusterRole" and binding.role_name in ("admin", "edit") and (
            not binding.namespace or _tenants(graph, binding)):
        return f"{of_what} ({binding.role_name}: a shell, every Secret, and the identity of every pod)"
    return ""


def _tenants(graph: PlannedGraph, binding: Binding) -> bool:
    """Whether the binding holds in a tenant's namespace, or for a service account of one."""
    tenants = tenants_of_namespaces(graph)
    return binding.namespace in tenants or any(subject.namespace in tenants for subject in binding.subjects)


def _user(graph: PlannedGraph, subject: Subject) -> str:
    """The first object whose pods run as a service account, empty for none."""
    if subject.kind == "ServiceAccount":
        for view, templates in graph.pods:
            # An account that is not known yet may be any of its namespace, this one too.
            if home(view) == subject.namespace and any(
                    isinstance(account := template.spec.get("serviceAccountName"), Unknown) or (template.unknown and not template.spec)
                    or str(account or "default") == subject.name for template in templates):
                return str(view)
    return ""


def _takes_over(rule: AccessRule) -> str:
    return next((f"{verbs[0]} {resource}" for group, resource, risky in _TAKEOVER
                 if not rule.names and (verbs := allowed(rule, group, resource, *risky))), "")
