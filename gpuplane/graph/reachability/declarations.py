"""Paths between tenants that the reached tenant has declared, with its reason, on its own namespace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from gpuplane.graph.json_text import json_in
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability.edges import Edge, Medium, maker
from gpuplane.graph.resource_view import ResourceView, items, lookup
from gpuplane.spec.vocabulary import REACHABLE_FROM


@dataclass(frozen=True)
class Declaration:
    """That a tenant may be reached by another through a medium, why, and where that stands."""

    source: str
    target: str
    medium: str
    reason: str
    view: ResourceView


def declared(graph: PlannedGraph, edge: Edge) -> Edge:
    """The edge, allowed where its target declared it; the declaration is then one of the objects that make it."""
    if edge.allowed or not edge.between_tenants:
        return edge
    if edge.source.members or edge.target.members:
        every = all(is_declared(graph, *pair, edge.medium) for pair in edge.pairs())
        return replace(edge, allowed="declared by each tenant that is reached") if every else edge
    found = _declarations(graph).get((edge.source.name, edge.target.name, edge.medium.value))
    if found is None:
        return edge
    return replace(edge, allowed=f"declared by tenant {found.target}: {found.reason}",
                   objects=(*edge.objects, maker(found.view, f"metadata.annotations.{REACHABLE_FROM}")))


def is_declared(graph: PlannedGraph, source: str, target: str, medium: Medium) -> bool:
    """Whether a tenant has declared that another may reach it through a medium."""
    return (source, target, medium.value) in _declarations(graph)


@lru_cache(maxsize=4)
def _declarations(graph: PlannedGraph) -> Mapping[tuple[str, str, str], Declaration]:
    found: dict[tuple[str, str, str], Declaration] = {}
    for view in sorted(graph.namespaces.values(), key=lambda each: each.name):
        target = graph.tenant_of(view)
        for item in _listed(view) if target is not None else []:
            source, reason = lookup(item, "tenant"), lookup(item, "reason")
            for medium in items(lookup(item, "by")):
                if isinstance(source, str) and isinstance(reason, str) and reason.strip() and isinstance(medium, str):
                    found.setdefault((source, str(target), medium), Declaration(source, str(target), medium, reason, view))
    return found


def _listed(namespace: ResourceView) -> list[object]:
    text = namespace.annotations.get(REACHABLE_FROM)
    return items(json_in(text)) if isinstance(text, str) else []  # what cannot be read declares nothing
