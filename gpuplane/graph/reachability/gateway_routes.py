"""Gateways: routes that lead one tenant's callers to another's pods, and listeners on which one may answer for another.

The network policies let a gateway's proxies into every tenant, so what they are told is as good as a connection.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from gpuplane.graph.gateways import Listener, admitted_namespaces, listeners
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability.edges import Edge, Maker, Medium, maker, tenant
from gpuplane.graph.reachability.tenant_pods import among
from gpuplane.graph.references import other_owner, references
from gpuplane.graph.tenancy import home, tenants_of_namespaces

_LEADING = ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute", "AIGatewayRoute", "AIServiceBackend", "Backend", "InferenceGraph")


def route_edges(graph: PlannedGraph) -> Iterator[Edge]:
    """Requests that end at another tenant's pods."""
    tenants = tenants_of_namespaces(graph)
    for view in graph.objects(*_LEADING):
        own = tenants.get(home(view))
        for reference in references(graph, view) if own is not None else ():
            other = other_owner(graph, reference, str(own)) if reference.namespace else None
            if other is not None and "parentRefs" not in reference.path:
                sentence = f"requests to {view} are led to {reference.what}, which is tenant {other}'s"
                yield Edge(Medium.NETWORK, tenant(str(own)), tenant(other), sentence, (maker(view, reference.path),))
    yield from _shared_listeners(graph)


def _shared_listeners(graph: PlannedGraph) -> Iterator[Edge]:
    """Tenants whose routes one listener, or two of one host, admit: each may take the other's requests."""
    tenants = tenants_of_namespaces(graph)
    users: dict[tuple[str, str], dict[str, Maker]] = defaultdict(dict)
    for listener in listeners(graph):
        admitted = admitted_namespaces(graph, listener)
        for namespace in sorted(tenants) if admitted is None else admitted:
            if namespace in tenants:
                users[_host(listener)].setdefault(tenants[namespace], maker(listener.gateway, f"{listener.path}.allowedRoutes"))
    for (host, _), by_tenant in sorted(users.items()):
        yield from among(Medium.NETWORK, by_tenant, f"a route of {{source}} may answer requests to {host or 'any host'} that are meant for "
                         "{target}")


def _host(listener: Listener) -> tuple[str, str]:
    return listener.hostname.lower(), f"{listener.gateway.urn} {listener.port}" if not listener.hostname else str(listener.port)
