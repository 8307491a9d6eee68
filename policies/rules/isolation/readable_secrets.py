"""TI-07: who may list Secrets has every credential of the namespace, tokens of its service accounts among them."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.rbac import READ, Grant, Role
from gpuplane.policies.finding import Finding
from gpuplane.policies.role_rule import RoleRule, listed
from gpuplane.policies.rule import Example


class ReadableSecrets(RoleRule):
    """A list of Secrets comes with their contents, so the right to look is the right to be everybody whose keys lie there."""

    id = "TI-07"
    title = "No role reads Secrets, except by name"
    remedy = "Leave secrets out of the rule, or name the ones that are needed in resourceNames."
    references = ("CIS Kubernetes Benchmark 5.1.2", "Kubernetes documentation, RBAC good practices: Listing secrets")

    def grant(self, graph: PlannedGraph, role: Role, grant: Grant) -> Iterator[Finding]:
        verbs = grant.allows("", "secrets", *READ)
        if verbs and not grant.names:
            yield self.fail(graph, role.view, f"{role.view} may {listed(verbs)} every Secret"
                                              f"{' of its namespace' if role.view.kind == 'Role' else ''}.", grant.path)

    PASSES = (
        Example("one Secret by name", """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: support}
rules: [{apiGroups: [""], resources: [secrets], resourceNames: [model-hub], verbs: [get]}]
"""),
        Example("the right to put Secrets there, but not to look", """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: writer, namespace: support}
rules: [{apiGroups: [""], resources: [secrets], verbs: [create]}]
"""),
    )
    FAILS = (
        Example("Secrets among what a team may see", """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: viewer, namespace: support}
rules: [{apiGroups: [""], resources: [pods, secrets], verbs: [get, list, watch]}]
""", "Role support/viewer may get, list and watch every Secret of its namespace"),
        Example("Secrets by wildcard, in every namespace", """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: audit}
rules: [{apiGroups: [""], resources: ["*"], verbs: [list]}]
""", "may list every Secret."),
    )
