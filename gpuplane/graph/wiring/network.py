"""Network policies must let pass what routes and monitors need: gateway → serving port, Prometheus → metrics port."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from gpuplane.graph.label_selectors import selects
from gpuplane.graph.network_policies import NetworkRules, network_policies
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, mapping, told
from gpuplane.graph.tenancy import home
from gpuplane.graph.wiring.index import NAMESPACE_NAME, Index
from gpuplane.graph.wiring.links import Link, Relation, State
from gpuplane.graph.wiring.monitors import MONITORS, scrapes_of
from gpuplane.graph.wiring.pods import Pods
from gpuplane.graph.wiring.routes import AI_BACKEND, AI_ROUTE, ALL_ROUTES, POOL, port_called, route_backends, workloads_called

_ENVOY = "envoy-gateway-system"
"""Namespace that Envoy Gateway runs its proxies in, whatever the Gateway's own (its default, ControllerNamespaceMode)."""


def network_links(index: Index) -> Iterator[Link]:
    """Each way that a route or a monitor needs into pods which some policy closes."""
    for view in index.graph.objects(*ALL_ROUTES):
        sources = sorted({str(told(ref, "namespace") or home(view)) for ref in items(view.get("spec", "parentRefs"))
                          if lookup(ref, "kind") in (None, "Gateway")})
        default, seen = (AI_BACKEND if view.kind == AI_ROUTE else "Service"), set[str]()
        for _, ref in route_backends(view) if sources else ():
            kind, namespace = str(told(ref, "kind") or default), str(told(ref, "namespace") or home(view))
            for urn in workloads_called(index, kind, namespace, lookup(ref, "name")):
                for pods in index.pods_of_urns((urn,)) if urn not in seen else ():
                    yield from _passes(index, view, "gateway of", (*sources, _ENVOY), pods, _port(index, pods, kind, namespace, ref))
                seen.add(urn)
    scrapes = scrapes_of(index)
    for pods in index.pods:
        for view in scrapes.reached.get(id(pods), ()):
            servers = tuple(sorted({home(each) for each in index.graph.objects("Prometheus", "PrometheusAgent")})) or (
                (home(view),) if home(view) != pods.namespace else ())
            port = pods.engine.metrics_port if pods.engine is not None else pods.ports[0][0] if pods.ports else None
            if servers and view.kind in MONITORS and port is not None:
                yield from _passes(index, view, "Prometheus of", servers, pods, port)


def _port(index: Index, pods: Pods, kind: str, namespace: str, ref: Any) -> int | None:
    """The port on the pods that a backend leads to; None for pods that it does not lead to."""
    if pods.is_picker:
        return None
    if kind == "Service":
        service = index.services.get((namespace, str(lookup(ref, "name"))))
        port = service.port(lookup(ref, "port")) if service is not None else None
        return pods.number(port.target) if port is not None else None
    if kind == POOL:
        pool = index.find(POOL, namespace, lookup(ref, "name"))
        props = pool.props if pool is not None else {}
        number = str(told(props, "spec", "targetPorts", 0, "number") or told(props, "spec", "targetPortNumber"))
        return int(number) if number.isdecimal() else None
    return pods.engine.port if pods.engine is not None else pods.number(port_called(index, kind, namespace, lookup(ref, "name")))


def _passes(index: Index, view: ResourceView, who: str, sources: tuple[str, ...], pods: Pods, port: int | None) -> Iterator[Link]:
    if port is None:
        return
    closing = [rules for rules in _policies(index).get(pods.namespace, ()) if "Ingress" in rules.isolates
               and selects(rules.selector, pods.labels)]
    if not closing:
        return
    shown = " or ".join(name for name in sources if name != _ENVOY or len(sources) == 1)
    through = any(_opens(index, rules, source, port, pods) for rules in closing for source in sources)
    yield Link(Relation.NETWORK, view, f"{who} {view} (namespace {shown})", "", f"port {port} of {pods}",
               State.FOUND if through else State.DANGLING, "a NetworkPolicy opens it" if through else
               f"{', '.join(dict.fromkeys(str(rules.view) for rules in closing))} close the pods, and none lets it in", (pods.view.urn,))


@lru_cache(maxsize=4)
def _policies(index: Index) -> Mapping[str, tuple[NetworkRules, ...]]:
    """Kubernetes' policies by namespace. Where Cilium's hold as well, what they let in is not read here: nothing is claimed."""
    found: dict[str, list[NetworkRules]] = {}
    cilium: set[str] = set()
    for rules in network_policies(index.graph):
        if rules.view.group == "cilium.io":
            cilium.add(rules.namespace)
        else:
            found.setdefault(rules.namespace, []).append(rules)
    return {} if "" in cilium else {name: tuple(rules) for name, rules in found.items() if name not in cilium}


def _opens(index: Index, rules: NetworkRules, source: str, port: int, pods: Pods) -> bool:
    for rule in items(rules.view.get("spec", "ingress")):
        peers = items(lookup(rule, "from"))
        if _covers(lookup(rule, "ports"), port, pods) and (not peers or any(_admits(index, peer, source, pods) for peer in peers)):
            return True
    return False


def _covers(ports: Any, port: int, pods: Pods) -> bool:
    if not items(ports):
        return True
    for item in items(ports):
        low, high = lookup(item, "port"), lookup(item, "endPort")
        if isinstance(low, Unknown) or low is None or pods.number(low) == port:
            return lookup(item, "protocol") in (None, "TCP")
        if isinstance(low, int) and isinstance(high, int) and low <= port <= high:
            return True
    return False


def _admits(index: Index, peer: Any, source: str, pods: Pods) -> bool:
    """Whether a peer may be the source; which labels and addresses its pods have is not known, so those are taken to fit."""
    if lookup(peer, "ipBlock") is not None:
        return True
    selector = lookup(peer, "namespaceSelector")
    if selector is None:
        return source == pods.namespace
    labels = index.namespace_labels(source)
    if labels is None:
        known = {NAMESPACE_NAME: source}
        expressions = items(lookup(selector, "matchExpressions"))
        asked = set(mapping(lookup(selector, "matchLabels"))) | {str(lookup(each, "key")) for each in expressions}
        return bool(asked - {NAMESPACE_NAME}) or selects(selector, known)
    return selects(selector, labels)
