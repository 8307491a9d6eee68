"""All links of a graph, worked out once, and the ordered chain of one service."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.wiring.dashboards import dashboard_links
from gpuplane.graph.wiring.endpoints import port_links, selector_links
from gpuplane.graph.wiring.expressions import alert_links
from gpuplane.graph.wiring.identity import identity_links
from gpuplane.graph.wiring.index import Index, index_of
from gpuplane.graph.wiring.links import Link, Relation, State
from gpuplane.graph.wiring.models import model_links
from gpuplane.graph.wiring.monitors import monitor_links
from gpuplane.graph.wiring.network import network_links
from gpuplane.graph.wiring.nodes import node_links
from gpuplane.graph.wiring.objects import policy_links, reference_links, template_links
from gpuplane.graph.wiring.queue_links import queue_links
from gpuplane.graph.wiring.routes import backend_links, gateway_links
from gpuplane.graph.wiring.scaling import query_links, target_links

_LINKS: Mapping[Relation, Callable[[Index], Iterator[Link]]] = {
    Relation.GATEWAY: gateway_links, Relation.BACKEND: backend_links, Relation.SELECTOR: selector_links, Relation.PORT: port_links,
    Relation.MODEL: model_links, Relation.NETWORK: network_links, Relation.REFERENCE: reference_links, Relation.IDENTITY: identity_links,
    Relation.PLACEMENT: node_links, Relation.QUEUE: queue_links, Relation.TARGET: target_links, Relation.QUERY: query_links,
    Relation.MONITOR: monitor_links, Relation.ALERT: alert_links, Relation.DASHBOARD: dashboard_links, Relation.TEMPLATE: template_links,
    Relation.POLICY: policy_links}


@lru_cache(maxsize=64)
def links(graph: PlannedGraph, relation: Relation) -> tuple[Link, ...]:
    """Every link of a relation, found or not, in the graph's order; one object says each link once."""
    return tuple(dict.fromkeys(_LINKS[relation](index_of(graph))))


def dangling(graph: PlannedGraph, *relations: Relation) -> Iterator[Link]:
    """Links of these relations that models are served by and that are proven broken."""
    for relation in relations:
        yield from (link for link in links(graph, relation) if link.state is State.DANGLING and link.serving)


def chain(graph: PlannedGraph, namespace: str, name: str) -> tuple[Link, ...]:
    """Every link that a service hangs by, ordered from its route to its dashboards.

    Args:
        graph: the planned objects.
        namespace, name: of the InferenceService, LLMInferenceService or other workload.
    """
    by_workload = _by_workload(graph)
    order = list(Relation)
    # By identity: a link is one object, and to hash one that many workloads hang by takes as long as there are workloads.
    found = {id(link): link for urn in _by_name(graph).get((namespace, name), ()) for link in by_workload.get(urn, ())}
    routes = {link.source.urn for link in found.values() if link.relation is Relation.BACKEND}
    there = links(graph, Relation.GATEWAY)
    found |= {id(there[place]): there[place] for place in sorted(each for urn in routes for each in _gateways(graph).get(urn, ()))}
    return tuple(sorted(found.values(), key=lambda link: order.index(link.relation)))


@lru_cache(maxsize=4)
def _by_name(graph: PlannedGraph) -> Mapping[tuple[str, str], list[str]]:
    """URNs of objects by namespace and name."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for view in graph.kubernetes:
        found[view.namespace, view.name].append(view.urn)
    return found


@lru_cache(maxsize=4)
def _gateways(graph: PlannedGraph) -> Mapping[str, list[int]]:
    """Where the links of each route to its gateways stand among all of them."""
    found: dict[str, list[int]] = defaultdict(list)
    for place, link in enumerate(links(graph, Relation.GATEWAY)):
        found[link.source.urn].append(place)
    return found


@lru_cache(maxsize=4)
def _by_workload(graph: PlannedGraph) -> Mapping[str, tuple[Link, ...]]:
    found: dict[str, list[Link]] = defaultdict(list)
    for relation in Relation:
        for link in links(graph, relation):
            for urn in link.workloads:
                found[urn].append(link)
    return {urn: tuple(each) for urn, each in found.items()}
