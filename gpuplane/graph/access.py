"""Kubernetes RBAC on the planned objects: which rules a binding gives to whom, and where (rbac.authorization.k8s.io/v1).

Roles that the API server makes itself are taken from the catalogue, unless the objects replace them. A ClusterRole with an
``aggregationRule`` has the rules of the roles that it collects, and none of its own, for a controller overwrites them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gpuplane.catalog.cluster_roles import cluster_roles
from gpuplane.graph.label_selectors import selects
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, mapping, told, unknowns
from gpuplane.graph.tenancy import home

GROUP = "rbac.authorization.k8s.io"
ACCOUNT_USER = "system:serviceaccount:"
ACCOUNTS = "system:serviceaccounts"
EVERYBODY = frozenset({"system:authenticated", "system:unauthenticated"})


@dataclass(frozen=True)
class AccessRule:
    """One rule of a role; ``*`` stands for everything.

    Attributes:
        groups, resources, verbs: what may be done with what; resources with their subresource (``pods/exec``).
        names: objects that it is limited to; empty for all.
        unknown: whether only apply knows a part of it.
        path: where it stands in its role.
    """

    groups: frozenset[str]
    resources: frozenset[str]
    verbs: frozenset[str]
    names: frozenset[str] = frozenset()
    unknown: bool = False
    path: str = ""

    def covers(self, verb: str, group: str, resource: str, subresource: str = "", name: str = "") -> bool:
        """Whether it allows a request; as the API server's authorizer decides (``rbac/v1 evaluation_helpers.go``)."""
        whole = f"{resource}/{subresource}" if subresource else resource
        return (not self.verbs.isdisjoint({verb, "*"}) and not self.groups.isdisjoint({group, "*"})
                and (not self.resources.isdisjoint({whole, "*"}) or bool(subresource and f"*/{subresource}" in self.resources))
                and (not self.names or name in self.names))


@dataclass(frozen=True)
class Subject:
    """Whom a binding names: ``User``, ``Group`` or ``ServiceAccount``."""

    kind: str
    namespace: str
    name: str

    @property
    def user(self) -> str:
        """The user name that the API server knows it by; empty for a group."""
        return f"{ACCOUNT_USER}{self.namespace}:{self.name}" if self.kind == "ServiceAccount" else self.name if self.kind == "User" else ""

    def is_one_of(self, user: str, groups: Set[str]) -> bool:
        """Whether a request of this user with these groups is one of it."""
        return self.name in groups if self.kind == "Group" else self.user == user


@dataclass(frozen=True)
class Grant:
    """What one binding gives.

    Attributes:
        binding: the RoleBinding or ClusterRoleBinding.
        role: the role where it is among the objects.
        namespace: where it holds; empty for everywhere.
        subjects: whom it gives it to.
        rules: what; empty where the role is not there.
        known: False where the role is neither among the objects nor in every cluster, or only apply knows it.
    """

    binding: ResourceView
    role: ResourceView | None
    namespace: str
    subjects: tuple[Subject, ...]
    rules: tuple[AccessRule, ...]
    known: bool


@lru_cache(maxsize=4)
def grants(graph: PlannedGraph) -> tuple[Grant, ...]:
    """What every binding gives, sorted by the binding."""
    roles = _Roles(graph)
    found = [_grant(view, roles) for view in graph.objects("RoleBinding", "ClusterRoleBinding") if view.group == GROUP]
    return tuple(sorted(found, key=lambda each: (each.binding.kind, each.binding.namespace, each.binding.name, each.binding.urn)))


def may(graph: PlannedGraph, user: str, groups: Set[str], verb: str, group: str, resource: str, *, subresource: str = "",
        namespace: str = "", name: str = "") -> bool | None:
    """Whether the API server would allow a request; None where something that only apply knows could allow it.

    Args:
        graph: the planned objects; bindings that are only in the cluster are not known here.
        user, groups: who asks.
        verb, group, resource, subresource, name: what for; the core group is empty.
        namespace: where; empty for the whole cluster.
    """
    doubtful = False
    for grant in grants(graph):
        if grant.namespace in ("", namespace) and any(subject.is_one_of(user, groups) for subject in grant.subjects):
            if any(rule.covers(verb, group, resource, subresource, name) for rule in grant.rules):
                return True
            doubtful |= not grant.known or any(rule.unknown for rule in grant.rules)
    return None if doubtful else False


