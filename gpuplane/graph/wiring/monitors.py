"""Monitors to the ports that metrics are on: PodMonitor and ServiceMonitor, and the Prometheus that must pick them up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from gpuplane.graph.label_selectors import selects
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, mapping, told
from gpuplane.graph.tenancy import home
from gpuplane.graph.wiring.index import Index, Service
from gpuplane.graph.wiring.links import Link, Relation, State
from gpuplane.graph.wiring.pods import Pods

GROUP = "monitoring.coreos.com"
MONITORS = ("PodMonitor", "ServiceMonitor")
_PICKED_BY = {"PodMonitor": "podMonitor", "ServiceMonitor": "serviceMonitor", "PrometheusRule": "rule"}
_SCRAPED = ("prometheus.io/scrape", "serving.kserve.io/enable-prometheus-scraping")
"""Annotations by which pods are scraped without a monitor."""


class Scrapes:
    """What the monitors of a graph reach.

    Attributes:
        links: of each monitor, to its pods and their metrics port.
        reached: monitors that scrape the metrics of some pods, by ``id`` of the pods.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        self.reached: dict[int, list[ResourceView]] = defaultdict(list)
        self.links: list[Link] = []
        for view in index.graph.objects(*MONITORS):
            if view.group == GROUP:
                self.links += self._pod_monitor(view) if view.kind == "PodMonitor" else self._service_monitor(view)
                self.links += picked(index, view, Relation.MONITOR)
        self._broken = {link.source.urn: link.source for link in self.links if link.state is State.DANGLING}.values()
        self._speakers = index.graph.objects(*MONITORS, "PrometheusRule")

    def scraped(self, pods: Pods, seen: Callable[[ResourceView], bool] = lambda _: True) -> bool | None:
        """Whether the metrics of pods are scraped; None where the objects do not tell, or a monitor is broken already.

        Args:
            pods: those.
            seen: which monitors and rules count.
        """
        if pods.template is not None and any(str(pods.template.annotations.get(key, "")).lower() == "true" for key in _SCRAPED):
            return True
        if any(map(seen, self.reached.get(id(pods), ()))):
            return True
        return None if any(map(seen, self._broken)) or not any(map(seen, self._speakers)) else False

    def _pod_monitor(self, view: ResourceView) -> Iterator[Link]:
        pods = [each for namespace in _namespaces(view) for each in self.index.select(namespace, view.get("spec", "selector"))]
        start = f"selector of {view}"
        if not pods:
            yield _empty(self.index, view, start, "pods with its labels", "no pods bear them")
            return
        yield Link(Relation.MONITOR, view, start, "spec.selector", "pods with its labels", State.FOUND, f"{pods[0]} bear them", _urns(pods))
        endpoints = items(view.get("spec", "podMetricsEndpoints"))
        wanted = [told(item, "port") or told(item, "portNumber") or told(item, "targetPort") for item in endpoints]
        for each in pods:
            yield from self._reach(view, each, wanted, "spec.podMetricsEndpoints", [each.listens(port) for port in wanted])

    def _service_monitor(self, view: ResourceView) -> Iterator[Link]:
        services = [service for service in self._services(view) if selects(view.get("spec", "selector"), service.labels)]
        start = f"selector of {view}"
        if not services:
            yield _empty(self.index, view, start, "Services with its labels", "no Service bears them")
            return
        yield Link(Relation.MONITOR, view, start, "spec.selector", "Services with its labels", State.FOUND,
                   f"Service {services[0].namespace}/{services[0].name} bears them")
        endpoints = items(view.get("spec", "endpoints"))
        for service in services:
            ports = [service.port(lookup(item, "port")) if told(item, "port") else None for item in endpoints]
            targets = [port.target if port is not None else lookup(item, "targetPort") for port, item in zip(ports, endpoints, strict=True)]
            if not any(target is not None for target in targets) and service.ports:
                shown = ", ".join(str(lookup(item, "port")) for item in endpoints)
                have = ", ".join(port.name or str(port.number) for port in service.ports)
                target = f"port {shown} of Service {service.namespace}/{service.name}"
                yield Link(Relation.MONITOR, view, f"endpoints of {view}", "spec.endpoints", target, State.DANGLING,
                           f"the Service has {have}")
                continue
            for each in self.index.select(service.namespace, {"matchLabels": service.selector}) if service.selector else ():
                yield from self._reach(view, each, targets, "spec.endpoints", [each.listens(target) for target in targets])

    def _services(self, view: ResourceView) -> Iterator[Service]:
        namespaces = set(_namespaces(view))
        yield from (service for (namespace, _), service in self.index.services.items() if None in namespaces or namespace in namespaces)

    def _reach(self, view: ResourceView, pods: Pods, ports: list[Any], path: str, heard: list[bool | None]) -> Iterator[Link]:
        metrics = pods.engine.metrics_port if pods.engine is not None else None
        numbers = [pods.number(port) for port in ports]
        hit = metrics in numbers if metrics is not None else any(heard)
        if hit:
            self.reached[id(pods)].append(view)
        elif not pods.serving or pods.is_picker or (metrics is None and None in heard):
            return
        target = f"the metrics port{f' {metrics}' if metrics is not None else ''} of {pods}"
        shown = ", ".join(str(port) for port in ports) or "nothing"
        yield Link(Relation.MONITOR, view, f"endpoints of {view}", path, target, State.FOUND if hit else State.DANGLING,
                   "an endpoint scrapes it" if hit else f"the endpoints scrape {shown}", (pods.view.urn,))


