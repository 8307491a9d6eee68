"""Ways from outside to a Service: what it opens itself, and the front doors whose routes lead to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gpuplane.graph.gateways import ROUTES
from gpuplane.graph.label_selectors import selects
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, items, lookup, mapping, told
from gpuplane.graph.tenancy import home

_INTERNAL: Mapping[str, str] = {
    "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
    "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
    "networking.gke.io/load-balancer-type": "internal",
    "cloud.google.com/load-balancer-type": "internal",
    "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
    "alb.ingress.kubernetes.io/scheme": "internal",
    "kubernetes.io/ingress.class": "gce-internal",
}
"""Annotations with which a cloud's load balancer has addresses of the private network alone (AWS Load Balancer Controller, GKE, AKS)."""


@dataclass(frozen=True)
class FrontDoor:
    """A route that leads to a Service of the graph through something the graph does not hold.

    Attributes:
        view: the route.
        path: where it names the door.
        door: what it is, in words.
        service: where the route leads.
    """

    view: ResourceView
    path: str
    door: str
    service: ResourceView


def is_internal(view: ResourceView) -> bool:
    """Whether a Service's or Ingress' load balancer is kept to the private network."""
    return any(str(view.annotations.get(key, "")).lower() == word for key, word in _INTERNAL.items())


def unseen_doors(graph: PlannedGraph) -> Iterator[FrontDoor]:
    """Every route to a Service of the graph whose front door cannot be looked at, so that it may be open to the internet."""
    services = {(home(view), view.name): view for view in graph.objects("Service")}
    for view in graph.objects("Ingress", *ROUTES, "VirtualService"):
        targets = [services[key] for key in _targets(view) if key in services]
        if targets:
            for path, door in _doors(graph, view):
                yield FrontDoor(view, path, door, targets[0])


def _targets(view: ResourceView) -> Iterator[tuple[str, str]]:
    """Namespaces and names of the Services that a route sends requests to."""
    if view.kind == "VirtualService":
        for protocol in ("http", "tcp", "tls"):
            for rule in items(view.get("spec", protocol)):
                for route in items(lookup(rule, "route")):
                    name, _, rest = str(told(route, "destination", "host") or "").partition(".")
                    yield rest.partition(".")[0] or home(view), name
    elif view.kind == "Ingress":
        paths = [path for rule in items(view.get("spec", "rules")) for path in items(lookup(rule, "http", "paths"))]
        for backend in [view.get("spec", "defaultBackend"), *(told(path, "backend") for path in paths)]:
            yield home(view), str(told(backend, "service", "name") or told(backend, "serviceName") or "")
    else:
        for rule in items(view.get("spec", "rules")):
            for ref in items(lookup(rule, "backendRefs")):
                yield str(told(ref, "namespace") or home(view)), str(told(ref, "name") or "")


def _doors(graph: PlannedGraph, view: ResourceView) -> Iterator[tuple[str, str]]:
    if view.kind == "Ingress":
        if not is_internal(view):
            yield "spec.ingressClassName", f"Ingress class {told(view.get('spec'), 'ingressClassName') or 'of the cluster'}"
    elif view.kind == "VirtualService":
        for index, name in enumerate(items(view.get("spec", "gateways"))):
            if name != "mesh" and not _istio_service(graph, view, str(name)):
                yield f"spec.gateways[{index}]", f"Gateway {name}"
    else:
        held = {(home(gateway), gateway.name) for gateway in graph.objects("Gateway")}
        for index, ref in enumerate(items(view.get("spec", "parentRefs"))):
            place = (str(told(ref, "namespace") or home(view)), str(told(ref, "name") or ""))
            if told(ref, "kind") in (None, "Gateway") and place not in held:
                yield f"spec.parentRefs[{index}]", f"Gateway {'/'.join(place)}"


def _istio_service(graph: PlannedGraph, view: ResourceView, name: str) -> bool:
    """Whether the graph holds an Istio Gateway and the Service of its proxies, which is then judged as any Service."""
    namespace, _, short = name.rpartition("/")
    for gateway in graph.objects("Gateway"):
        if gateway.group == "networking.istio.io" and (home(gateway), gateway.name) == (namespace or home(view), short):
            wanted: Mapping[str, Any] = {"matchLabels": mapping(gateway.get("spec", "selector"))}
            return any(selects(wanted, mapping(service.get("spec", "selector"))) for service in graph.objects("Service"))
    return False
