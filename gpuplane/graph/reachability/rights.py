"""What RBAC rules mean for isolation, in words: rights over others, rights over the own borders, and what harms nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gpuplane.graph.access import AccessRule
from gpuplane.spec.errors import listed

READS = frozenset({"get", "list", "watch"})
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
CLUSTER_RESOURCES = frozenset({
    "componentstatuses", "namespaces", "namespaces/status", "namespaces/finalize", "nodes", "nodes/status", "nodes/metrics", "nodes/stats",
    "nodes/log", "nodes/proxy", "nodes/spec", "persistentvolumes", "persistentvolumes/status", "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings", "mutatingwebhookconfigurations", "validatingadmissionpolicies", "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations", "customresourcedefinitions", "apiservices", "tokenreviews", "selfsubjectreviews",
    "selfsubjectaccessreviews", "users", "groups", "uids", "selfsubjectrulesreviews", "subjectaccessreviews", "certificatesigningrequests",
    "certificatesigningrequests/approval", "certificatesigningrequests/status", "signers", "flowschemas", "prioritylevelconfigurations",
    "ingressclasses", "ipaddresses", "servicecidrs", "runtimeclasses", "clusterrolebindings", "clusterroles", "deviceclasses",
    "resourceslices", "priorityclasses", "csidrivers", "csinodes", "storageclasses", "volumeattachments", "volumeattributesclasses",
    "clusterqueues", "clusterqueues/status", "cohorts", "resourceflavors", "topologies", "admissionchecks", "workloadpriorityclasses",
    "clusterservingruntimes", "clusterstoragecontainers", "localmodelcaches", "localmodelnodegroups", "localmodelnodes", "gatewayclasses",
    "clustersecretstores", "clusterexternalsecrets", "clustertriggerauthentications", "nodepools", "nodeclaims", "ec2nodeclasses",
    "ciliumclusterwidenetworkpolicies", "ciliumnodes", "clusterpolicies"})
"""Resources that are in no namespace (Kubernetes v1.36 ``api-resources``, and the operators that gpuplane installs); any other may be."""

_OVER_ALL: tuple[tuple[frozenset[str], frozenset[str], str], ...] = (
    (frozenset({"bind", "escalate"}), frozenset({"clusterroles", "roles"}), "give itself any right"),
    (frozenset({"impersonate"}), frozenset({"users", "groups", "serviceaccounts", "uids"}), "act as anybody"),
    (READS | WRITES, frozenset({"nodes/proxy"}), "run commands in every pod through its kubelet"),
    (WRITES, frozenset({"mutatingwebhookconfigurations", "validatingwebhookconfigurations", "mutatingadmissionpolicies"}),
     "see and change every object on its way in"),
    (WRITES | {"approve", "sign"}, frozenset({"certificatesigningrequests/approval", "signers"}), "make certificates for anybody"),
    (WRITES, frozenset({"clusterqueues", "cohorts", "resourceflavors", "priorityclasses", "workloadpriorityclasses"}),
     "change others' quotas"),
    (WRITES, frozenset({"persistentvolumes"}), "mount any volume and any node's disk"),
    (WRITES, frozenset({"ciliumclusterwidenetworkpolicies"}), "open every network"),
)
"""Verbs, resources, and what they let somebody do to everybody, where they are given for the whole cluster."""

_BORDERS: tuple[tuple[frozenset[str], frozenset[str], str], ...] = (
    (frozenset({"bind", "escalate"}), frozenset({"clusterroles", "roles"}), "give itself any right there"),
    (WRITES, frozenset({"rolebindings"}), "let others in"),
    (WRITES, frozenset({"networkpolicies", "ciliumnetworkpolicies"}), "change its network policies"),
    (WRITES, frozenset({"resourcequotas", "limitranges", "localqueues"}), "change its quotas and queues"),
    (WRITES, frozenset({"referencegrants", "backends", "securitypolicies"}), "lead requests anywhere and let in anybody"),
    (WRITES, frozenset({"secretstores", "externalsecrets"}), "read what it names from the secret store"),
)
"""The same for the tenant's own namespace: its borders are the platform's."""

_STARTING = ((frozenset({"create", "update", "patch"}), frozenset({
    "pods", "deployments", "statefulsets", "daemonsets", "replicasets", "replicationcontrollers", "jobs", "cronjobs", "inferenceservices",
    "llminferenceservices", "leaderworkersets", "jobsets", "rayclusters", "rayservices", "rayjobs"}), "start pods of any kind"),)
"""What makes pods."""

_SIGHT = frozenset({"secrets", "pods/log", "pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "services/proxy", "*"})
"""What shows more than that something is there."""
_LISTED = 4


def over_all(rules: Iterable[AccessRule]) -> list[str]:
    """What rules that hold for the whole cluster let somebody do to everybody."""
    return _found(rules, _OVER_ALL)


def over_borders(rules: Iterable[AccessRule]) -> list[str]:
    """What rules that hold in a tenant's own namespace let it do to its borders."""
    return _found(rules, _BORDERS)


def starts_pods(rules: Iterable[AccessRule]) -> bool:
    """Whether rules let somebody make pods."""
    return bool(_found(rules, _STARTING))


def namespaced(rules: Iterable[AccessRule]) -> list[AccessRule]:
    """Rules that cover something which is in namespaces."""
    return [rule for rule in rules if rule.unknown or rule.resources - CLUSTER_RESOURCES]


def writes(rules: Iterable[AccessRule]) -> bool:
    """Whether any rule allows more than to look."""
    return any(rule.unknown or (rule.resources and rule.verbs - READS) for rule in rules)


def harmless(rules: Iterable[AccessRule]) -> bool:
    """Whether they only show that something is there."""
    return all(not rule.unknown and rule.verbs <= READS and not rule.resources & _SIGHT for rule in rules if rule.resources or rule.unknown)


def shown(rules: Iterable[AccessRule]) -> str:
    """Rights in words, the worst first."""
    phrases = sorted(dict.fromkeys(phrase for rule in rules for phrase in _phrases(rule)))
    return listed((text for _, text in phrases), _LISTED)


def _found(rules: Iterable[AccessRule], table: tuple[tuple[frozenset[str], frozenset[str], str], ...]) -> list[str]:
    listed = list(rules)
    return [words for verbs, resources, words in table
            if any(rule.unknown or (rule.verbs & (verbs | {"*"}) and rule.resources & (resources | {"*"})) for rule in listed)]


def _phrases(rule: AccessRule) -> Iterator[tuple[int, str]]:
    if rule.unknown:
        yield 0, "do what only apply knows"
        return
    for resource in sorted(rule.resources):
        what = "everything" if resource == "*" else resource
        if rule.verbs - READS:
            verbs = "do anything with" if "*" in rule.verbs else "/".join(sorted(rule.verbs - READS))
            yield (1 if resource in _SIGHT or "*" in rule.verbs else 2), f"{verbs} {what}"
        elif rule.verbs:
            yield (1 if resource in _SIGHT else 3), f"read {what}"
