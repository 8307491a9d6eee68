"""Kubernetes API: what a tenant's people and pods may do to others' objects, by every binding that reaches them.

A tenant is: the groups that its namespace names as its own (else those that bindings in it name), the service accounts of its
namespaces, and whatever is given to everybody. What a binding gives is judged by :mod:`gpuplane.graph.access`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from gpuplane.graph.access import ACCOUNT_USER, ACCOUNTS, EVERYBODY, AccessRule, Grant, Subject, grants
from gpuplane.graph.json_text import json_in
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability import rights
from gpuplane.graph.reachability.edges import Edge, Maker, Medium, Party, maker, parties, platform, tenant
from gpuplane.graph.resource_view import ResourceView, items
from gpuplane.graph.tenancy import tenants_of_namespaces
from gpuplane.spec.errors import listed
from gpuplane.spec.vocabulary import GROUPS

_HARMLESS = "by design: it shows that things are there, not what is in them"
_POD_SECURITY = "pod-security.kubernetes.io/enforce"
_PLATFORM = "by design: the platform gave it"


def api_edges(graph: PlannedGraph) -> Iterator[Edge]:
    """Every right that a binding gives over a tenant's objects, or gives a tenant over anybody's."""
    identities = Identities(graph)
    for grant in grants(graph):
        for party, subjects in identities.holders(grant).items():
            yield from (_of_tenant if party.is_tenant else _of_platform)(identities, grant, party, subjects)


class Identities:
    """Whose each subject of a binding is."""

    def __init__(self, graph: PlannedGraph) -> None:
        self.tenants = tenants_of_namespaces(graph)
        self.namespaces = graph.namespaces
        self.names = sorted(set(self.tenants.values()))
        named: dict[str, set[str]] = defaultdict(set)
        for name, view in graph.namespaces.items():
            for group in _groups(view):
                named[group].add(self.tenants.get(name, ""))
        bound: dict[str, set[str]] = defaultdict(set)
        for grant in grants(graph):
            for subject in grant.subjects if grant.namespace in self.tenants else ():
                bound[subject.name].add(self.tenants[grant.namespace])
        self.named = bool(named)
        self.by_name = {name: frozenset(found) for name, found in (named or bound).items()}

    def owners(self, subject: Subject) -> tuple[Party, ...]:
        """Tenants that a subject stands for; else the platform's party."""
        user, name = subject.user, subject.name
        if subject.kind == "Group" and (name in EVERYBODY or name == ACCOUNTS):
            return parties(self.names)
        namespace = (user.removeprefix(ACCOUNT_USER).partition(":")[0] if user.startswith(ACCOUNT_USER)
                     else name.removeprefix(f"{ACCOUNTS}:") if name.startswith(f"{ACCOUNTS}:") else None)
        if namespace is not None:
            return (self.of_namespace(namespace),)
        found = sorted(self.by_name.get(name, ()))
        return tuple(tenant(each) for each in found) or (platform(f"{subject.kind.lower()} {name}"),)

    def held(self, namespace: str) -> bool:
        """Whether a namespace refuses pods that have the node (Pod Security Standards ``baseline``, ``restricted``); also where unseen."""
        view = self.namespaces.get(namespace)
        return view is None or view.labels.get(_POD_SECURITY) in ("baseline", "restricted")

    def maker(self, namespace: str) -> Maker:
        """A namespace of the graph, by what it lacks."""
        return maker(self.namespaces[namespace], f"metadata.labels.{_POD_SECURITY}")

    def of_namespace(self, namespace: str) -> Party:
        """Whose a namespace is."""
        return tenant(self.tenants[namespace]) if namespace in self.tenants else platform(f"namespace {namespace}")

    def holders(self, grant: Grant) -> Mapping[Party, list[Subject]]:
        """Whom a binding gives its role to, each with the subjects that stand for it."""
        found: dict[Party, list[Subject]] = defaultdict(list)
        for subject in grant.subjects:
            for party in self.owners(subject):
                found[party].append(subject)
        return found

    def agreed(self, one: Party, other: Party, subjects: list[Subject]) -> str:
        """Why people of one tenant may work in another's namespace: both name the group as their own; empty where they do not."""
        ends = {*one.names, *other.names}
        both = all(subject.kind == "Group" and ends <= self.by_name.get(subject.name, frozenset()) for subject in subjects)
        return "both tenants name the group as their own" if self.named and both else ""


