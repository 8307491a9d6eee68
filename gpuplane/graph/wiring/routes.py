"""Routes: to the gateway listener that must admit them, and to the backends that must be there.

Gateway API v1 (``allowedRoutes``, ``sectionName``, ReferenceGrant), Envoy Gateway's Backend, Envoy AI Gateway's AIGatewayRoute and
AIServiceBackend, and the policies of both that attach by ``targetRefs``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gpuplane.graph.label_selectors import selects
from gpuplane.graph.pod_templates import dotted
from gpuplane.graph.references import ROUTES
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, mapping, told, unknowns
from gpuplane.graph.tenancy import home
from gpuplane.graph.wiring.hosts import SERVICE_HOST, service_of_host
from gpuplane.graph.wiring.index import Index
from gpuplane.graph.wiring.links import Link, Relation, State
from gpuplane.graph.wiring.picker_proxies import proxy_links, workloads_picked

ALL_ROUTES = (*ROUTES, "AIGatewayRoute")
AI_ROUTE, AI_BACKEND, BACKEND, POOL = "AIGatewayRoute", "AIServiceBackend", "Backend", "InferencePool"
_POLICIES = ("BackendTrafficPolicy", "ClientTrafficPolicy", "SecurityPolicy", "EnvoyExtensionPolicy", "BackendSecurityPolicy",
             "BackendTLSPolicy", "InferenceObjective", "InferenceModel")
_BACKEND_KINDS = ("Service", POOL, BACKEND, AI_BACKEND, "InferenceService", "LLMInferenceService", "Deployment", "StatefulSet",
                  "LeaderWorkerSet", "RayService")
"""Kinds in a namespace that show that its backends are among the objects."""


def gateway_links(index: Index) -> Iterator[Link]:
    """Each ``parentRef`` of each route, to a listener that admits it."""
    for view in index.graph.objects(*ALL_ROUTES):
        for number, ref in enumerate(items(view.get("spec", "parentRefs"))):
            if lookup(ref, "kind") in (None, "Gateway"):
                yield _to_gateway(index, view, ref, f"spec.parentRefs[{number}]")
    for view in index.graph.objects("LLMInferenceService"):
        for number, ref in enumerate(items(view.get("spec", "router", "gateway", "refs"))):
            yield _to_gateway(index, view, ref, f"spec.router.gateway.refs[{number}]")


def backend_links(index: Index) -> Iterator[Link]:
    """Each backend of each route, each AIServiceBackend's and Backend's own end, and what policies attach to."""
    for view in index.graph.objects(*ALL_ROUTES):
        kind = AI_BACKEND if view.kind == AI_ROUTE else "Service"
        for path, ref in route_backends(view):
            yield _to_backend(index, view, ref, path, kind)
    for view in index.graph.objects(AI_BACKEND):
        yield _to_backend(index, view, view.get("spec", "backendRef"), "spec.backendRef", BACKEND)
    for view in index.graph.objects(BACKEND):
        yield from _endpoints(index, view)
    yield from proxy_links(index)
    for view in index.graph.objects(*_POLICIES):
        yield from _attached(index, view)


def route_backends(view: ResourceView) -> Iterator[tuple[str, Any]]:
    """Every backend reference of a route, with its path."""
    for number, rule in enumerate(items(view.get("spec", "rules"))):
        for place, ref in enumerate(items(lookup(rule, "backendRefs"))):
            yield f"spec.rules[{number}].backendRefs[{place}]", ref
        for place, each in enumerate(items(lookup(rule, "filters"))):
            mirrored = lookup(each, "requestMirror", "backendRef")
            if mirrored is not None:
                yield f"spec.rules[{number}].filters[{place}].requestMirror.backendRef", mirrored


def _to_gateway(index: Index, view: ResourceView, ref: Any, path: str) -> Link:
    namespace, name = str(told(ref, "namespace") or home(view)), str(lookup(ref, "name"))
    section = told(ref, "sectionName")
    target = f"Gateway {namespace}/{name}" + (f" listener {section}" if section else "")

    def link(state: State, why: str) -> Link:
        return Link(Relation.GATEWAY, view, f"parentRef of {view}", path, target, state, why)

    gateway = index.find("Gateway", namespace, name)
    if gateway is None:
        elsewhere = [each for each in index.graph.objects("Gateway") if each.name == name and home(each) != namespace]
        if elsewhere:
            return link(State.DANGLING, f"there is no such Gateway, but {elsewhere[0]}")
        if index.speaks(namespace, "Gateway"):
            return link(State.DANGLING, "there is no such Gateway")
        return link(State.OUTSIDE, "the objects hold no Gateway there")
    reasons = []
    for listener in items(gateway.get("spec", "listeners")):
        if section in (None, lookup(listener, "name")) and lookup(ref, "port") in (None, lookup(listener, "port")):
            reason = _refuses(index, gateway, listener, view)
            if reason is None:
                return link(State.FOUND, f"listener {lookup(listener, 'name')} admits it")
            reasons.append(f"listener {lookup(listener, 'name')} {reason}")
    return link(State.DANGLING, "; ".join(reasons) or "the Gateway has no such listener")


def _refuses(index: Index, gateway: ResourceView, listener: Any, route: ResourceView) -> str | None:
    """Why a listener does not admit a route; None where it does, or where that cannot be told."""
    allowed = lookup(listener, "allowedRoutes")
    origin = told(allowed, "namespaces", "from") or "Same"
    if list(unknowns(listener)) or list(unknowns(route.get("spec", "hostnames"))):
        return None  # what only apply can know refuses nobody
    if origin == "Same" and home(route) != home(gateway):
        return f"admits routes of namespace {home(gateway)} only (allowedRoutes.namespaces.from: Same)"
    if origin == "None":
        return "admits no routes (allowedRoutes.namespaces.from: None)"
    if origin == "Selector":
        labels = index.namespace_labels(home(route))
        if labels is not None and not selects(lookup(allowed, "namespaces", "selector"), labels):
            return f"selects namespaces by labels that namespace {home(route)} does not bear"
    kinds = [str(lookup(item, "kind")) for item in items(lookup(allowed, "kinds"))]
    kind = "HTTPRoute" if route.kind in (AI_ROUTE, "LLMInferenceService") else route.kind
    if kinds and kind not in kinds:
        return f"admits {', '.join(kinds)} only"
    host = lookup(listener, "hostname")
    wanted = [str(item) for item in items(route.get("spec", "hostnames")) if not isinstance(item, Unknown)]
    if isinstance(host, str) and host and wanted and not any(_meets(host, each) for each in wanted):
        return f"has hostname {host}, the route {', '.join(wanted)}"
    return None


def _meets(one: str, other: str) -> bool:
    if one == other:
        return True
    for wide, narrow in ((one, other), (other, one)):
        if wide.startswith("*.") and narrow.removeprefix("*").endswith(wide[1:]) and len(narrow) > len(wide) - 1:
            return True
    return False


def _to_backend(index: Index, view: ResourceView, ref: Any, path: str, default: str) -> Link:
    kind, name = str(told(ref, "kind") or default), lookup(ref, "name")
    namespace, port = str(told(ref, "namespace") or home(view)), lookup(ref, "port")
    with_port = kind == "Service" and port is not None
    target = f"{kind} {namespace}/{name}" + (f" port {port}" if with_port else "")
    state, why = _backend_state(index, kind, namespace, name, port if with_port else None)
    if list(unknowns(ref)):
        state, why = State.OUTSIDE, "what it names is only known after apply"
    if state is State.FOUND and namespace != home(view) and not _granted(index, view, kind, namespace, str(name)):
        state, why = State.DANGLING, f"no ReferenceGrant in namespace {namespace} lets a {view.kind} of namespace {home(view)} use it"
    return Link(Relation.BACKEND, view, f"backend of {view}", path, target, state, why, workloads_behind(index, kind, namespace, name))


def _backend_state(index: Index, kind: str, namespace: str, name: Any, port: Any) -> tuple[State, str]:
    if isinstance(name, Unknown) or isinstance(port, Unknown):
        return State.OUTSIDE, "its name is only known after apply"
    if kind == "Service":
        service = index.services.get((namespace, str(name)))
        if service is None:
            return _missing(index, kind, namespace, f"there is no Service {name}")
        if port is not None and service.ports and service.port(port) is None:
            shown = ", ".join(str(each.number) for each in service.ports)
            return State.DANGLING, f"the Service has no port {port}, but {shown}"
        return State.FOUND, "it is there"
    if index.find(kind, namespace, name) is not None:
        return State.FOUND, "it is there"
    if kind in (POOL, BACKEND, AI_BACKEND):
        return _missing(index, kind, namespace, f"there is no {kind} {name}")
    return State.OUTSIDE, f"nothing is known of {kind}"


def _missing(index: Index, kind: str, namespace: str, why: str) -> tuple[State, str]:
    # An object that points is no witness for what it points at.
    pointing = () if kind == AI_BACKEND else (AI_BACKEND,) if kind == BACKEND else (AI_BACKEND, BACKEND)
    spoken = index.speaks(namespace, *(each for each in _BACKEND_KINDS if each not in pointing))
    return (State.DANGLING, why) if spoken else (State.OUTSIDE, f"{why} among the objects")


def workloads_behind(index: Index, kind: str, namespace: str, name: Any) -> tuple[str, ...]:
    """URNs of the workloads that answer behind a backend, through proxies that ask an endpoint picker."""
    found = [*workloads_called(index, kind, namespace, name)]
    picked = [urn for pods in index.pods_of_urns(found) for urn in workloads_picked(index, pods)]
    return tuple(dict.fromkeys((*found, *picked)))


def workloads_called(index: Index, kind: str, namespace: str, name: Any) -> tuple[str, ...]:
    """URNs of the workloads that whoever calls a backend comes to first."""
    if kind == "Service":
        service = index.services.get((namespace, str(name)))
        return _selected(index, namespace, service.selector) if service is not None and service.selector is not None else ()
    view = index.find(kind, namespace, name)
    if kind == POOL and view is not None:
        return _selected(index, namespace, view.get("spec", "selector", "matchLabels")) if view.kind == POOL else (view.urn,)
    if kind == AI_BACKEND and view is not None:
        return workloads_called(index, *_next(view, namespace))
    if kind == BACKEND and view is not None:
        services = [service_of_host(index, lookup(item, "fqdn", "hostname")) for item in items(view.get("spec", "endpoints"))]
        return tuple(urn for service in services if service is not None
                     for urn in workloads_called(index, "Service", service.namespace, service.name))
    return ()


def port_called(index: Index, kind: str, namespace: str, name: Any) -> Any:
    """Port on the pods behind an AIServiceBackend or a Backend, by number or name; None where it is not said."""
    view = index.find(kind, namespace, name)
    if kind == AI_BACKEND and view is not None:
        return port_called(index, *_next(view, namespace))
    for item in items(view.get("spec", "endpoints")) if view is not None and kind == BACKEND else ():
        service = service_of_host(index, lookup(item, "fqdn", "hostname"))
        port = service.port(lookup(item, "fqdn", "port")) if service is not None else None
        if port is not None:
            return port.target
    return None


def _next(view: ResourceView, namespace: str) -> tuple[str, str, Any]:
    ref = view.get("spec", "backendRef")
    return str(told(ref, "kind") or BACKEND), str(told(ref, "namespace") or namespace), lookup(ref, "name")


def _selected(index: Index, namespace: str, labels: Any) -> tuple[str, ...]:
    found = index.select(namespace, {"matchLabels": labels}) if mapping(labels) else []
    return tuple(dict.fromkeys(pods.view.urn for pods in found))


def _granted(index: Index, view: ResourceView, kind: str, namespace: str, name: str) -> bool:
    for grant in index.kinds.get(("ReferenceGrant", namespace), []):
        givers, taken = items(grant.get("spec", "from")), items(grant.get("spec", "to"))
        if (any(lookup(item, "kind") == view.kind and lookup(item, "namespace") == home(view) for item in givers)
                and any(lookup(item, "kind") == kind and lookup(item, "name") in (None, "", name) for item in taken)):
            return True
    return False


def _endpoints(index: Index, view: ResourceView) -> Iterator[Link]:
    """The Services that an Envoy Backend names by host; addresses and hosts outside the cluster are nobody's here."""
    for number, item in enumerate(items(view.get("spec", "endpoints"))):
        host, port = lookup(item, "fqdn", "hostname"), lookup(item, "fqdn", "port")
        match = SERVICE_HOST.match(host) if isinstance(host, str) else None
        if match:
            name, namespace = match.groups()
            state, why = _backend_state(index, "Service", namespace, name, port)
            yield Link(Relation.BACKEND, view, f"endpoint of {view}", dotted(("spec", "endpoints", number, "fqdn")),
                       f"Service {namespace}/{name} port {port}", state, why,
                       workloads_behind(index, "Service", namespace, name))


