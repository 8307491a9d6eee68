"""TI-06: a wildcard grants what nobody looked at, and whatever the next release or operator adds."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.rbac import Grant, Role
from gpuplane.policies.finding import Finding
from gpuplane.policies.role_rule import RoleRule, listed
from gpuplane.policies.rule import Example


class WildcardRights(RoleRule):
    """A wildcard covers Secrets, exec and roles themselves, and every kind that is installed later."""

    id = "TI-06"
    title = "No role has wildcards for verbs, resources or API groups"
    remedy = "Name the verbs, resources and API groups that are needed."
    references = ("CIS Kubernetes Benchmark 5.1.3", "Kubernetes documentation, RBAC good practices: Least privilege")

    def grant(self, graph: PlannedGraph, role: Role, grant: Grant) -> Iterator[Finding]:
        wide = [what for what, words in (("API groups", grant.groups), ("resources", grant.resources), ("verbs", grant.verbs),
                                         ("paths", grant.urls)) if any(_wild(word) for word in words)]
        if wide:
            yield self.fail(graph, role.view, f"{role.view} has a wildcard for {listed(wide)}.", grant.path)

    PASSES = (
        Example("verbs and resources by name", """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deployer, namespace: support}
rules: [{apiGroups: [serving.kserve.io], resources: [inferenceservices], verbs: [get, list, watch, patch]}]
"""),
        Example("a role that gathers others", """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: viewer}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {example.com/aggregate-to-viewer: "true"}}]}
"""),
    )
    FAILS = (
        Example("every verb", """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deployer, namespace: support}
rules: [{apiGroups: [apps], resources: [deployments], verbs: ["*"]}]
""", "Role support/deployer has a wildcard for verbs"),
        Example("everything there is", """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: ci}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
""", "wildcard for API groups, resources and verbs"),
        Example("every subresource of pods", """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: debug, namespace: support}
rules: [{apiGroups: [""], resources: [pods/*], verbs: [create]}]
""", "wildcard for resources"),
    )


def _wild(word: str) -> bool:
    return word == "*" or word.startswith("*/") or word.endswith("/*")