@lru_cache(maxsize=4)
def scrapes_of(index: Index) -> Scrapes:
    """What the monitors of a graph reach, worked out once."""
    return Scrapes(index)


def monitor_links(index: Index) -> Iterator[Link]:
    """Each monitor, to the pods or Services that it selects, to their metrics port, and to a Prometheus that picks it up."""
    yield from scrapes_of(index).links


def picked(index: Index, view: ResourceView, relation: Relation) -> Iterator[Link]:
    """A monitor or a rule, to a Prometheus whose selectors take it."""
    field, servers = _PICKED_BY[view.kind], index.graph.objects("Prometheus", "PrometheusAgent")
    servers = tuple(server for server in servers if server.group == GROUP and not (server.kind == "PrometheusAgent" and field == "rule"))
    if not servers:
        return
    taken = [server for server in servers
             if selects(server.get("spec", f"{field}Selector"), view.labels) and _in_sight(index, server, view, field)]
    target = f"the {field}Selector of {', '.join(str(server) for server in servers)}"
    yield Link(relation, view, f"labels of {view}", "metadata.labels", target, State.FOUND if taken else State.DANGLING,
               f"{taken[0]} takes it" if taken else "it does not take it")


def _in_sight(index: Index, server: ResourceView, view: ResourceView, field: str) -> bool:
    selector = server.get("spec", f"{field}NamespaceSelector")
    if selector is None:
        return home(server) == home(view)
    labels = index.namespace_labels(home(view))
    return labels is None or selects(selector, labels)


def _namespaces(view: ResourceView) -> list[str | None]:
    if view.get("spec", "namespaceSelector", "any") is True:
        return [None]
    named = items(view.get("spec", "namespaceSelector", "matchNames"))
    return [str(name) for name in named if not isinstance(name, Unknown)] or [home(view)]


def _empty(index: Index, view: ResourceView, start: str, target: str, why: str) -> Link:
    """A monitor that selects nothing: broken where the objects tell what there is in the namespaces that it looks at."""
    namespaces = _namespaces(view)
    seen = index.pods if None in namespaces else [pods for name in namespaces for pods in index.by_namespace.get(str(name), ())]
    places = {pods.namespace for pods in seen}
    empty_selector = not mapping(view.get("spec", "selector"))
    known = bool(seen) and not any(index.opaque(place) for place in places) and not empty_selector and any(pods.serving for pods in seen)
    # A monitor of the platform's own parts looks at a namespace that no tenant's pods are in.
    spoken = known and (None not in namespaces or _names_serving(view))
    return Link(Relation.MONITOR, view, start, "spec.selector", target, State.DANGLING if spoken else State.OUTSIDE, why)


def _names_serving(view: ResourceView) -> bool:
    """Whether a monitor of all namespaces is one for model servers, by the labels it asks for."""
    selector = view.get("spec", "selector")
    keys = [*mapping(lookup(selector, "matchLabels")), *(lookup(item, "key") for item in items(lookup(selector, "matchExpressions")))]
    words = ("kserve", "inference", "llm", "model", "vllm", "triton", "serving")
    return any(word in f"{key} {view.name}".lower() for key in [*keys, ""] for word in words)


def _urns(pods: list[Pods]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.view.urn for each in pods))