def _attached(index: Index, view: ResourceView) -> Iterator[Link]:
    single = [(f"spec.{key}", view.get("spec", key)) for key in ("targetRef", "poolRef") if view.get("spec", key) is not None]
    for path, ref in [*single, *((f"spec.targetRefs[{n}]", each) for n, each in enumerate(items(view.get("spec", "targetRefs"))))]:
        kind, name, namespace = str(told(ref, "kind") or POOL), lookup(ref, "name"), home(view)
        section = told(ref, "sectionName")
        target = f"{kind} {namespace}/{name}" + (f" section {section}" if section else "")
        found = index.services.get((namespace, str(name))) if kind == "Service" else index.find(kind, namespace, name)
        state, why = State.FOUND, "it is there"
        if found is None:
            known = kind in (*ALL_ROUTES, "Gateway", POOL, BACKEND, AI_BACKEND) and index.speaks(
                namespace, *(ALL_ROUTES if kind in ALL_ROUTES else (kind,)))
            state, why = (State.DANGLING if known else State.OUTSIDE), f"there is no such {kind} in its namespace"
        elif isinstance(found, ResourceView) and section and kind in ("Gateway", "HTTPRoute", "GRPCRoute") and found.kind == kind:
            names = [lookup(item, "name") for item in items(found.get("spec", "listeners" if kind == "Gateway" else "rules"))]
            if section not in names:
                state, why = State.DANGLING, f"the {kind} has no section of that name"
        yield Link(Relation.BACKEND, view, f"target of {view}", path, target, state, why)
