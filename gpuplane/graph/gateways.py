"""Gateways and the routes on them: whose routes a listener admits, which policies hold for a route, and where it sends requests.

Gateway API v1, Envoy Gateway's policies (v1alpha1) and Envoy AI Gateway's routes (v1beta1), whose HTTPRoute bears the same name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gpuplane.graph.label_selectors import selects
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.queues import namespace_labels
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, mapping, told
from gpuplane.graph.tenancy import by_name, home, tenants_of_namespaces

ROUTES = ("HTTPRoute", "GRPCRoute", "AIGatewayRoute")
_ROUTE_GROUPS = ("gateway.networking.k8s.io", "aigateway.envoyproxy.io")


@dataclass(frozen=True)
class Listener:
    """One listener of a Gateway; ``hostname`` is empty where it answers for every host."""

    gateway: ResourceView
    index: int
    name: str
    hostname: str
    port: Any
    protocol: str

    @property
    def path(self) -> str:
        """Where it stands in the Gateway."""
        return f"spec.listeners[{self.index}]"

    def __str__(self) -> str:
        return f"listener {self.name} of {self.gateway}"


@dataclass(frozen=True)
class Attachment:
    """A Gateway that a route attaches to, and the listener where it names one (else empty)."""

    namespace: str
    gateway: str
    section: str


@dataclass(frozen=True)
class Outside:
    """A host outside the cluster that a route sends requests to.

    Attributes:
        path: reference of the route that leads there.
        host: its name.
        said: what the backends on the way say of it, by annotation.
    """

    path: str
    host: str
    said: Mapping[str, Any]


@lru_cache(maxsize=4)
def listeners(graph: PlannedGraph) -> tuple[Listener, ...]:
    """Every listener of every Gateway."""
    return tuple(
        Listener(view, index, str(told(one, "name")), _text(lookup(one, "hostname")), lookup(one, "port"),
                 str(lookup(one, "protocol")))
        for view in graph.objects("Gateway") if view.group == "gateway.networking.k8s.io"
        for index, one in enumerate(items(view.get("spec", "listeners"))))


def admitted_namespaces(graph: PlannedGraph, listener: Listener) -> list[str] | None:
    """Known namespaces whose routes a listener admits; None for every namespace there is."""
    allowed = mapping(lookup(listener.gateway.get("spec", "listeners", listener.index), "allowedRoutes", "namespaces"))
    source = allowed.get("from", "Same")
    if source == "Same":
        return [home(listener.gateway)]
    selector = allowed.get("selector")
    if source == "All" or (isinstance(selector, Mapping) and not selector):
        return None
    # A tenant's namespace need not be among the objects: the label that the API server sets tells it all the same.
    known = {name: {"kubernetes.io/metadata.name": name} for name in tenants_of_namespaces(graph)}
    known |= {name: dict(namespace_labels(view)) for name, view in graph.namespaces.items()}
    return [name for name, labels in known.items() if selects(selector, labels)]


def routes(graph: PlannedGraph) -> Iterator[ResourceView]:
    """Routes that carry requests."""
    yield from (view for view in graph.objects(*ROUTES) if view.group in _ROUTE_GROUPS)


def attachments(route: ResourceView) -> list[Attachment]:
    """Gateways that a route attaches to; routes inside a mesh attach to Services, and have none."""
    return [Attachment(_text(lookup(ref, "namespace"), home(route)), str(lookup(ref, "name")), _text(lookup(ref, "sectionName")))
            for ref in items(route.get("spec", "parentRefs")) if _text(lookup(ref, "kind"), "Gateway") == "Gateway"]


def gateway_of(graph: PlannedGraph, attachment: Attachment) -> ResourceView | None:
    """The Gateway itself, where it is among the objects."""
    return by_name(graph, "Gateway").get((attachment.namespace, attachment.gateway))


def policy_of(graph: PlannedGraph, kind: str, route: ResourceView) -> ResourceView | None:
    """The policy of a kind (``SecurityPolicy``, ``BackendTrafficPolicy``) that targets a whole route."""
    named = "GRPCRoute" if route.kind == "GRPCRoute" else "HTTPRoute"
    return _policy(graph, kind, home(route), named, route.name, "", route.labels)


def policies_above(graph: PlannedGraph, kind: str, attachment: Attachment) -> ResourceView | None:
    """The policy of a kind that holds where no policy of the route does: the listener's, else the Gateway's."""
    gateway = gateway_of(graph, attachment)
    labels = gateway.labels if gateway is not None else {}
    found = (_policy(graph, kind, attachment.namespace, "Gateway", attachment.gateway, section, labels)
             for section in dict.fromkeys((attachment.section, "")))
    return next((policy for policy in found if policy is not None), None)


def outside_backends(graph: PlannedGraph, route: ResourceView) -> Iterator[Outside]:
    """Hosts outside the cluster that a route sends requests to, through AIServiceBackend and Backend."""
    for index, rule in enumerate(items(route.get("spec", "rules"))):
        for place, reference in enumerate(items(lookup(rule, "backendRefs"))):
            said: dict[str, Any] = {}
            at, kind = reference, _text(lookup(reference, "kind"), "AIServiceBackend" if route.kind == "AIGatewayRoute" else "Service")
            namespace = _text(lookup(reference, "namespace"), home(route))
            backend = by_name(graph, str(kind)).get((namespace, str(lookup(at, "name"))))
            if backend is not None and kind == "AIServiceBackend":
                said |= backend.annotations
                at = backend.get("spec", "backendRef")
                backend = by_name(graph, str(lookup(at, "kind"))).get(
                    (_text(lookup(at, "namespace"), namespace), str(lookup(at, "name"))))
            if backend is not None and backend.kind == "Backend":
                said |= backend.annotations
                for end in items(backend.get("spec", "endpoints")):
                    host = _text(lookup(end, "fqdn", "hostname"), _text(lookup(end, "ip", "address")))
                    if host and not _in_cluster(host):
                        yield Outside(f"spec.rules[{index}].backendRefs[{place}]", host, said)


def _in_cluster(host: str) -> bool:
    told = not host.startswith("<")
    return told and (host.rstrip(".").endswith((".svc", ".svc.cluster.local")) or "." not in host.rstrip("."))


def _text(value: Any, default: str = "") -> str:
    """A value as text, or the default where there is none; what only apply can know is a text that names nothing."""
    return str(value) if isinstance(value, Unknown) or value else default


@lru_cache(maxsize=8)
def _by_target(graph: PlannedGraph, kind: str) -> Mapping[tuple[str, ...], ResourceView]:
    """Policies of a kind by namespace and what they target by name: kind, name, section (empty for the whole)."""
    found: dict[tuple[str, ...], ResourceView] = {}
    for view in _of_envoy(graph, kind):
        single = view.get("spec", "targetRef")
        for ref in [*items(view.get("spec", "targetRefs")), *([single] if single is not None else [])]:
            key = (home(view), str(lookup(ref, "kind")), str(lookup(ref, "name")), _text(lookup(ref, "sectionName")))
            found.setdefault(key, view)
    return found


@lru_cache(maxsize=8)
def _selecting(graph: PlannedGraph, kind: str) -> tuple[ResourceView, ...]:
    return tuple(view for view in _of_envoy(graph, kind) if items(view.get("spec", "targetSelectors")))


def _of_envoy(graph: PlannedGraph, kind: str) -> list[ResourceView]:
    return [view for view in graph.objects(kind) if view.group == "gateway.envoyproxy.io"]


def _policy(graph: PlannedGraph, kind: str, namespace: str, target: str, name: str, section: str,
            labels: Mapping[str, Any]) -> ResourceView | None:
    named = _by_target(graph, kind).get((namespace, target, name, section))
    if named is not None or section:
        return named
    return next((view for view in _selecting(graph, kind) if home(view) == namespace and any(
        lookup(one, "kind") == target and selects(one, labels) for one in items(view.get("spec", "targetSelectors")))), None)
