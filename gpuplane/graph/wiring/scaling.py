"""Autoscalers: to what they scale, and from their queries to metrics that its engine exports and that can reach the threshold.

HorizontalPodAutoscaler (autoscaling/v2), KEDA ScaledObject, and the metrics of InferenceService and LLMInferenceService.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gpuplane.graph.quantities import plain, quantity
from gpuplane.graph.resource_view import ResourceView, items, lookup, told
from gpuplane.graph.tenancy import home
from gpuplane.graph.wiring import kserve_objects as kserve
from gpuplane.graph.wiring.engines import SERVING_PREFIXES, misnamed
from gpuplane.graph.wiring.expressions import Reader, series_links, served
from gpuplane.graph.wiring.index import Index
from gpuplane.graph.wiring.links import Link, Relation, State
from gpuplane.graph.wiring.pods import Pods
from gpuplane.graph.wiring.promql import Series, series

SCALERS = ("HorizontalPodAutoscaler", "ScaledObject")
_WORKLOADS = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "LeaderWorkerSet")
_HOST = re.compile(r"^https?://([a-z0-9][-a-z0-9]*)\.([a-z0-9][-a-z0-9]*)(?:\.svc[-.a-z0-9]*)?(?::(\d+))?(?:/|$)")
_PLAIN_QUERY = re.compile(
    r"\s*+(?:(sum|avg|max|min)\s*+(?:by\s*+\([^)]*+\)\s*+)?\()?\s*+[a-zA-Z_:][\w:]*+\s*+(\{[^}]*+\})?\s*+\)?\s*+", re.DOTALL)
"""One series, aggregated at most once: what it can be at most is what one pod can be at most."""
_TOLERANCE = 1.1
"""An autoscaler acts where a metric is more than a tenth over its target (``--horizontal-pod-autoscaler-tolerance``)."""


@dataclass(frozen=True)
class Query:
    """One query of an autoscaler: where it stands, what it reads, and the target it compares with, if it has one."""

    view: ResourceView
    path: str
    text: str
    address: Any = None
    target: Any = None
    averaged: bool = True


def target_links(index: Index) -> Iterator[Link]:
    """Each autoscaler, to the workload that it scales."""
    for view in index.graph.objects(*SCALERS):
        kind, name = str(told(view.props, "spec", "scaleTargetRef", "kind") or "Deployment"), view.get("spec", "scaleTargetRef", "name")
        found, namespace = index.find(kind, home(view), name), home(view)
        spoken = kind in _WORKLOADS and index.speaks(namespace, *_WORKLOADS, "InferenceService", "LLMInferenceService")
        state = State.FOUND if found else State.DANGLING if spoken else State.OUTSIDE
        yield Link(Relation.TARGET, view, f"scaleTargetRef of {view}", "spec.scaleTargetRef", f"{kind} {namespace}/{name}", state,
                   "it is there" if found else "there is none of that name", (found.urn,) if found else (),
                   namespace in index.serving_namespaces)


def query_links(index: Index) -> Iterator[Link]:
    """Each query of each autoscaler, to metrics of what it scales."""
    for view in index.graph.objects(*SCALERS):
        kind = str(told(view.props, "spec", "scaleTargetRef", "kind") or "Deployment")
        pods = index.workloads.get((kind, home(view), str(view.get("spec", "scaleTargetRef", "name"))))
        for query in _queries(view):
            yield from _read(index, query, pods)
    for pods in index.pods:
        for query in _own(pods):
            yield from _read(index, query, pods)


def _queries(view: ResourceView) -> Iterator[Query]:
    if view.kind == "ScaledObject":
        yield from _triggers(view, items(view.get("spec", "triggers")), "spec.triggers")
    for number, metric in enumerate(items(view.get("spec", "metrics"))):
        kind = str(told(metric, "type") or "")
        part = lookup(metric, kind[:1].lower() + kind[1:])
        name = lookup(part, "metric", "name")
        if kind in ("Pods", "External", "Object") and isinstance(name, str):
            averaged = lookup(part, "target", "type") == "AverageValue"
            target = lookup(part, "target", "averageValue" if averaged else "value")
            yield Query(view, f"spec.metrics[{number}]", _native(name), None, target, averaged)


def _triggers(view: ResourceView, triggers: list[Any], at: str) -> Iterator[Query]:
    for number, trigger in enumerate(triggers):
        text = lookup(trigger, "metadata", "query")
        if lookup(trigger, "type") == "prometheus" and isinstance(text, str):
            averaged = lookup(trigger, "metricType") in (None, "AverageValue")
            yield Query(view, f"{at}[{number}].metadata.query", text, lookup(trigger, "metadata", "serverAddress"),
                        lookup(trigger, "metadata", "threshold"), averaged)


def _own(pods: Pods) -> Iterator[Query]:
    """Metrics that KServe's own kinds scale by."""
    view = pods.view
    if kserve.is_llm_service(view):
        yield from _triggers(view, items(view.get("spec", "scaling", "keda", "triggers")), "spec.scaling.keda.triggers")
    elif kserve.is_inference_service(view) and pods.template is not None:
        for number, metric in enumerate(items(lookup(pods.template.spec, "autoScaling", "metrics"))):
            for part in ("external", "podmetric"):
                text = lookup(metric, part, "metric", "query")
                if isinstance(text, str):
                    averaged = lookup(metric, part, "target", "type") == "AverageValue"
                    target = lookup(metric, part, "target", "averageValue" if averaged else "value")
                    yield Query(view, f"{pods.template.path}.autoScaling.metrics[{number}].{part}.metric.query", text,
                                lookup(metric, part, "metric", "serverAddress"), target, averaged)


