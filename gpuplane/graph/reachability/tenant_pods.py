"""Pods of tenants: every template as it runs, with whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from typing import Any

from gpuplane.graph.command_lines import environment, words
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import TEMPLATE_KINDS, PodContainer, PodTemplate
from gpuplane.graph.reachability.edges import Edge, Maker, Medium, Party, maker, parties
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
    return tuple(TenantPods(tenants[home(view)], view, template) for view, _ in graph.pods
                 if home(view) in tenants and view.kind not in TEMPLATE_KINDS for template in effective_templates(graph, view))


def texts(graph: PlannedGraph, view: ResourceView, container: PodContainer) -> dict[str, str]:
    """Everything a container is told, by where: arguments together as ``args``, and each variable by its name."""
    return {"args": " ".join(words(container)), **environment(graph, view, container)}


def is_set(value: Any) -> bool:
    """Whether a switch is on, or may be."""
    return value is True or isinstance(value, Unknown)


def among(medium: Medium, users: Mapping[str, Maker], sentence: str, first: tuple[Maker, ...] = (), certain: bool = True) -> list[Edge]:
    """Edges between all tenants that share something, in both directions.

    Args:
        medium: of the edges.
        users: each tenant with the object by which it shares.
        sentence: what each can do; ``{source}`` and ``{target}`` are the two ends.
        first: what makes all of them.
        certain: whether it is sure.
    """
    ends = parties(users)
    if any(end.members for end in ends):
        made = tuple(dict.fromkeys((*first, *(users[name] for name in sorted(users)))))
        return [Edge(medium, ends[0], ends[0], _said(sentence, ends[0], "any other"), made, certain)]
    return [Edge(medium, source, target, _said(sentence, source, str(target)),
                 tuple(dict.fromkeys((*first, users[source.name], users[target.name]))), certain)
            for source, target in permutations(ends, 2)]


def _said(sentence: str, source: Party, target: str) -> str:
    """Not ``format``: what else is in a sentence may come from an object, braces and all."""
    return sentence.replace("{source}", str(source)).replace("{target}", target)


def makers(views: tuple[ResourceView, ...]) -> Maker:
    """The first of some objects by kind and name."""
    return maker(min(views, key=lambda view: (view.urn, view.kind, view.namespace, view.name)))
