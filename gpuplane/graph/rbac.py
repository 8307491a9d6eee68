"""RBAC in one shape: what a role allows, who holds it and where, aggregated and reserved roles included.

Rights match as in the API server's RBAC authorizer (``ResourceMatches``, ``VerbMatches`` and ``APIGroupMatches`` of
``pkg/apis/rbac/v1/evaluation_helpers.go``): ``*`` is everything, subresources too, and ``*/scale`` one subresource of everything.
It gives ``pods/*`` no meaning; here it is all subresources of pods, which is what its author wants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from gpuplane.graph.label_selectors import selects
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, told, unknowns
from gpuplane.graph.tenancy import SYSTEM_NAMESPACES, home

RBAC = "rbac.authorization.k8s.io"
READ = ("get", "list", "watch")
WRITE = ("create", "update", "patch", "delete")
ROLES, BINDINGS = ("Role", "ClusterRole"), ("RoleBinding", "ClusterRoleBinding")
EVERYBODY = frozenset({"system:anonymous", "system:unauthenticated", "system:authenticated", "system:serviceaccounts"})
"""Users and groups of Kubernetes' own that anybody is, or any pod."""
USER_FACING = ("admin", "cluster-admin", "edit", "view")
"""ClusterRoles that every cluster has and that are meant to be bound (Kubernetes documentation, Using RBAC Authorization)."""


@dataclass(frozen=True)
class Grant:
    """One rule of a role.

    Attributes:
        path: where it stands, e.g. ``rules[0]``.
        groups, resources, verbs: as written.
        names: objects it is narrowed to; empty for all.
        urls: paths that are no resources.
    """

    path: str
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...]
    urls: tuple[str, ...]

    def allows(self, group: str, resource: str, *verbs: str) -> tuple[str, ...]:
        """Those of ``verbs`` that it allows on ``resource`` (``pods/exec`` for a subresource) of an API group."""
        if not {"*", group} & set(self.groups) or not any(_names(each, resource) for each in self.resources):
            return ()
        return tuple(verb for verb in verbs if verb in self.verbs or "*" in self.verbs)

    @property
    def everything(self) -> bool:
        """Whether it is all rights on all objects: by wildcards, or by naming each verb that reads or writes."""
        return "*" in self.groups and "*" in self.resources and not self.names and (
            "*" in self.verbs or set(self.verbs) >= {*READ, *WRITE})


