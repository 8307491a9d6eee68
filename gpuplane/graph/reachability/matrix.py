"""The reachability matrix: every edge of every medium, between tenants and between them and the platform."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability.caches import cache_edges
from gpuplane.graph.reachability.cloud import cloud_edges
from gpuplane.graph.reachability.declarations import declared
from gpuplane.graph.reachability.devices import device_edges
from gpuplane.graph.reachability.edges import Edge, Medium, Party
from gpuplane.graph.reachability.gateway_routes import route_edges
from gpuplane.graph.reachability.kubernetes_api import api_edges
from gpuplane.graph.reachability.network_borders import network_edges
from gpuplane.graph.reachability.queues import queue_edges
from gpuplane.graph.reachability.stored_secrets import secret_edges
from gpuplane.graph.reachability.telemetry import telemetry_edges
from gpuplane.graph.reachability.volumes import volume_edges
from gpuplane.graph.tenancy import tenants_of_namespaces

_EDGES: tuple[Callable[[PlannedGraph], Iterator[Edge]], ...] = (
    network_edges, route_edges, api_edges, secret_edges, volume_edges, cloud_edges, device_edges, queue_edges, cache_edges, telemetry_edges)
_ORDER = {medium: place for place, medium in enumerate(Medium)}


@dataclass(frozen=True)
class Matrix:
    """Who reaches whom.

    Attributes:
        tenants: names, sorted.
        edges: sorted by medium and both ends.
    """

    tenants: tuple[str, ...]
    edges: tuple[Edge, ...]

    @property
    def between_tenants(self) -> tuple[Edge, ...]:
        """Edges from one tenant to another."""
        return tuple(edge for edge in self.edges if edge.between_tenants)

    @property
    def refused(self) -> tuple[Edge, ...]:
        """Edges that nobody allows."""
        return tuple(edge for edge in self.edges if edge.refused)

    def cell(self, source: Party, target: Party) -> tuple[Edge, ...]:
        """All edges from one party to another."""
        return self._cells.get((source, target), ())

    @property
    def _cells(self) -> Mapping[tuple[Party, Party], tuple[Edge, ...]]:
        found: dict[tuple[Party, Party], tuple[Edge, ...]] = {}
        for edge in self.edges:
            for source, target in edge.pairs():
                ends = Party(edge.source.side, source), Party(edge.target.side, target)
                found[ends] = (*found.get(ends, ()), edge)
        return found


@lru_cache(maxsize=4)
def matrix(graph: PlannedGraph) -> Matrix:
    """The matrix of a graph, worked out once."""
    found = [declared(graph, edge) for edges in _EDGES for edge in edges(graph) if any(edge.pairs())]
    return Matrix(tuple(sorted(set(tenants_of_namespaces(graph).values()))), tuple(sorted(dict.fromkeys(found), key=_place)))


def _place(edge: Edge) -> tuple[object, ...]:
    """What edges are sorted by: both ends by their fields, for to compare parties themselves takes ten times as long."""
    return (_ORDER[edge.medium], *_fields(edge.source), *_fields(edge.target), edge.sentence, edge.objects)


def _fields(party: Party) -> tuple[object, ...]:
    return party.side.value, party.name, party.members
