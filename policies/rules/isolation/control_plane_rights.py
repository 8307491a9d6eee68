"""TI-09: rights by which a tenant makes itself an identity, a webhook, a volume or an endpoint that reaches beyond its namespace."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.rbac import WRITE, Grant, Role, roles
from gpuplane.policies.finding import Finding
from gpuplane.policies.role_rule import RoleRule, listed
from gpuplane.policies.rule import Example

_ADMISSION, _CERTIFICATES = "admissionregistration.k8s.io", "certificates.k8s.io"
_CHANGE = ("create", "update", "patch")
_RIGHTS: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("", "serviceaccounts/token", ("create",), "take a token of any service account"),
    (_CERTIFICATES, "certificatesigningrequests/approval", ("update", "patch"), "approve certificates for any identity"),
    (_CERTIFICATES, "signers", ("approve", "sign"), "have certificates signed for any identity"),
    (_ADMISSION, "mutatingwebhookconfigurations", WRITE, "change what others apply"),
    (_ADMISSION, "validatingwebhookconfigurations", WRITE, "read or refuse what others apply"),
    (_ADMISSION, "mutatingadmissionpolicies", WRITE, "change what others apply"),
    (_ADMISSION, "validatingadmissionpolicies", WRITE, "lift what the platform refuses"),
    (_ADMISSION, "validatingadmissionpolicybindings", WRITE, "lift what the platform refuses"),
    ("", "persistentvolumes", _CHANGE, "mount any path of a node or any volume of the storage"),
)
_ENDPOINTS = (("", "endpoints"), ("discovery.k8s.io", "endpointslices"))
"""CVE-2021-25740: whoever writes them sends the gateway or a load balancer to pods of another namespace. Their names count under any API
group: nothing else is called so, and a right that is written under the wrong group is meant all the same."""


class ControlPlaneRights(RoleRule):
    """Tokens, certificates, webhooks, volumes and endpoints are made by the control plane; who makes his own is no tenant any more."""

    id = "TI-09"
    title = "No role makes tokens, certificates, webhooks, PersistentVolumes or endpoints"
    remedy = "Leave it to the platform: pods get tokens by projection, volumes by a StorageClass, endpoints by a Service's selector."
    references = ("CIS Kubernetes Benchmark 5.1.9, 5.1.11-5.1.13", "CVE-2021-25740 (kubernetes/kubernetes#103675)",
                  "Kubernetes documentation, RBAC good practices: Privilege escalation risks")

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        yield from super().check(graph)
        for role in roles(graph):
            for grant in role.grants:
                # Kubernetes' own roles too: clusters from before 1.22 keep this right in them (CVE-2021-25740).
                for group, resource in _ENDPOINTS if _offered(role) else ():
                    if verbs := grant.allows(grant.groups[0] if grant.groups and resource in grant.resources else group, resource, *_CHANGE):
                        yield self.fail(graph, role.view, f"{role.view} may {listed(verbs)} {resource}, and so send traffic to pods of "
                                                          "other namespaces.", grant.path)

    def grant(self, graph: PlannedGraph, role: Role, grant: Grant) -> Iterator[Finding]:
        for group, resource, risky, so in _RIGHTS:
            if verbs := grant.allows(group, resource, *risky):
                yield self.fail(graph, role.view, f"{role.view} may {listed(verbs)} {resource}, and so {so}.", grant.path)

    PASSES = (
        Example("claims, Services and service accounts of the own namespace", """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: admin, namespace: support}
rules: [{apiGroups: [""], resources: [persistentvolumeclaims, services, serviceaccounts], verbs: [get, list, create, delete]}]
"""),
    )
    FAILS = (
        Example("tokens of any service account", """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: ci, namespace: support}
rules: [{apiGroups: [""], resources: [serviceaccounts/token], verbs: [create]}]
""", "take a token of any service account"),
        Example("webhooks", """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: mesh}
rules: [{apiGroups: [admissionregistration.k8s.io], resources: [mutatingwebhookconfigurations], verbs: [create, update]}]
""", "change what others apply"),
        Example("endpoints, in the default role of an old cluster too", """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: system:aggregate-to-edit
  labels: {kubernetes.io/bootstrapping: rbac-defaults, rbac.authorization.k8s.io/aggregate-to-edit: "true"}
rules: [{apiGroups: [""], resources: [endpoints, services], verbs: [create, update, patch]}]
""", "may create, update and patch endpoints"),
    )


def _offered(role: Role) -> bool:
    """Whether people are meant to hold it: controllers of Kubernetes, which make endpoints, have names of their own."""
    return not role.view.name.startswith("system:") or role.view.name.startswith("system:aggregate-to-")
