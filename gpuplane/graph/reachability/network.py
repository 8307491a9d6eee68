"""Network: which pods can connect to which, by what all network policies together leave open.

A connection needs the policies of both ends. Pods are not counted one by one: whoever may run pods in a namespace may give them any
labels, so the question is whether there are labels for which a way is open. Traffic between a node and its own pods is never closed
(Kubernetes, "Network Policies"), so pods on the node's network are reached by nothing here, and reach every pod.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gpuplane.graph.network_policies import Direction
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability.addresses import pods_inside
from gpuplane.graph.reachability.barriers import Barrier, still_open
from gpuplane.graph.reachability.cluster_policies import cluster_policies
from gpuplane.graph.reachability.edges import Edge, Maker, Medium, Party, maker, parties, platform, tenant
from gpuplane.graph.reachability.labels import Demand, fits, possible
from gpuplane.graph.reachability.openings import NAMESPACE_NAME, Network, Opening, Policy, policies
from gpuplane.graph.reachability.ports import EVERY, Ports, both, minus, shown, union
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.tenancy import home, tenants_of_namespaces

_SERVICE = "by design: the platform's own pods serve every tenant"


@dataclass(frozen=True)
class Place:
    """A namespace: its labels, and whether these are all of them (it is among the objects)."""

    name: str
    labels: Mapping[str, Any]
    whole: bool
    view: ResourceView | None = None


@dataclass(frozen=True)
class Way:
    """One way through the policies of one end.

    Attributes:
        met, unmet: demands on the labels of the pods at this end.
        opening: what is opened; None where no policy closes such pods.
        policy: the policy that opens it.
    """

    met: frozenset[Demand]
    unmet: frozenset[Demand]
    opening: Opening | None = None
    policy: Policy | None = None


@dataclass(frozen=True)
class Path:
    """A connection that is open between pods of two namespaces: on which ports, through which policies."""

    ports: Ports
    certain: bool
    objects: tuple[Maker, ...]


def namespace_edges(net: Net) -> Iterator[Edge]:
    """Every way between the pods of two namespaces, one of them a tenant's."""
    unclosed = net.unclosed()
    yield from _all_open(net, unclosed)
    for (source, target), path in sorted(net.paths(apart=unclosed).items()):
        ends = net.party(source), net.party(target)
        if ends[0] != ends[1] and any(end.is_tenant for end in ends):
            both_tenants = ends[0].is_tenant and ends[1].is_tenant
            sentence = f"pods of namespace {source} connect to pods of namespace {target} on {shown(path.ports)}"
            yield Edge(Medium.NETWORK, *ends, sentence, path.objects, path.certain, "" if both_tenants else _SERVICE)


def _all_open(net: Net, unclosed: frozenset[str]) -> Iterator[Edge]:
    """The ways between namespaces that no policy closes, each tenant's and each of the platform's together."""
    if not unclosed:
        return
    own, others = sorted(unclosed & net.tenants.keys()), sorted(unclosed - net.tenants.keys())
    source, = parties({net.tenants[name] for name in own})
    open_to_all = "namespaces that no network policy closes"
    makers = tuple(net.namespace_maker(name, "no policy closes ingress") for name in own)
    yield Edge(Medium.NETWORK, source, source, f"pods of {len(own)} {open_to_all} connect to each other on every port", makers)
    if others:
        far = platform(f"{len(others)} {open_to_all}")
        by = (*(net.namespace_maker(name, "no policy closes ingress") for name in others), *makers)
        for ends in ((source, far), (far, source)):
            yield Edge(Medium.NETWORK, *ends, f"pods of {ends[0]} and of {ends[1]} connect on every port", by, allowed=_SERVICE)


_FREE = Way(frozenset(), frozenset())
"""The way of pods that no policy closes."""