def _of_tenant(identities: Identities, grant: Grant, party: Party, subjects: list[Subject]) -> Iterator[Edge]:
    objects, who = _objects(grant), _who(subjects)
    if not grant.namespace:
        yield from _cluster_wide(identities, grant, party, who, objects)
        return
    target, certain = identities.of_namespace(grant.namespace), grant.known and not _hidden(grant)
    if target.is_tenant and target.name in party.names:
        powers = rights.over_borders(grant.rules)
        if powers or not grant.known:
            yield Edge(Medium.API, target, platform(f"borders of {target}"),
                       f"{who} may {', '.join(powers) or _unread(grant)} in namespace {grant.namespace}", objects, certain)
        if rights.starts_pods(grant.rules) and not identities.held(grant.namespace):
            sentence = f"{who} may start pods of any kind in namespace {grant.namespace}, which enforces no Pod Security Standard"
            yield Edge(Medium.API, target, platform("nodes"), sentence, (*objects, identities.maker(grant.namespace)), certain)
    if (target != party) and (grant.rules or not grant.known):
        plain = grant.known and not target.is_tenant and rights.harmless(grant.rules)
        allowed = _HARMLESS if plain else identities.agreed(party, target, subjects) if target.is_tenant else ""
        yield Edge(Medium.API, party, target, f"{who} may {rights.shown(grant.rules) or _unread(grant)} in namespace {grant.namespace}",
                   objects, certain, allowed)


def _cluster_wide(identities: Identities, grant: Grant, party: Party, who: str, objects: tuple[Maker, ...]) -> Iterator[Edge]:
    over_all, inside = rights.over_all(grant.rules), rights.namespaced(grant.rules)
    certain = grant.known and not _hidden(grant)
    powers = over_all + ([rights.shown(inside)] if inside else [])
    if powers or not grant.known:
        reached = _impersonated(identities, grant.rules) if over_all == ["act as anybody"] and not inside and grant.known else None
        sentence = f"{who} may {', '.join(powers) or _unread(grant)} in every namespace"
        for other in parties(identities.names if reached is None else reached):
            yield Edge(Medium.API, party, other, sentence, objects, certain)
    if grant.rules or not grant.known:
        plain = not over_all and grant.known and not rights.writes(grant.rules) and rights.harmless(grant.rules)
        sentence = f"{who} may {rights.shown(grant.rules) or _unread(grant)} in the whole cluster"
        yield Edge(Medium.API, party, platform("Kubernetes API"), sentence, objects, certain, _HARMLESS if plain else "")


def _impersonated(identities: Identities, rules: tuple[AccessRule, ...]) -> list[str] | None:
    """Tenants that somebody may act as, where names limit that; None for all."""
    found: set[str] = set()
    for rule in rules:
        if rule.verbs & {"impersonate", "*"} and rule.resources & {"users", "groups", "serviceaccounts", "uids", "*"}:
            if not rule.names or "*" in rule.resources or not rule.resources <= {"groups", "users"}:
                return None
            for name in rule.names:
                kind = "Group" if "groups" in rule.resources else "User"
                found |= {each for party in identities.owners(Subject(kind, "", name)) if party.is_tenant for each in party.names}
                found |= set(identities.names) if name.startswith("system:masters") else set()
    return sorted(found)


def _of_platform(identities: Identities, grant: Grant, party: Party, subjects: list[Subject]) -> Iterator[Edge]:
    """What the platform's own people and operators may do to a tenant: shown, for somebody has to."""
    who = _who(subjects)
    targets = [identities.of_namespace(grant.namespace)] if grant.namespace else parties(identities.names)
    inside = grant.rules if grant.namespace else (*rights.namespaced(grant.rules),)
    for target in targets if inside else ():
        if target.is_tenant:
            where = f"namespace {grant.namespace}" if grant.namespace else "every namespace"
            yield Edge(Medium.API, party, target, f"{who} may {rights.shown(inside)} in {where}", _objects(grant), allowed=_PLATFORM)


def _objects(grant: Grant) -> tuple[Maker, ...]:
    return (maker(grant.binding), *([maker(grant.role)] if grant.role is not None else []))


def _hidden(grant: Grant) -> bool:
    return any(rule.unknown for rule in grant.rules)


def _unread(grant: Grant) -> str:
    return f"do what role {grant.binding.get('roleRef', 'name')} says, which is not among the objects," if not grant.known else "do nothing"


def _who(subjects: list[Subject]) -> str:
    names = {f"{subject.kind} {subject.namespace + '/' if subject.namespace else ''}{subject.name}" for subject in subjects}
    return listed(sorted(names), 1)


def _groups(namespace: ResourceView) -> list[str]:
    said = namespace.annotations.get(GROUPS)
    return [str(each) for each in items(json_in(said))] if isinstance(said, str) else []
