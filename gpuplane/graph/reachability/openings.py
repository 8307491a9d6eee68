"""What network policies leave open, policy by policy: whom each selects, which direction it closes, and what it opens again.

Kubernetes' NetworkPolicy (networking.k8s.io/v1) and Cilium's policies (cilium.io/v2) in one shape. A closed pod is open to the sum
of what all policies that select it open, without what Cilium's deny rules close again.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gpuplane.graph.network_policies import Direction, NetworkRules, Peer, network_policies
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability.labels import EVERYTHING, Demand, demand
from gpuplane.graph.reachability.ports import EVERY, Ports, cilium_ports, named, ports
from gpuplane.graph.resource_view import Unknown, items, lookup, mapping

NAMESPACE_NAME = "kubernetes.io/metadata.name"
_CILIUM_NAMESPACE = "io.kubernetes.pod.namespace"
_CILIUM_NAMESPACE_LABEL = "io.cilium.k8s.namespace.labels."
_EVERY_POD = ("all", "cluster")
_EVERY_ADDRESS = ("all", "world", "world-ipv4")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Pods:
    """Pods that a peer means.

    Attributes:
        namespaces: demand on their namespace's labels; None: the policy's own namespace.
        labels: demand on their own.
    """

    namespaces: Demand | None
    labels: Demand


@dataclass(frozen=True)
class Block:
    """Addresses that a peer means; ``network`` None where only apply knows them."""

    network: Network | None
    without: tuple[Network, ...] = ()


@dataclass(frozen=True)
class Opening:
    """One way through a policy.

    Attributes:
        pods: pods at the other end; None where it opens to none.
        block: addresses at the other end; None where it opens to none.
        ports: of the pods that are called.
        path: where it stands in the object.
        name: a name outside that it opens to (Cilium's ``toFQDNs``).
        block_holds_pods: whether an address can be a pod's (Cilium's CIDR rules never are).
    """

    pods: Pods | None
    block: Block | None
    ports: Ports
    path: str
    name: str = ""
    block_holds_pods: bool = True


@dataclass(frozen=True)
class Policy:
    """One policy in one direction: it closes what it selects there, except for its openings.

    Attributes:
        rules: the policy.
        namespaces: demand on the namespace of the pods it selects; None: its own alone.
        selected: demand on their labels.
        openings: what it opens.
    """

    rules: NetworkRules
    namespaces: Demand | None
    selected: Demand
    openings: tuple[Opening, ...]
    closes: bool
    denials: tuple[tuple[Opening, bool], ...] = ()
    """What it closes again, each with whether its ports are known."""


@lru_cache(maxsize=8)
def policies(graph: PlannedGraph, direction: Direction) -> tuple[Policy, ...]:
    """Every policy that says something of a direction, sorted by its object."""
    found = [_policy(rules, direction) for rules in network_policies(graph)
             if direction in rules.isolates or any(peer.direction == direction for peer in (*rules.peers, *rules.denied))]
    return tuple(sorted(found, key=lambda policy: (policy.rules.view.kind, policy.rules.namespace, policy.rules.view.name,
                                                   policy.rules.view.urn)))


def _policy(rules: NetworkRules, direction: Direction) -> Policy:
    cilium, spec = rules.view.group == "cilium.io", rules.view.get("spec")
    namespaces, selected = (_cilium_pods(rules.selector, None if rules.namespace else EVERYTHING) if cilium
                            else (None, demand(rules.selector)))
    found = [opening for peer in rules.peers if peer.direction == direction
             for opening in (_cilium(peer, rules) if cilium else _kubernetes(peer))]
    if any(isinstance(lookup(spec, part), Unknown) for part in ("podSelector", "endpointSelector", "policyTypes")):
        selected = Demand(unknown=True)
    listed = lookup(spec, direction.lower())
    if isinstance(listed, Unknown) or any(isinstance(rule, Unknown) for rule in items(listed)):
        found.append(_anybody(f"spec.{direction.lower()}"))
    denials = tuple((denial, not named(lookup(peer.rule, "toPorts"))) for peer in rules.denied if peer.direction == direction
                    for denial in _cilium(peer, rules))
    return Policy(rules, namespaces, selected, tuple(found), direction in rules.isolates, denials)


def _anybody(path: str) -> Opening:
    """What only apply knows may open to anybody."""
    return Opening(Pods(Demand(unknown=True), EVERYTHING), Block(None), EVERY, path)


def _kubernetes(peer: Peer) -> Iterator[Opening]:
    through = ports(lookup(peer.rule, "ports"))
    if peer.value is None:
        form = lookup(peer.rule, peer.form)
        hidden = isinstance(peer.rule, Unknown) or isinstance(form, Unknown)
        yield _anybody(peer.path) if hidden else Opening(Pods(EVERYTHING, EVERYTHING), Block(_ALL[0]), through, peer.path)
        return
    if isinstance(peer.value, Unknown):
        yield _anybody(peer.path)
        return
    if lookup(peer.value, "ipBlock") is not None:
        yield Opening(None, block(lookup(peer.value, "ipBlock")), through, peer.path)
        return
    namespaces, own = lookup(peer.value, "namespaceSelector"), lookup(peer.value, "podSelector")
    yield Opening(Pods(None if namespaces is None else demand(namespaces), EVERYTHING if own is None else demand(own)), None, through,
                  peer.path)


def _cilium(peer: Peer, rules: NetworkRules) -> Iterator[Opening]:
    through, value = cilium_ports(lookup(peer.rule, "toPorts")), peer.value
    own = None if rules.namespace else EVERYTHING
    if value is None or peer.form.endswith("Entities"):
        if value is None or value in _EVERY_POD or isinstance(value, Unknown):
            wanted = Demand(unknown=True) if isinstance(value, Unknown) else EVERYTHING
            yield Opening(Pods(wanted, EVERYTHING), None, through, peer.path)
        if value is None or value in _EVERY_ADDRESS or isinstance(value, Unknown):
            yield Opening(None, Block(None if isinstance(value, Unknown) else _ALL[0]), through, peer.path, block_holds_pods=False)
    elif peer.form.endswith("Endpoints"):
        yield Opening(Pods(*_cilium_pods(value, own)), None, through, peer.path)
    elif peer.form.endswith(("CIDR", "CIDRSet")):
        yield Opening(None, block({"cidr": value} if isinstance(value, str) else value), through, peer.path, block_holds_pods=False)
    elif peer.form == "toFQDNs":
        name = str(lookup(value, "matchName") or lookup(value, "matchPattern"))
        yield Opening(None, None, through, peer.path, name)
    elif peer.form == "toServices":  # the pods behind it may be anybody's
        yield Opening(Pods(Demand(unknown=True), EVERYTHING), None, through, peer.path)


def _cilium_pods(selector: Any, own: Demand | None) -> tuple[Demand | None, Demand]:
    """Namespace and labels that an endpoint selector demands; ``own`` is the namespace where it names none."""
    if not isinstance(selector, Mapping):
        return own, demand(selector)
    of_namespace: dict[str, list[Any]] = {"matchLabels": [], "matchExpressions": []}
    of_pods: dict[str, list[Any]] = {"matchLabels": [], "matchExpressions": []}
    parts = [("matchLabels", key, value) for key, value in mapping(selector.get("matchLabels")).items()]
    parts += [("matchExpressions", lookup(each, "key"), each) for each in items(selector.get("matchExpressions"))]
    for part, key, value in parts:
        name = str(key).removeprefix("k8s:").removeprefix("any:").removeprefix("k8s.")
        if name == _CILIUM_NAMESPACE:
            of_namespace[part].append((NAMESPACE_NAME, value))
        elif name.startswith(_CILIUM_NAMESPACE_LABEL):
            of_namespace[part].append((name.removeprefix(_CILIUM_NAMESPACE_LABEL), value))
        else:
            of_pods[part].append((name, value))
    named = any(of_namespace.values())
    return (demand(_selector(of_namespace)) if named else own), demand(_selector(of_pods))


def _selector(parts: Mapping[str, list[Any]]) -> dict[str, Any]:
    return {"matchLabels": dict(parts["matchLabels"]),
            "matchExpressions": [{**mapping(value), "key": key} for key, value in parts["matchExpressions"]]}


def block(value: Any) -> Block:
    """An ``ipBlock``; what cannot be read may be every address."""
    without = tuple(network for each in items(lookup(value, "except")) if (network := _network(each)) is not None)
    return Block(_network(lookup(value, "cidr")), without)


def _network(text: Any) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False) if isinstance(text, str) else None
    except ValueError:
        return None


_ALL = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