@dataclass(frozen=True)
class Role:
    """A Role or ClusterRole.

    Attributes:
        view: the object.
        grants: its own rules.
        aggregated: rules of the ClusterRoles that its ``aggregationRule`` selects; paths are in those.
        unknown: paths that only apply can know.
    """

    view: ResourceView
    grants: tuple[Grant, ...]
    aggregated: tuple[Grant, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def rights(self) -> tuple[Grant, ...]:
        """All that its holders may do."""
        return self.grants + self.aggregated


@dataclass(frozen=True)
class Subject:
    """Who is bound: ``kind`` is User, Group or ServiceAccount, ``namespace`` a service account's."""

    path: str
    kind: str
    name: str
    namespace: str

    @property
    def reserved(self) -> bool:
        """Whether Kubernetes itself acts under this name, and nobody else can."""
        if self.kind == "ServiceAccount":
            return self.namespace in SYSTEM_NAMESPACES
        return self.name.startswith("system:") and not any(
            self.name == each or self.name.startswith(f"{each}:") for each in EVERYBODY)

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Binding:
    """A RoleBinding or ClusterRoleBinding.

    Attributes:
        view: the object.
        namespace: where it holds; empty for everywhere.
        role_kind, role_name: what it refers to.
        role: that role, where the graph holds it.
        subjects: whom it binds.
        unknown: paths that only apply can know.
    """

    view: ResourceView
    namespace: str
    role_kind: str
    role_name: str
    role: Role | None
    subjects: tuple[Subject, ...]
    unknown: tuple[str, ...] = ()


@lru_cache(maxsize=4)
def roles(graph: PlannedGraph) -> tuple[Role, ...]:
    """Every role of the graph, in its order."""
    return tuple(Role(view, _grants(view), _aggregated(graph, view), tuple(path for path, _ in unknowns(
        {"rules": view.get("rules")}))) for view in _of(graph, *ROLES))


@lru_cache(maxsize=4)
def bindings(graph: PlannedGraph) -> tuple[Binding, ...]:
    """Every binding of the graph, in its order."""
    by_name = {(role.view.kind, home(role.view) if role.view.kind == "Role" else "", role.view.name): role for role in roles(graph)}
    found = []
    for view in _of(graph, *BINDINGS):
        kind, name = str(told(view.get("roleRef"), "kind") or ""), str(told(view.get("roleRef"), "name") or "")
        role = by_name.get((kind, home(view) if kind == "Role" else "", name))
        hidden = tuple(path for path, _ in unknowns({"roleRef": view.get("roleRef"), "subjects": view.get("subjects")}))
        found.append(Binding(view, home(view) if view.kind == "RoleBinding" else "", kind, name, role, tuple(_subjects(view)), hidden))
    return tuple(found)


@lru_cache(maxsize=4)
def bindings_of(graph: PlannedGraph) -> Mapping[str, tuple[Binding, ...]]:
    """Bindings by the URN of their role."""
    found: dict[str, tuple[Binding, ...]] = {}
    for binding in bindings(graph):
        if binding.role is not None:
            found[binding.role.view.urn] = (*found.get(binding.role.view.urn, ()), binding)
    return found


def reserved(graph: PlannedGraph, role: Role) -> bool:
    """Whether a role is Kubernetes' or the cloud's own: of a reserved name (``system:…``, ``gce:…``), and held by nobody else.

    The name alone would let anybody call a role so; who is bound to it decides, and a Role outside their namespaces is not theirs.
    """
    name = role.view.name
    own = role.view.kind == "ClusterRole" or home(role.view) in SYSTEM_NAMESPACES
    default = name in USER_FACING and role.view.labels.get("kubernetes.io/bootstrapping") == "rbac-defaults"
    if default:
        return True  # who is bound to one of these is judged by its name
    holders = [subject for binding in bindings_of(graph).get(role.view.urn, ()) for subject in binding.subjects]
    return own and ":" in name and all(subject.reserved for subject in holders)


def _of(graph: PlannedGraph, *kinds: str) -> tuple[ResourceView, ...]:
    return tuple(view for view in graph.objects(*kinds) if view.group == RBAC)


def _grants(view: ResourceView) -> tuple[Grant, ...]:
    return tuple(Grant(f"rules[{index}]", *(_texts(lookup(rule, key)) for key in (
        "apiGroups", "resources", "verbs", "resourceNames", "nonResourceURLs"))) for index, rule in enumerate(items(view.get("rules"))))


def _aggregated(graph: PlannedGraph, view: ResourceView, seen: tuple[str, ...] = ()) -> tuple[Grant, ...]:
    """Rules of the roles that a ClusterRole gathers; the control plane writes them into it, so what they gather comes along."""
    selectors = items(view.get("aggregationRule", "clusterRoleSelectors"))
    found: list[Grant] = []
    for other in _of(graph, "ClusterRole") if selectors else ():
        if other.urn not in (*seen, view.urn) and any(selects(selector, other.labels) for selector in selectors):
            found += [*_grants(other), *_aggregated(graph, other, (*seen, view.urn))]
    return tuple(found)


def _subjects(view: ResourceView) -> Iterator[Subject]:
    for index, subject in enumerate(items(view.get("subjects"))):
        kind, name = str(told(subject, "kind") or ""), str(told(subject, "name") or "")
        namespace = str(told(subject, "namespace") or home(view)) if kind == "ServiceAccount" else ""
        yield Subject(f"subjects[{index}]", kind, name, namespace)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in items(value) if not isinstance(item, Unknown))


def _names(written: str, resource: str) -> bool:
    main, _, part = resource.partition("/")
    return written in ("*", resource) or bool(part) and written in (f"*/{part}", f"{main}/*", "*/*")
