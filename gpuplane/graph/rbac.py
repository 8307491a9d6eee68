"""Roles as rules judge them one by one: what each allows, where that is written, and who holds it (:mod:`gpuplane.graph.access`).

A right is matched as the API server's authorizer does it, but for ``pods/*``: to the authorizer it is nothing, here it is all
subresources of pods, which is what its author wants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from gpuplane.graph.access import GROUP, AccessRule, Grant, Subject, grants, own_rules
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, told, unknowns
from gpuplane.graph.tenancy import SYSTEM_NAMESPACES, home

RBAC = GROUP
READ = ("get", "list", "watch")
WRITE = ("create", "update", "patch", "delete")
EVERYBODY = ("system:anonymous", "system:unauthenticated", "system:authenticated", "system:serviceaccounts")
"""Users and groups of Kubernetes' own that anybody is, or any pod."""
USER_FACING = ("admin", "cluster-admin", "edit", "view")
"""ClusterRoles that every cluster has and that are meant to be bound (Kubernetes documentation, Using RBAC Authorization)."""


@dataclass(frozen=True)
class Role:
    """A Role or ClusterRole.

    Attributes:
        view: the object.
        rules: its own rules; what it gathers from others stands in those.
        unknown: paths that decide its rights and that only apply can know.
    """

    view: ResourceView
    rules: tuple[AccessRule, ...]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Binding:
    """A RoleBinding or ClusterRoleBinding.

    Attributes:
        view: the object.
        namespace: where it holds; empty for everywhere.
        role_kind, role_name: what it refers to.
        role: that role, where the graph holds it.
        rules: all that it gives, gathered ones too; also of roles that every cluster has.
        known: whether the role is in the graph, or in every cluster.
        subjects: whom it binds, in the order written.
        unknown: paths that only apply can know.
    """

    view: ResourceView
    namespace: str
    role_kind: str
    role_name: str
    role: ResourceView | None
    rules: tuple[AccessRule, ...]
    known: bool
    subjects: tuple[Subject, ...]
    unknown: tuple[str, ...] = ()


@lru_cache(maxsize=4)
def roles(graph: PlannedGraph) -> tuple[Role, ...]:
    """Every role of the graph, in its order."""
    return tuple(Role(view, tuple(own_rules(view)), tuple(_hidden(view)))
                 for view in graph.objects("Role", "ClusterRole") if view.group == RBAC)


@lru_cache(maxsize=4)
def bindings(graph: PlannedGraph) -> tuple[Binding, ...]:
    """Every binding of the graph, sorted as :func:`gpuplane.graph.access.grants` has them."""
    return tuple(_binding(each) for each in grants(graph))


@lru_cache(maxsize=4)
def bindings_of(graph: PlannedGraph) -> Mapping[str, tuple[Binding, ...]]:
    """Bindings by the URN of their role."""
    found: dict[str, tuple[Binding, ...]] = {}
    for binding in bindings(graph):
        if binding.role is not None:
            found[binding.role.urn] = (*found.get(binding.role.urn, ()), binding)
    return found


def _binding(given: Grant) -> Binding:
    kind, name = (str(told(given.binding.get("roleRef"), key) or "") for key in ("kind", "name"))
    hidden = () if given.binding.is_told else tuple(
        path for key in ("roleRef", "subjects") for path, _ in unknowns(given.binding.get(key), key))
    return Binding(given.binding, given.namespace, kind, name, given.role, given.rules, given.known, given.subjects, hidden)


def allowed(rule: AccessRule, group: str, resource: str, *verbs: str) -> tuple[str, ...]:
    """Those of ``verbs`` that a rule allows on ``resource`` (``pods/exec`` for a subresource) of an API group, on whatever names."""
    if group not in rule.groups and "*" not in rule.groups:
        return ()
    main, _, part = resource.partition("/")
    said = (resource, "*", *((f"*/{part}", "*/*", f"{main}/*") if part else ()))
    if rule.resources.isdisjoint(said):
        return ()
    return verbs if "*" in rule.verbs else tuple(verb for verb in verbs if verb in rule.verbs)


def everything(rule: AccessRule) -> bool:
    """Whether it is all rights on all objects: by wildcards, or by naming each verb that reads or writes."""
    return "*" in rule.groups and "*" in rule.resources and not rule.names and ("*" in rule.verbs or rule.verbs >= {*READ, *WRITE})


def is_reserved(subject: Subject) -> bool:
    """Whether Kubernetes itself acts under this name, and nobody else can."""
    if subject.kind == "ServiceAccount":
        return subject.namespace in SYSTEM_NAMESPACES
    name = subject.name
    return name.startswith("system:") and not any(name == each or name.startswith(f"{each}:") for each in EVERYBODY)


def shown(subject: Subject) -> str:
    """A subject in words: ``ServiceAccount tools/collector``."""
    return f"{subject.kind} {subject.namespace}/{subject.name}" if subject.namespace else f"{subject.kind} {subject.name}"


def reserved(graph: PlannedGraph, role: Role) -> bool:
    """Whether a role is Kubernetes' or the cloud's own: of a reserved name (``system:…``, ``gce:…``), and held by nobody else.

    The name alone would let anybody call a role so; who is bound to it decides, and a Role outside their namespaces is not theirs.
    """
    name = role.view.name
    own = role.view.kind == "ClusterRole" or home(role.view) in SYSTEM_NAMESPACES
    if name in USER_FACING and role.view.labels.get("kubernetes.io/bootstrapping") == "rbac-defaults":
        return True  # who is bound to one of these is judged by its name
    holders = [subject for binding in bindings_of(graph).get(role.view.urn, ()) for subject in binding.subjects]
    return own and ":" in name and all(is_reserved(subject) for subject in holders)


def _hidden(view: ResourceView) -> Iterator[str]:
    """What decides a role's rights and is not known: its labels too, by which others gather it."""
    for path in ("rules", "aggregationRule", "metadata.labels") if not view.is_told else ():
        yield from (at for at, _ in unknowns(view.get(*path.split(".")), path))
