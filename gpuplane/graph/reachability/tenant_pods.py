"""Pods of tenants: every template as it runs, with whose it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from typing import Any

from gpuplane.graph.command_lines import environment, words
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import TEMPLATE_KINDS, PodContainer, PodTemplate
from gpuplane.graph.reachability.edges import Edge, Maker, Medium, maker, tenant
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.graph.serving_runtimes import effective_templates
from gpuplane.graph.tenancy import home, tenants_of_namespaces


@dataclass(frozen=True)
class TenantPods:
    """Pods of one template of a tenant's object."""

    tenant: str
    view: ResourceView
    template: PodTemplate


@lru_cache(maxsize=4)
def tenant_pods(graph: PlannedGraph) -> tuple[TenantPods, ...]:
    """Every one, in the graph's order."""
    tenants = tenants_of_namespaces(graph)
    return tuple(TenantPods(tenants[home(view)], view, template) for view in graph.kubernetes
                 if home(view) in tenants and view.kind not in TEMPLATE_KINDS for template in effective_templates(graph, view))


def texts(graph: PlannedGraph, view: ResourceView, container: PodContainer) -> dict[str, str]:
    """Everything a container is told, by where: arguments together as ``args``, and each variable by its name."""
    return {"args": " ".join(words(container)), **environment(graph, view, container)}


def is_set(value: Any) -> bool:
    """Whether a switch is on, or may be."""
    return value is True or isinstance(value, Unknown)


def among(medium: Medium, users: dict[str, Maker], sentence: str, first: tuple[Maker, ...] = (), certain: bool = True) -> list[Edge]:
    """Edges between all tenants that share something, in both directions.

    Args:
        medium: of the edges.
        users: each tenant with the object by which it shares.
        sentence: what each can do; ``{source}`` and ``{target}`` are the tenants' names.
        first: what makes all of them.
        certain: whether it is sure.
    """
    return [Edge(medium, tenant(source), tenant(target), sentence.format(source=source, target=target),
                 tuple(dict.fromkeys((*first, users[source], users[target]))), certain)
            for source, target in permutations(sorted(users), 2)]


def makers(views: tuple[ResourceView, ...]) -> Maker:
    """The first of some objects by kind and name."""
    return min(maker(view) for view in views)
