"""Roles, bindings and requests to compare verdicts on: those of our environments, and random ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Any

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView

GROUP = "rbac.authorization.k8s.io"
PREFIX = "rbac-agrees"
"""Beginning of the name of everything that is made in the cluster."""
NAMESPACES = tuple(f"{PREFIX}-{name}" for name in ("acme", "beta", "tools"))
RESOURCES = (("", "pods", ""), ("", "pods", "exec"), ("", "pods", "log"), ("", "secrets", ""), ("", "serviceaccounts", "token"),
             ("", "serviceaccounts", ""), ("apps", "deployments", ""), ("apps", "deployments", "scale"), (GROUP, "roles", ""),
             (GROUP, "rolebindings", ""), ("networking.k8s.io", "networkpolicies", ""), ("batch", "jobs", ""))
CLUSTER_WIDE = (("", "nodes", ""), ("", "nodes", "proxy"), ("", "namespaces", ""), (GROUP, "clusterroles", ""), ("", "groups", ""))
VERBS = ("get", "list", "create", "patch", "delete", "bind", "escalate", "impersonate")
NAMES = ("", "one")


@dataclass(frozen=True)
class Asker:
    """Who asks."""

    user: str
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """What is asked for."""

    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str


def asker(kind: str, name: str, namespace: str = "") -> Asker:
    """A person of a group, a user, or a service account with the groups that the API server gives it."""
    if kind == "ServiceAccount":
        return Asker(f"system:serviceaccount:{namespace}:{name}", (
            "system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{namespace}"))
    return Asker(name, ("system:authenticated",)) if kind == "User" else Asker("somebody", ("system:authenticated", name))


def requests(namespaces: tuple[str, ...]) -> Iterator[Request]:
    """Everything that is compared: every verb on every resource in each namespace, and in the whole cluster."""
    for (group, resource, subresource), verb, namespace, name in product(RESOURCES, VERBS, (*namespaces, ""), NAMES):
        yield Request(verb, group, resource, subresource, namespace, name)
    for (group, resource, subresource), verb, name in product(CLUSTER_WIDE, VERBS, NAMES):
        yield Request(verb, group, resource, subresource, "", name)


def graph(objects: list[dict[str, Any]]) -> PlannedGraph:
    """Objects as the planned graph."""
    return PlannedGraph(ResourceView(
        urn=f"{each['kind']}/{each['metadata'].get('namespace', '')}/{each['metadata']['name']}", api_version=each["apiVersion"],
        kind=each["kind"], name=each["metadata"]["name"], namespace=each["metadata"].get("namespace", ""), props=each) for each in objects)


def own(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Roles and bindings under names that nobody else has."""
    found = []
    for each in objects:
        metadata = {**each["metadata"], "name": f"{PREFIX}-{each['metadata']['name']}"}
        if "namespace" in metadata:
            metadata["namespace"] = f"{PREFIX}-{metadata['namespace']}"
        renamed = {**each, "metadata": metadata}
        if "roleRef" in each:
            renamed["roleRef"] = {**each["roleRef"], "name": f"{PREFIX}-{each['roleRef']['name']}"}
        found.append(renamed)
    return found


def random_set(seed: int) -> tuple[list[dict[str, Any]], list[Asker]]:
    """Roles, collecting roles and bindings, and everybody whom they name."""
    random = Random(seed)
    objects: list[dict[str, Any]] = []
    for index in range(random.randint(2, 4)):
        objects.append(_object("Role", f"role-{seed}-{index}", random.choice(NAMESPACES), rules=_rules(random)))
    for index in range(random.randint(2, 4)):
        labels = {f"{PREFIX}/collect": random.choice("ab")} if random.random() < 0.5 else {}
        objects.append(_object("ClusterRole", f"role-{seed}-{index}", labels=labels, rules=_rules(random)))
    selector = {"matchLabels": {f"{PREFIX}/collect": random.choice("ab")}}
    objects.append(_object("ClusterRole", f"collecting-{seed}", aggregationRule={"clusterRoleSelectors": [selector]}, rules=[]))
    people = [("Group", f"team-{name}", "") for name in "xyz"] + [("User", "ann", ""), ("ServiceAccount", "bot", NAMESPACES[0])]
    everybody = [("Group", f"system:serviceaccounts:{NAMESPACES[0]}", ""), ("Group", "system:authenticated", "")]
    for index in range(random.randint(3, 6)):
        subjects = random.sample(people, random.choice((1, 1, 2))) + ([random.choice(everybody)] if random.random() < 0.15 else [])
        objects.append(_binding(random, objects, f"binding-{seed}-{index}", subjects))
    return objects, [asker(*each) for each in people]


def _binding(random: Random, objects: list[dict[str, Any]], name: str, subjects: list[tuple[str, str, str]]) -> dict[str, Any]:
    everywhere = random.random() < 0.25
    namespace = "" if everywhere else random.choice(NAMESPACES)
    fitting = [each for each in objects if each["kind"] == "ClusterRole" or each["metadata"].get("namespace") == namespace]
    roles = [(each["kind"], each["metadata"]["name"]) for each in fitting if each["kind"].endswith("Role")]
    kind, role = random.choice([*roles, ("ClusterRole", random.choice(("view", "edit", "admin", "cluster-admin")))])
    if everywhere and kind == "Role":
        kind, role = "ClusterRole", "view"
    return _object("ClusterRoleBinding" if everywhere else "RoleBinding", name, namespace,
                   roleRef={"apiGroup": GROUP, "kind": kind, "name": role}, subjects=[_subject(*each) for each in subjects])


def _subject(kind: str, name: str, namespace: str) -> dict[str, str]:
    return {"kind": kind, "name": name, "namespace": namespace} if namespace else {"kind": kind, "name": name, "apiGroup": GROUP}


def _rules(random: Random) -> list[dict[str, Any]]:
    found = []
    for _ in range(random.randint(1, 3)):
        group, resource, subresource = random.choice((*RESOURCES, *CLUSTER_WIDE))
        whole = f"{resource}/{subresource}" if subresource else resource
        resources = random.choice(([whole], [whole], [resource, "configmaps"], ["*"], [f"*/{subresource}"] if subresource else [whole]))
        rule = {"apiGroups": random.choice(([group], [group], ["*"])), "resources": resources,
                "verbs": random.choice((random.sample(VERBS, 2), random.sample(VERBS, 3), ["*"]))}
        found.append({**rule, **({"resourceNames": ["one"]} if random.random() < 0.25 else {})})
    return found


def _object(kind: str, name: str, namespace: str = "", labels: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    metadata = {"name": f"{PREFIX}-{name}", **({"namespace": namespace} if namespace else {}), **({"labels": labels} if labels else {})}
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, **fields}
