"""Envoys that ask an endpoint picker: which picker, by the configuration that their pods mount, and so whose pods answer behind them.

Read from Envoy's bootstrap: the cluster that an ``ext_proc`` filter names, and the host of its endpoints (Envoy v3 API).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import yaml

from gpuplane.graph.resource_view import ResourceView, items, lookup, mapping
from gpuplane.graph.wiring.hosts import SERVICE_HOST, service_of_host
from gpuplane.graph.wiring.index import Index
from gpuplane.graph.wiring.links import Link, Relation, State
from gpuplane.graph.wiring.pods import Pods

_ASKS = "envoy.filters.http.ext_proc"


def proxy_links(index: Index) -> Iterator[Link]:
    """Each such proxy, to the Service of the picker that it asks."""
    for pods, view, host, port in _asked(index):
        service, match = service_of_host(index, host), SERVICE_HOST.match(host)
        state, why = State.FOUND, "it is there"
        if match is None:
            state, why = State.OUTSIDE, "it is no Service of this cluster"
        elif service is None:
            known = index.speaks(match.group(2), "Service", "LLMInferenceService")
            state, why = (State.DANGLING if known else State.OUTSIDE), f"there is no Service {match.group(1)}"
        elif service.ports and service.port(port) is None:
            state, why = State.DANGLING, f"the Service has no port {port}, but {', '.join(str(each.number) for each in service.ports)}"
        target = f"Service {match.group(2)}/{match.group(1)} port {port}" if match else host
        yield Link(Relation.BACKEND, view, f"endpoint picker that {pods} ask", "data", target, state, why, workloads_picked(index, pods))


def workloads_picked(index: Index, pods: Pods) -> tuple[str, ...]:
    """URNs of the workloads whose pods the picker behind a proxy chooses among; empty for other pods."""
    return _picked(index).get(id(pods), ())


@lru_cache(maxsize=4)
def _picked(index: Index) -> Mapping[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    for pods, _, host, _ in _asked(index):
        service = service_of_host(index, host)
        if service is not None:
            found[id(pods)] = tuple(dict.fromkeys((*found.get(id(pods), ()), *_of_pools(index, service.namespace, service.name))))
    return found


def _of_pools(index: Index, namespace: str, picker: str) -> Iterator[str]:
    """Of the pools that name a picker's Service; of an LLMInferenceService both are made together."""
    service = index.services[namespace, picker]
    if service.generated:
        yield service.view.urn
    for pool in index.kinds.get(("InferencePool", namespace), []):
        if lookup(pool.props, "spec", "endpointPickerRef", "name") == picker:
            labels = mapping(pool.get("spec", "selector", "matchLabels"))
            yield from (pods.view.urn for pods in (index.select(namespace, {"matchLabels": labels}) if labels else ()))


@lru_cache(maxsize=4)
def _asked(index: Index) -> tuple[tuple[Pods, ResourceView, str, Any], ...]:
    """Proxies, the configuration that they mount, and host and port of the picker in it."""
    return tuple((pods, view, host, port) for pods in index.pods for view in _configurations(index, pods)
                 for text in mapping(view.get("data")).values() if isinstance(text, str) and _ASKS in text
                 for host, port in _endpoints(text))


def _configurations(index: Index, pods: Pods) -> Iterator[ResourceView]:
    for volume in items(pods.template.spec.get("volumes")) if pods.template is not None and pods.view.kind == "Deployment" else ():
        name = lookup(volume, "configMap", "name")
        view = index.find("ConfigMap", pods.namespace, name) if isinstance(name, str) else None
        if view is not None:
            yield view


def _endpoints(text: str) -> Iterator[tuple[str, Any]]:
    try:
        loaded = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, Loader=yaml.CSafeLoader)
    except (ValueError, yaml.YAMLError, RecursionError):
        return
    clusters = {name for name in _clusters_asked(lookup(loaded, "static_resources", "listeners")) if isinstance(name, str)}
    for cluster in items(lookup(loaded, "static_resources", "clusters")):
        if lookup(cluster, "name") in clusters:
            for group in items(lookup(cluster, "load_assignment", "endpoints")):
                for endpoint in items(lookup(group, "lb_endpoints")):
                    address = lookup(endpoint, "endpoint", "address", "socket_address")
                    if isinstance(lookup(address, "address"), str):
                        yield str(lookup(address, "address")), lookup(address, "port_value")


def _clusters_asked(listeners: Any) -> Iterator[Any]:
    """Clusters that the ``ext_proc`` filters of the listeners name."""
    for listener in items(listeners):
        for chain in items(lookup(listener, "filter_chains")):
            for network in items(lookup(chain, "filters")):
                for each in items(lookup(network, "typed_config", "http_filters")):
                    if lookup(each, "name") == _ASKS:
                        yield lookup(each, "typed_config", "grpc_service", "envoy_grpc", "cluster_name")
