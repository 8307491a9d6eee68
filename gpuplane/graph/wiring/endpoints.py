"""Selectors and ports: from Services and InferencePools to the pods they must find and what those listen on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gpuplane.graph.pod_templates import PodContainer
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, mapping, told, unknowns
from gpuplane.graph.tenancy import home
from gpuplane.graph.wiring.index import Index, Service
from gpuplane.graph.wiring.links import Link, Relation, State
from gpuplane.graph.wiring.pods import Pods
from gpuplane.graph.wiring.routes import POOL


def selector_links(index: Index) -> Iterator[Link]:
    """Each Service and each InferencePool, to its pods."""
    for service in index.services.values():
        if not service.generated and service.selector is not None:
            yield _selection(index, service.view, service.selector, "spec.selector")
    for view, selector, _ in _pools(index):
        yield _selection(index, view, selector, "spec.selector")


def port_links(index: Index) -> Iterator[Link]:
    """Each port of a Service or pool, to a container that listens on it; and a container's own port to its engine's."""
    for service in index.services.values():
        if service.selector is not None and (not service.generated or service.ports):
            yield from _service_ports(index, service)
    for view, selector, ports in _pools(index):
        selected = index.select(home(view), {"matchLabels": selector})
        for number, port in enumerate(ports):
            yield from _port(index, view, f"targetPort of {view}", f"spec.targetPorts[{number}]", selected, port)
        yield from _picker(index, view)
    for pods in index.pods:
        yield from _declared(pods)


def _pools(index: Index) -> Iterator[tuple[ResourceView, Mapping[str, Any], list[Any]]]:
    """InferencePools with selector and ports; v1, and the field names that came before it."""
    for view in index.graph.objects(POOL):
        selector = mapping(view.get("spec", "selector"))
        ports = [lookup(item, "number") for item in items(view.get("spec", "targetPorts"))] or [view.get("spec", "targetPortNumber")]
        yield view, mapping(selector.get("matchLabels", selector)), [port for port in ports if port is not None]


def _selection(index: Index, view: ResourceView, selector: Mapping[str, Any], path: str) -> Link:
    namespace = home(view)
    pods = index.select(namespace, {"matchLabels": selector})
    shown = ", ".join(f"{key}={value}" for key, value in sorted(selector.items()) if not isinstance(value, Unknown))
    serving = view.kind == POOL or namespace in index.serving_namespaces
    start, target = f"selector of {view}", f"pods with {shown} in namespace {namespace}"
    if pods:
        return Link(Relation.SELECTOR, view, start, path, target, State.FOUND, f"{pods[0]} bear them", _urns(pods), serving)
    if list(unknowns(dict(selector))) or index.opaque(namespace) or not index.by_namespace.get(namespace):
        return Link(Relation.SELECTOR, view, start, path, target, State.OUTSIDE, "the objects hold no pods there", (), serving)
    why = _nearest(index.by_namespace[namespace], selector)
    return Link(Relation.SELECTOR, view, start, path, target, State.DANGLING, why, (), serving)


def _nearest(pods: list[Pods], selector: Mapping[str, Any]) -> str:
    """Which pods come nearest, and what they lack."""
    def missing(each: Pods) -> list[str]:
        return [key for key, value in sorted(selector.items()) if str(each.labels.get(key)) != str(value)]

    best = min(pods, key=lambda each: (len(missing(each)), sum(key not in each.labels for key in selector), not each.serving, each.name))
    lacks = ", ".join(f"{key}={best.labels[key]}" if key in best.labels else f"no {key}" for key in missing(best))
    return f"no pods bear them; {best} have {lacks}"


def _service_ports(index: Index, service: Service) -> Iterator[Link]:
    pods = index.select(service.namespace, {"matchLabels": service.selector})
    for number, port in enumerate(service.ports):
        start = f"port {port.number} of Service {service.namespace}/{service.name}"
        yield from _port(index, service.view, start, "" if service.generated else f"spec.ports[{number}]", pods, port.target)


def _port(index: Index, view: ResourceView, start: str, path: str, pods: list[Pods], port: Any) -> Iterator[Link]:
    heard = [each.listens(port) for each in pods]
    if not pods or port is None:
        return
    target, serving = f"port {port} of {pods[0]}", pods[0].namespace in index.serving_namespaces
    if any(heard):
        yield Link(Relation.PORT, view, start, path, target, State.FOUND, "a container listens on it", _urns(pods), serving)
    elif None in heard:
        yield Link(Relation.PORT, view, start, path, target, State.OUTSIDE, "their containers do not say what they listen on", (), serving)
    else:
        shown = ", ".join(str(number) for number in sorted({number for each in pods for number, _ in each.ports or ()}))
        why = f"no container listens on it, but on {shown}"
        yield Link(Relation.PORT, view, start, path, target, State.DANGLING, why, _urns(pods), serving)


def _picker(index: Index, view: ResourceView) -> Iterator[Link]:
    """The endpoint picker that a pool asks where to send each request."""
    field = "endpointPickerRef" if view.get("spec", "endpointPickerRef") is not None else "extensionRef"
    ref = view.get("spec", field)
    if not isinstance(ref, Mapping) or told(ref, "kind") not in (None, "Service"):
        return
    name, port = lookup(ref, "name"), told(ref, "port", "number") or told(ref, "portNumber")
    start, target = f"{field} of {view}", f"Service {home(view)}/{name}" + (f" port {port}" if port else "")
    service = index.services.get((home(view), str(name)))
    state, why = State.FOUND, "it is there"
    if service is None:
        state = State.DANGLING if index.speaks(home(view), "Service", "Deployment") else State.OUTSIDE
        why = "there is no such Service"
    elif port and service.ports and service.port(port) is None:
        state, why = State.DANGLING, f"the Service has no port {port}"
    yield Link(Relation.PORT, view, start, f"spec.{field}", target, state, why)


def _declared(pods: Pods) -> Iterator[Link]:
    """An engine that listens elsewhere than its container says: probes and policies go by what it says."""
    engine = pods.engine
    if engine is None or engine.port is None or engine.name == "triton":
        return
    container: PodContainer = engine.container
    declared = [lookup(item, "containerPort") for item in items(container.spec.get("ports"))]
    if len(declared) == 1 and not isinstance(declared[0], Unknown):
        right = str(declared[0]) == str(engine.port)
        yield Link(Relation.PORT, pods.view, f"port {declared[0]} that container {container.name} of {pods.view} declares",
                   f"{container.path}.ports[0]", f"engine {engine.name}", State.FOUND if right else State.DANGLING,
                   "it listens there" if right else f"it listens on {engine.port}", (pods.view.urn,))


def _urns(pods: list[Pods]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.view.urn for each in pods))