def _native(name: str) -> str:
    """A metric's own name where an adapter has put ``_`` for the ``:`` that a metrics API does not take."""
    for prefix in SERVING_PREFIXES:
        if prefix.endswith(":") and name.startswith(prefix.replace(":", "_")):
            return prefix + name.removeprefix(prefix.replace(":", "_"))
    return name


def _read(index: Index, query: Query, pods: Pods | None) -> Iterator[Link]:
    reader = Reader(Relation.QUERY, query.view, query.path, "query")
    found = series(query.text)
    names = {each.metric for each in found}
    for each in found:
        if pods is not None and each.metric.startswith(SERVING_PREFIXES) and misnamed(each.metric) is None:
            yield _of_target(index, reader, each, pods)
            yield from _reachable(reader, query, each, pods, len(found))
        elif each.metric:
            yield from series_links(index, reader, each, names)
    yield from _server(index, reader, query)


def _of_target(index: Index, reader: Reader, read: Series, pods: Pods) -> Link:
    target = f"metric {read.metric} of {pods}"
    if not read.admits("namespace", pods.namespace):
        asked = ", ".join(matcher.value for matcher in read.matchers if matcher.label == "namespace")
        return reader.link(target, State.DANGLING, f"it reads namespace {asked}, they run in {pods.namespace}", (pods.view.urn,))
    if pods.engine is None:
        return reader.link(target, State.OUTSIDE, "what they export cannot be read", (pods.view.urn,))
    if not pods.engine.exports(read.metric):
        return reader.link(target, State.DANGLING, f"they run {pods.engine.name}, which does not export it", (pods.view.urn,))
    return served(index, reader, read, [pods])


def _reachable(reader: Reader, query: Query, read: Series, pods: Pods, count: int) -> Iterator[Link]:
    """A target that the metric can never exceed: the autoscaler stays where it is, whatever the load."""
    most = pods.engine.bounds.get(read.metric) if pods.engine is not None else None
    goal, shape = quantity(query.target), _PLAIN_QUERY.fullmatch(query.text)
    if most is None or goal is None or shape is None or count != 1:
        return
    per_pod = shape.group(1) in (None, "sum") if query.averaged else shape.group(1) in (None, "avg", "max")
    if per_pod:
        enough = most > float(goal) * _TOLERANCE
        yield reader.link(f"threshold {plain(goal)} of {read.metric}", State.FOUND if enough else State.DANGLING,
                          f"one pod can reach {most:g}" + ("" if enough else ", so the autoscaler never adds a replica"), (pods.view.urn,))


def _server(index: Index, reader: Reader, query: Query) -> Iterator[Link]:
    """The Prometheus that is asked, where its address is a Service of a namespace that the objects tell about."""
    match = _HOST.match(query.address) if isinstance(query.address, str) else None
    if match:
        name, namespace, port = match.groups()
        service = index.services.get((namespace, name))
        spoken = index.speaks(namespace, "Service")
        right = service is not None and (port is None or not service.ports or service.port(port) is not None)
        state = State.FOUND if right else State.DANGLING if spoken else State.OUTSIDE
        yield reader.link(f"Service {namespace}/{name}" + (f" port {port}" if port else ""), state,
                          "it is there" if right else "there is no such Service or port")