class Net:
    """All namespaces of a graph, and what is open between them."""

    def __init__(self, graph: PlannedGraph) -> None:
        self.graph = graph
        self.tenants = tenants_of_namespaces(graph)
        self.places = _places(graph)
        self._admitted: dict[Demand, Mapping[str, bool]] = {}
        self._led: dict[tuple[int, str], Mapping[str, bool]] = {}
        self._policies = {direction: self._by_namespace(direction) for direction in ("Ingress", "Egress")}

    def party(self, namespace: str) -> Party:
        """Whose the pods of a namespace are."""
        owner = self.tenants.get(namespace)
        return tenant(owner) if owner is not None else platform(f"namespace {namespace}")

    def unclosed(self) -> frozenset[str]:
        """Namespaces of whose pods no policy closes any, where they are of so many tenants that they are not said two by two."""
        found = frozenset(name for name in self.places if not any(self._policies[way].get(name) for way in self._policies))
        of_tenants = parties({self.tenants[name] for name in found & self.tenants.keys()})
        return found if any(party.members for party in of_tenants) else frozenset()

    def paths(self, apart: frozenset[str] = frozenset()) -> dict[tuple[str, str], Path]:
        """Every open connection between two namespaces at least one of which is a tenant's, by source and target.

        Args:
            apart: namespaces that no policy closes; connections between two of them are left out.
        """
        outgoing = {name: self.ways(name, "Egress") for name in self.places}
        led, everywhere = self._led_to(outgoing)
        found: dict[tuple[str, str], Path] = {}
        for target in self.places:
            incoming = self._sources(target) if target not in apart else None
            for source in sorted(led[target] | (everywhere - apart if target in apart else everywhere)):
                ways = [(_FREE, True)] if incoming is None else incoming.get(source, [])
                if ways and source != target and (source in self.tenants or target in self.tenants):
                    path = self._path(source, target, ways, outgoing[source])
                    if path is not None:
                        found[source, target] = path
        return found

    def _led_to(self, outgoing: Mapping[str, tuple[Way, ...]]) -> tuple[Mapping[str, set[str]], set[str]]:
        """Namespaces from which some way leads to each, and those of which a way leads everywhere."""
        led: dict[str, set[str]] = defaultdict(set)
        everywhere = {name for name, ways in outgoing.items() if any(way.opening is None for way in ways)}
        for name, ways in outgoing.items():
            for way in ways if name not in everywhere else ():
                for target in self.admitted(way, name):
                    led[target].add(name)
        return led, everywhere

    def ways(self, namespace: str, direction: Direction) -> tuple[Way, ...]:
        """The ways through the policies of a namespace's pods."""
        closing = frozenset(policy.selected for policy in self._policies[direction].get(namespace, ()) if policy.closes)
        free = [Way(frozenset(), closing)] if possible(frozenset(), closing) else []
        return (*free, *(Way(frozenset({policy.selected}), frozenset(), opening, policy)
                         for policy in self._policies[direction].get(namespace, ()) for opening in policy.openings))

    def admitted(self, way: Way, namespace: str) -> Mapping[str, bool]:
        """Namespaces whose pods a way of a namespace's pods leads to, each with whether that is sure."""
        key = id(way.opening), namespace if way.opening is None or way.opening.pods is None or way.opening.pods.namespaces is None else ""
        if key not in self._led:
            self._led[key] = self._leads(way, namespace)
        return self._led[key]

    def _leads(self, way: Way, namespace: str) -> Mapping[str, bool]:
        if way.opening is None:
            return dict.fromkeys(self.places, True)
        found: dict[str, bool] = {}
        if way.opening.block is not None and way.opening.block_holds_pods:
            surely = pods_inside(way.opening.block)
            found = {} if surely is False else dict.fromkeys(self.places, surely is True)
        if way.opening.pods is not None:
            wanted = way.opening.pods.namespaces
            found = {**found, **({namespace: True} if wanted is None else self._having(wanted))}
        return found

    def _having(self, wanted: Demand) -> Mapping[str, bool]:
        if wanted not in self._admitted:
            verdicts = {name: fits(wanted, place.labels, place.whole) for name, place in self.places.items()}
            self._admitted[wanted] = {name: verdict is True for name, verdict in verdicts.items() if verdict is not False}
        return self._admitted[wanted]

    def _by_namespace(self, direction: Direction) -> Mapping[str, tuple[Policy, ...]]:
        found: dict[str, list[Policy]] = defaultdict(list)
        for policy in (*policies(self.graph, direction), *cluster_policies(self.graph, direction)):
            for name in [policy.rules.namespace] if policy.namespaces is None else self._having(policy.namespaces):
                found[name].append(policy)
        return {name: tuple(each) for name, each in found.items()}

    def _sources(self, target: str) -> Mapping[str, list[tuple[Way, bool]]]:
        """Namespaces that some way lets in, each with these ways and whether they surely do."""
        found: dict[str, list[tuple[Way, bool]]] = defaultdict(list)
        for way in self.ways(target, "Ingress"):
            for source, surely in self.admitted(way, target).items():
                found[source].append((way, surely))
        return found

    def _path(self, source: str, target: str, incoming: list[tuple[Way, bool]], outgoing: tuple[Way, ...]) -> Path | None:
        open_ways, barriers = [], self._barriers(source, target)
        for out in outgoing:
            there = self.admitted_there(out, source, target)
            if there is None:
                continue
            for way, surely in incoming:
                joined = _joined(out, way, barriers)
                if joined is not None:
                    open_ways.append((joined[0], joined[1] and surely and there, (*self.makers(target, way, "Ingress"),
                                                                                  *self.makers(source, out, "Egress"))))
        if not open_ways:
            return None
        certain = [each for each in open_ways if each[1]]
        chosen = certain or open_ways
        objects = tuple(sorted({each for way in chosen for each in way[2]}, key=lambda each: (each.kind == "Namespace", each)))
        return Path(union(frozenset(ports for ports, _, _ in chosen)), bool(certain), objects)

    def _barriers(self, source: str, target: str) -> tuple[Barrier, ...]:
        """What closes again between the pods of two namespaces, at either end."""
        found = []
        for direction, near, far in (("Egress", source, target), ("Ingress", target, source)):
            for policy in self._policies[direction].get(near, ()):
                for denial, sure in policy.denials:
                    there = self._closes(denial, near).get(far)
                    if there is not None and denial.pods is not None:
                        ends = (policy.selected, denial.pods.labels) if direction == "Egress" else (denial.pods.labels, policy.selected)
                        found.append(Barrier(*ends, denial.ports, sure and there))
        return tuple(found)

    def closed_outside(self, namespace: str, direction: Direction, way: Way, addresses: Network) -> bool:
        """Whether deny rules surely close a way to, or from, addresses outside for every pod that has it."""
        return any(
            sure and denial.block is not None and denial.block.network is not None and not denial.block.without
            and denial.block.network.version == addresses.version and addresses.subnet_of(denial.block.network)  # type: ignore[arg-type]
            and not minus(ports_of(way), denial.ports) and not possible(way.met, way.unmet | {policy.selected}, surely=False)
            and not policy.selected.unknown
            for policy in self._policies[direction].get(namespace, ()) for denial, sure in policy.denials)

    def _closes(self, denial: Opening, namespace: str) -> Mapping[str, bool]:
        """Namespaces of whose pods a denial means some, each with whether that is sure."""
        return self.admitted(Way(frozenset(), frozenset(), denial), namespace)

    def admitted_there(self, way: Way, namespace: str, far: str) -> bool | None:
        """Whether a way leads to one namespace's pods, and surely; None where it does not."""
        return self.admitted(way, namespace).get(far) if way.opening is not None else True

    def makers(self, namespace: str, way: Way, direction: Direction) -> tuple[Maker, ...]:
        """What makes a way: the policy that opens it, else the namespace in which none closes it."""
        if way.policy is not None and way.opening is not None:
            return (maker(way.policy.rules.view, way.opening.path),)
        return (self.namespace_maker(namespace, f"no policy closes {direction.lower()}"),)

    def namespace_maker(self, namespace: str, field: str = "") -> Maker:
        """The namespace itself, where what makes an edge is that something is missing in it."""
        view = self.places[namespace].view
        return maker(view, field) if view is not None else Maker("", "Namespace", "", namespace, field)