def _grant(view: ResourceView, roles: _Roles) -> Grant:
    namespace = home(view) if view.kind == "RoleBinding" else ""
    kind, name = lookup(view.get("roleRef"), "kind"), lookup(view.get("roleRef"), "name")
    role, rules = roles.find(str(kind), namespace, name)
    subjects = tuple(_subject(each, namespace) for each in items(view.get("subjects")))
    hidden = not view.is_told and any(True for _ in unknowns(view.get("subjects")))
    return Grant(view, role, namespace, subjects, rules or (), rules is not None and not hidden)


def _subject(value: Any, namespace: str) -> Subject:
    kind, where = str(lookup(value, "kind")), told(value, "namespace")
    return Subject(kind, str(where or namespace) if kind == "ServiceAccount" else "", str(lookup(value, "name")))


class _Roles:
    def __init__(self, graph: PlannedGraph) -> None:
        self.views: dict[tuple[str, str, str], ResourceView] = {}
        for view in graph.objects("Role", "ClusterRole"):
            if view.group == GROUP:
                self.views[view.kind, home(view) if view.kind == "Role" else "", view.name] = view
        self.cluster: dict[str, Mapping[str, Any]] = {**cluster_roles()}
        self.cluster |= {name: view.props for (kind, _, name), view in self.views.items() if kind == "ClusterRole"}
        self._collected: dict[str, tuple[AccessRule, ...]] = {}
        self._labelled: dict[tuple[str, str], list[str]] = defaultdict(list)

    def find(self, kind: str, namespace: str, name: Any) -> tuple[ResourceView | None, tuple[AccessRule, ...] | None]:
        """A role and its rules; None for the rules where nobody knows them."""
        if isinstance(name, Unknown):
            return None, None
        if kind == "Role":
            view = self.views.get(("Role", namespace, str(name)))
            return view, None if view is None else tuple(_rules(view.props, str(name), view.is_told))
        if str(name) not in self.cluster:
            return None, None
        return self.views.get(("ClusterRole", "", str(name))), self._of_cluster(str(name), frozenset())

    def _of_cluster(self, name: str, above: Set[str]) -> tuple[AccessRule, ...]:
        if name not in self._collected:
            role = self.cluster[name]
            selectors = items(lookup(role, "aggregationRule", "clusterRoleSelectors"))
            found = dict.fromkeys(_rules(role, name) if not selectors else (
                rule for other in sorted(self.cluster) if other != name and other not in above
                and any(selects(selector, mapping(lookup(self.cluster[other], "metadata", "labels"))) for selector in selectors)
                for rule in self._of_cluster(other, {*above, name})))
            if above:
                return tuple(found)
            self._collected[name] = tuple(found)
        return self._collected[name]


_TEXT = frozenset({str})


def own_rules(role: ResourceView) -> Iterator[AccessRule]:
    """The rules that stand in a role itself; paths are in it."""
    yield from _rules(role.props, "", role.is_told)


def _rules(role: Mapping[str, Any], name: str, is_told: bool = False) -> Iterator[AccessRule]:
    listed = role.get("rules")
    if isinstance(listed, Unknown):
        yield AccessRule(frozenset(), frozenset(), frozenset(), unknown=True, path="rules")
    for index, rule in enumerate(items(listed)):
        groups, resources, verbs, names = (_texts(lookup(rule, part)) for part in ("apiGroups", "resources", "verbs", "resourceNames"))
        path = f"{name}: rules[{index}]" if name else f"rules[{index}]"
        yield AccessRule(groups, resources, verbs, names, not is_told and any(True for _ in unknowns(rule)), path)


def _texts(value: Any) -> frozenset[str]:
    if type(value) is list and _TEXT.issuperset(map(type, value)):  # nearly always
        return frozenset(value)
    return frozenset(str(each) for each in items(value) if not isinstance(each, Unknown))
