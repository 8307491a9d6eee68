"""Network beyond the pods: addresses and names outside, the nodes' metadata service, and pods on a node's own network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_network

from gpuplane.graph.network_policies import Direction
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability.addresses import METADATA, holds
from gpuplane.graph.reachability.edges import Edge, Medium, maker, outside, parties, platform, tenant
from gpuplane.graph.reachability.network import Net, Way, namespace_edges, ports_of
from gpuplane.graph.reachability.openings import Network
from gpuplane.graph.reachability.ports import shown, union
from gpuplane.graph.reachability.tenant_pods import is_set, tenant_pods
from gpuplane.graph.resource_view import lookup, told

_EVERYWHERE = ip_network("0.0.0.0/0")
_METADATA_NETWORKS = tuple(ip_network(address) for address in METADATA)
_OUTSIDE = "by design: no tenant's; TI-02 and TI-03 judge how wide it may be"


def network_edges(graph: PlannedGraph) -> Iterator[Edge]:
    """Every way from or to a tenant's pods."""
    net = Net(graph)
    yield from namespace_edges(net)
    yield from outside_edges(net)
    yield from node_edges(net)


def outside_edges(net: Net) -> Iterator[Edge]:
    """Addresses and names beyond the cluster that a tenant's pods reach, and those that reach them; and the nodes' metadata."""
    for name in sorted(net.tenants):
        if name not in net.places:
            continue
        for direction in ("Egress", "Ingress"):
            by_far: dict[str, list[Way]] = defaultdict(list)
            for way in net.ways(name, direction):
                for far, network in _addresses(way):
                    if network is None or not net.closed_outside(name, direction, way, network):
                        by_far[far].append(way)
            for far, ways in sorted(by_far.items()):
                yield _outside_edge(net, name, direction, far, ways)
        yield from _metadata(net, name)


def _addresses(way: Way) -> list[tuple[str, Network | None]]:
    """Names of what is outside at the far end, each with its addresses where they are known."""
    if way.opening is None:
        return [("every address", _EVERYWHERE)]
    found: list[tuple[str, Network | None]] = [(way.opening.name, None)] if way.opening.name else []
    if way.opening.block is not None:
        network = way.opening.block.network
        whole = network is not None and network.prefixlen == 0
        found.append(("every address" if whole else f"network {network or 'that is only known after apply'}", network))
    return found


def _outside_edge(net: Net, namespace: str, direction: Direction, far: str, ways: list[Way]) -> Edge:
    objects = tuple(sorted({each for way in ways for each in net.makers(namespace, way, direction)}))
    through = shown(union(frozenset(ports_of(way) for way in ways)))
    if direction == "Egress":
        return Edge(Medium.NETWORK, net.party(namespace), outside(far), f"pods of namespace {namespace} connect to {far} on {through}",
                    objects, allowed=_OUTSIDE)
    return Edge(Medium.NETWORK, outside(far), net.party(namespace), f"{far} may connect to pods of namespace {namespace} on {through}",
                objects, allowed=_OUTSIDE)


def _metadata(net: Net, namespace: str) -> Iterator[Edge]:
    """Where nodes get their cloud credentials, which are no tenant's."""
    ways = [way for way in net.ways(namespace, "Egress") if way.opening is None or (
        way.opening.block is not None and holds(way.opening.block, METADATA))]
    ways = [way for way in ways if not all(net.closed_outside(namespace, "Egress", way, each) for each in _METADATA_NETWORKS
                                           if way.opening is None or way.opening.block is None or holds(way.opening.block, (each[0],)))]
    if ways:
        objects = tuple(sorted({each for way in ways for each in net.makers(namespace, way, "Egress")}))
        hidden = all(way.opening is not None and way.opening.block is not None and way.opening.block.network is None for way in ways)
        kept = _hop_limited(net.graph)
        yield Edge(Medium.NETWORK, net.party(namespace), platform("instance metadata"),
                   f"pods of namespace {namespace} reach the instance metadata service, where nodes get their cloud credentials",
                   objects, not hidden, "by design: the launch templates' hop limit of 1 keeps pods out" if kept else "")


@lru_cache(maxsize=4)
def _hop_limited(graph: PlannedGraph) -> bool:
    """Whether every launch template demands session tokens and lets them go one hop: to the node, not to its pods."""
    templates = [view for view in graph.resources if view.type == "aws:ec2/launchTemplate:LaunchTemplate"]
    options = [told(view.props, "metadataOptions") for view in templates]
    return bool(templates) and all(
        told(each, "httpTokens") == "required" and told(each, "httpPutResponseHopLimit") == 1 for each in options)


def node_edges(net: Net) -> Iterator[Edge]:
    """Pods on the node's own network: no policy holds for them, and a node reaches all pods on it."""
    others = parties(set(net.tenants.values()))
    for pods in tenant_pods(net.graph):
        value = lookup(pods.template.spec, "hostNetwork")
        if is_set(value):
            objects, who = (maker(pods.view, f"{pods.template.path}.hostNetwork"),), f"pods of {pods.view} are on the node's network"
            for other in others:
                yield Edge(Medium.NETWORK, tenant(pods.tenant), other, f"{who}, and a node reaches every pod that runs on it",
                           objects, value is True)
            sentence = f"{who}, where nodes get their cloud credentials"
            yield Edge(Medium.NETWORK, tenant(pods.tenant), platform("instance metadata"), sentence,
                       objects, value is True)
