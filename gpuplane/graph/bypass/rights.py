"""Rights to edit what enforces: who may change a quota, a policy, a label or a role can lift it for himself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gpuplane.graph.access import Subject
from gpuplane.graph.bypass.way import Way
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.rbac import Binding, allowed, bindings, is_reserved, shown
from gpuplane.graph.tenancy import tenants_of_namespaces

_CHANGE = ("create", "update", "patch", "delete", "deletecollection")


@dataclass(frozen=True)
class Enforcer:
    """A resource that enforces: its API group, what lifting it opens, and verbs that do; cluster-wide ones need a ClusterRoleBinding."""

    group: str
    resource: str
    opens: str
    verbs: tuple[str, ...] = _CHANGE
    cluster: bool = False


_KUEUE = "kueue.x-k8s.io"
ENFORCERS = (
    Enforcer("admissionregistration.k8s.io", "validatingadmissionpolicies", "every admission policy", cluster=True),
    Enforcer("admissionregistration.k8s.io", "validatingadmissionpolicybindings", "every admission policy", cluster=True),
    Enforcer("admissionregistration.k8s.io", "validatingwebhookconfigurations", "every webhook", cluster=True),
    Enforcer("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "every webhook", cluster=True),
    Enforcer("", "namespaces", "Pod Security, quotas and policies that select namespaces by label", ("create", "update", "patch"), True),
    Enforcer("", "nodes", "placement: labels and taints of nodes", ("update", "patch"), True),
    Enforcer("", "resourcequotas", "the namespace's quota"), Enforcer("", "limitranges", "the namespace's defaults and limits"),
    Enforcer("networking.k8s.io", "networkpolicies", "the namespace's network isolation"),
    Enforcer("cilium.io", "ciliumnetworkpolicies", "the namespace's network isolation"),
    Enforcer(_KUEUE, "clusterqueues", "GPU quotas", cluster=True), Enforcer(_KUEUE, "cohorts", "GPU quotas", cluster=True),
    Enforcer(_KUEUE, "resourceflavors", "GPU quotas", cluster=True), Enforcer(_KUEUE, "localqueues", "which quota counts"),
    Enforcer(_KUEUE, "workloads", "admission: whoever writes a Workload's status admits it", ("update", "patch")),
    Enforcer(_KUEUE, "workloads/status", "admission: whoever writes a Workload's status admits it", ("update", "patch")),
    Enforcer("", "pods/binding", "the scheduler: it puts a pod on any node", ("create",)),
    Enforcer("autoscaling", "horizontalpodautoscalers", "the most replicas that were judged"),
    Enforcer("apps", "deployments/scale", "the number of replicas that was judged", ("update", "patch")),
    Enforcer("argoproj.io", "appprojects", "what Argo CD may apply"),
    Enforcer("rbac.authorization.k8s.io", "clusterrolebindings", "every right", cluster=True),
    Enforcer("rbac.authorization.k8s.io", "rolebindings", "rights in the namespace"),
)
"""What is looked at. Kueue and Kubernetes enforce through these objects alone."""


def ways(graph: PlannedGraph) -> Iterator[Way]:
    """One way for each subject and enforcer, with the binding and the rule of the role that allow it."""
    tenants = tenants_of_namespaces(graph)
    for binding in bindings(graph):
        for index, subject in enumerate(binding.subjects):
            if not is_reserved(subject):
                yield from _subject(binding, subject, f"subjects[{index}]", tenants.get(binding.namespace, ""))


def _subject(binding: Binding, subject: Subject, path: str, tenant: str) -> Iterator[Way]:
    for enforcer in ENFORCERS:
        for rule in binding.rules:
            verbs = allowed(rule, enforcer.group, enforcer.resource, *enforcer.verbs)
            if verbs and not rule.names and not (enforcer.cluster and binding.namespace):
                people = bool(tenant) or subject.kind != "ServiceAccount"
                where = f"in namespace {binding.namespace}" if binding.namespace else "everywhere"
                yield Way("right to edit what enforces", "high" if people else "medium", binding.view, path,
                          f"{shown(subject)} may {', '.join(verbs)} {enforcer.resource} {where}: that lifts {enforcer.opens}.",
                          (f"{binding.view} {path}: {shown(subject)}", f"{binding.view} roleRef: {binding.role_kind} {binding.role_name}",
                           f"{binding.role_name} {rule.path}: {', '.join(sorted(rule.verbs))} on {', '.join(sorted(rule.resources))}"),
                          "Take the right out of the role; let such changes come through git, where their owners see them.")
                break