def _joined(out: Way, way: Way, barriers: tuple[Barrier, ...]) -> tuple[Ports, bool] | None:
    """Ports of a connection through one way at each end, and whether it is sure; None where there is none."""
    through = both(ports_of(out), ports_of(way))
    source = out.met | _far(way), out.unmet
    target = way.met | _far(out), way.unmet
    found = still_open(source, target, through, barriers, surely=False)
    if not found:
        return None
    surely = still_open(source, target, through, barriers, surely=True)
    return (surely, True) if surely else (found, False)


def ports_of(way: Way) -> Ports:
    """Ports that a way leaves open."""
    return way.opening.ports if way.opening is not None else EVERY


def _far(way: Way) -> frozenset[Demand]:
    """What a way demands of the pods at the other end; one by address demands nothing of them."""
    pods = way.opening.pods if way.opening is not None else None
    return frozenset({pods.labels}) if pods is not None else frozenset()


@lru_cache(maxsize=4)
def _places(graph: PlannedGraph) -> Mapping[str, Place]:
    """Every namespace that is among the objects, that an object is in, or that a policy names."""
    known = {name: Place(name, {**view.labels, NAMESPACE_NAME: name}, True, view) for name, view in graph.namespaces.items()}
    used = {home(view) for view in graph.kubernetes if view.namespace}
    for direction in ("Ingress", "Egress"):
        for policy in (*policies(graph, direction), *cluster_policies(graph, direction)):
            for opening in policy.openings:
                wanted = opening.pods.namespaces if opening.pods is not None else None
                used |= {value for atom in (wanted.atoms if wanted is not None else ()) if atom.key == NAMESPACE_NAME
                         and atom.operator == "In" for value in atom.values}
    return {name: known.get(name) or Place(name, {NAMESPACE_NAME: name}, False) for name in sorted({*known, *used})}
