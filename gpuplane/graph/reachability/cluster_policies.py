"""What a cluster's own network policies open, over every NetworkPolicy: AdminNetworkPolicy and ClusterNetworkPolicy.

Of their rules the first that matches decides (policy.networking.k8s.io/v1alpha1 and v1alpha2). What accepts is read as open, whatever
another rule may deny before it: where any denies or passes on, a path is possible and not sure. What they close is not counted: a
path that is said and is closed is looked at by somebody, one that is open and not said is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from gpuplane.graph.network_policies import Direction, NetworkRules
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability.labels import EVERYTHING, Demand, demand
from gpuplane.graph.reachability.openings import Opening, Pods, Policy, block
from gpuplane.graph.reachability.ports import EVERY, Ports, ports
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, mapping, unknowns

_GROUP = "policy.networking.k8s.io"
_ACCEPTS = ("Allow", "Accept")
_PEERS: Mapping[Direction, str] = {"Ingress": "from", "Egress": "to"}


@lru_cache(maxsize=8)
def cluster_policies(graph: PlannedGraph, direction: Direction) -> tuple[Policy, ...]:
    """Every one that opens something in a direction, sorted by its object; none closes."""
    admin = sorted((view for view in graph.objects("AdminNetworkPolicy", "ClusterNetworkPolicy") if view.group == _GROUP
                    and lookup(view.props, "spec", "tier") != "Baseline"), key=lambda view: (view.kind, view.name))
    certain = all(lookup(rule, "action") in _ACCEPTS for view in admin for rule in _listed(view.get("spec", direction.lower())))
    return tuple(_policy(view, openings, certain) for view in admin if (openings := tuple(_openings(view, direction))))


def _policy(view: ResourceView, openings: tuple[Opening, ...], certain: bool) -> Policy:
    namespaces, selected = _pods(view.get("spec", "subject"))
    return Policy(NetworkRules(view, "", {}, frozenset(), ()), namespaces, selected if certain else replace(selected, unknown=True),
                  openings, closes=False)


def _openings(view: ResourceView, direction: Direction) -> Iterator[Opening]:
    for index, rule in enumerate(_listed(view.get("spec", direction.lower()))):
        action = lookup(rule, "action")
        if action in _ACCEPTS or isinstance(action, Unknown):
            for place, peer in enumerate(_listed(lookup(rule, _PEERS[direction]))):
                yield from _opening(peer, _ports(rule), f"spec.{direction.lower()}[{index}].{_PEERS[direction]}[{place}]")


def _listed(value: Any) -> list[Any]:
    """A list; one that only apply knows may hold anything."""
    return [value] if isinstance(value, Unknown) else items(value)


def _opening(peer: Any, through: Ports, path: str) -> Iterator[Opening]:
    if isinstance(peer, Unknown):
        yield Opening(Pods(Demand(unknown=True), EVERYTHING), block({}), through, path)
        return
    for network in items(lookup(peer, "networks")):
        yield Opening(None, block({"cidr": network}), through, path)
    for name in items(lookup(peer, "domainNames")):
        yield Opening(None, None, through, path, str(name))
    if "namespaces" in mapping(peer) or "pods" in mapping(peer):
        yield Opening(Pods(*_pods(peer)), None, through, path)


def _pods(said: Any) -> tuple[Demand, Demand]:
    """Demands on namespace and labels of ``namespaces`` or ``pods``; a selector that is left out there selects all."""
    pods = lookup(said, "pods")
    if pods is not None:
        namespaces, own = lookup(pods, "namespaceSelector"), lookup(pods, "podSelector")
        return demand({} if namespaces is None else namespaces), demand({} if own is None else own)
    return (Demand(unknown=True) if isinstance(said, Unknown) else demand(lookup(said, "namespaces"))), EVERYTHING


def _ports(rule: Any) -> Ports:
    """``ports`` of v1alpha1, ``protocols`` of v1alpha2; none named are all there are."""
    said = [*items(lookup(rule, "ports")), *items(lookup(rule, "protocols"))]
    if any(True for _ in unknowns(said)):
        return EVERY
    return ports([each for one in said for each in _as_ports(one)]) if said else EVERY


def _as_ports(one: Any) -> Iterator[dict[str, Any]]:
    """One of them as a NetworkPolicy writes it; a port by name may be any."""
    number, span = lookup(one, "portNumber"), lookup(one, "portRange")
    if number is not None:
        yield {"protocol": lookup(number, "protocol"), "port": lookup(number, "port")}
    if span is not None:
        yield {"protocol": lookup(span, "protocol"), "port": lookup(span, "start"), "endPort": lookup(span, "end")}
    for protocol in ("TCP", "UDP", "SCTP"):
        port = lookup(one, protocol.lower(), "destinationPort")
        if protocol.lower() in mapping(one):
            low = lookup(port, "range", "start")
            yield {"protocol": protocol, "port": lookup(port, "number") if low is None else low, "endPort": lookup(port, "range", "end")}
    if lookup(one, "namedPort") or lookup(one, "destinationNamedPort"):
        yield from ({"protocol": protocol, "port": "by name"} for protocol in ("TCP", "UDP", "SCTP"))
