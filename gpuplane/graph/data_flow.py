"""Where data goes: from stores to the endpoints that read them, and on to loggers, caches, queues, buckets and other endpoints.

Only ways by which payloads travel count: prompts, answers, features, weights that were trained on data. Where a place is not among the
objects nothing is claimed about it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from gpuplane.graph.command_lines import environment, flags
from gpuplane.graph.data_stores import BUCKETS
from gpuplane.graph.model_sources import model_sources
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import TEMPLATE_KINDS, PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView, items, lookup, mapping
from gpuplane.graph.serving_runtimes import effective_templates
from gpuplane.graph.tenancy import by_name, data_class, home
from gpuplane.spec.vocabulary import DATA_CLASSES, more_sensitive

_HOST: Final = re.compile(
    r"(?:://|^|@)([a-z0-9][-a-z0-9]*)(?:\.([a-z0-9][-a-z0-9]*)(?:\.svc(?:\.cluster\.local)?)?)?(?=[:/,]|$)")
_PAYLOADS: Final[Mapping[str, str]] = {
    "LMCACHE_REMOTE_URL": "its cache of prompts", "REDIS_URL": "its cache", "REDIS_HOST": "its cache",
    "KAFKA_BOOTSTRAP_SERVERS": "its queue", "BOOTSTRAP_SERVERS": "its queue", "CLICKHOUSE_URL": "its log", "ELASTICSEARCH_URL": "its log",
    "OPENSEARCH_URL": "its log", "DATABASE_URL": "its database", "QDRANT_URL": "its vectors", "MILVUS_URI": "its vectors"}
"""Variables that name where a container sends what it is sent, and what that is."""
_OUTPUT: Final = re.compile(r"(?:^|[-_])(?:output|out|sink|dest|destination|results?|log|archive)(?:[-_]|$)", re.IGNORECASE)
"""Words in the name of a flag or variable that say its bucket is written to."""


@dataclass(frozen=True)
class Flow:
    """Data goes from one resource to another.

    Attributes:
        source, target: whose data, and where it goes.
        field: where that is written.
        view: the resource that it is written in.
        how: by what, in words.
    """

    source: ResourceView
    target: ResourceView
    field: str
    view: ResourceView
    how: str


@lru_cache(maxsize=4)
def flows(graph: PlannedGraph) -> tuple[Flow, ...]:
    """Every flow between resources of the graph, in its order."""
    found: list[Flow] = []
    for view in graph.kubernetes:
        if view.kind not in TEMPLATE_KINDS:
            found += _of_object(graph, view)
    found += _of_buckets(graph)
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class Leak:
    """A resource that is less sensitive than what reaches it.

    Attributes:
        path: flows from the most sensitive source to it, in order.
        owed: class of what reaches it.
        said: class that it says, None for none.
    """

    path: tuple[Flow, ...]
    owed: str
    said: str | None

    @property
    def sentence(self) -> str:
        """The path in words: each place with its class."""
        start = f"{self.path[0].source} ({self.owed})"
        return " → ".join([start, *(f"{flow.target}" for flow in self.path)]) + f" ({self.said or 'no class'})"


def leaks(graph: PlannedGraph) -> Iterator[Leak]:
    """Flows into a place that says less than the most sensitive of what comes there, each with a shortest path."""
    out: dict[ResourceView, list[Flow]] = defaultdict(list)
    for flow in flows(graph):
        out[flow.source].append(flow)
    told: set[tuple[str, str]] = set()
    classes = {source: data for source in out if (data := data_class(graph, source)) is not None}
    for source, owed in sorted(classes.items(), key=lambda item: (-DATA_CLASSES.index(item[1]), item[0].urn)):
        for path in _paths(out, source):
            target = path[-1].target
            said = data_class(graph, target)
            # Behind a leak the next places are its consequence; the same edge is told for its most sensitive source alone.
            if more_sensitive(owed, said or DATA_CLASSES[0]) and (path[-1].source.urn, target.urn) not in told:
                told.add((path[-1].source.urn, target.urn))
                yield Leak(path, owed, said)


def _paths(out: Mapping[ResourceView, list[Flow]], source: ResourceView) -> Iterator[tuple[Flow, ...]]:
    """A shortest path to every place that data of ``source`` reaches."""
    seen = {source.urn}
    queue: list[tuple[Flow, ...]] = [(flow,) for flow in out.get(source, ())]
    while queue:
        path = queue.pop(0)
        target = path[-1].target
        if target.urn not in seen:
            seen.add(target.urn)
            yield path
            queue += [(*path, flow) for flow in out.get(target, ())]


def _of_object(graph: PlannedGraph, view: ResourceView) -> Iterator[Flow]:
    for source in model_sources(graph, view):
        store = _store(graph, view, source.uri)
        if store is not None:
            yield Flow(store, view, source.path, view, "reads")
    for template in effective_templates(graph, view):
        yield from _logger(graph, view, template)
        yield from _volumes(graph, view, template)
        for container in template.containers:
            yield from _container(graph, view, container)
    for node in mapping(view.get("spec", "nodes")).values() if view.kind == "InferenceGraph" else ():
        for step in items(lookup(node, "steps")):
            service = by_name(graph, "InferenceService").get((home(view), str(lookup(step, "serviceName"))))
            if service is not None:
                yield Flow(view, service, "spec.nodes", view, "sends on to")
                yield Flow(service, view, "spec.nodes", view, "answers")


def _container(graph: PlannedGraph, view: ResourceView, container: PodContainer) -> Iterator[Flow]:
    given = environment(graph, view, container)
    for name, what in _PAYLOADS.items():
        for target in _services(graph, view, given.get(name, "")):
            yield Flow(view, target, f"{container.path}.env", view, what)
    for name, value in (*flags(container).items(), *given.items()):
        bucket = _store(graph, view, value) if value.startswith("s3://") else None
        if bucket is not None and _OUTPUT.search(name):
            yield Flow(view, bucket, container.path, view, "writes")


def _logger(graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Flow]:
    logger = template.spec.get("logger")
    for target in _services(graph, view, lookup(logger, "url")):
        yield Flow(view, target, f"{template.path}.logger", view, "its payload logger")
    bucket = _store(graph, view, lookup(logger, "storage", "path"))
    if bucket is not None:
        yield Flow(view, bucket, f"{template.path}.logger", view, "its payload logger")


def _volumes(graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Flow]:
    for index, volume in enumerate(items(template.spec.get("volumes"))):
        claim = by_name(graph, "PersistentVolumeClaim").get(
            (home(view), str(lookup(volume, "persistentVolumeClaim", "claimName"))))
        if claim is not None:
            field = f"{template.path}.volumes[{index}]"
            yield Flow(claim, view, field, view, "reads")
            if lookup(volume, "persistentVolumeClaim", "readOnly") is not True:
                yield Flow(view, claim, field, view, "writes")


def _of_buckets(graph: PlannedGraph) -> Iterator[Flow]:
    """Copies that AWS itself makes: replication of buckets."""
    by_name = {str(view.get("bucket")): view for view in graph.resources if view.type in BUCKETS}
    for view in graph.of_kind("BucketReplicationConfig", "BucketReplicationConfiguration"):
        source = by_name.get(str(view.get("bucket")))
        for index, rule in enumerate(items(view.get("rules"))):
            arn = lookup(rule, "destination", "bucket")
            target = by_name.get(str(arn).rpartition(":")[2])
            if source is not None and target is not None:
                yield Flow(source, target, f"rules[{index}].destination", view, "is replicated to")


def _store(graph: PlannedGraph, view: ResourceView, uri: Any) -> ResourceView | None:
    """The bucket or volume among the resources that a URI names."""
    if not isinstance(uri, str):
        return None
    scheme, _, rest = uri.partition("://")
    name = rest.partition("/")[0]
    if scheme == "pvc":
        return by_name(graph, "PersistentVolumeClaim").get((home(view), name))
    if scheme != "s3":
        return None
    return next((each for each in graph.resources if each.type in BUCKETS and each.get("bucket") == name), None)


def _services(graph: PlannedGraph, view: ResourceView, url: Any) -> Iterator[ResourceView]:
    """Places in the cluster that a URL names: the Service, else the namespace it is in, where the graph holds either."""
    for name, namespace in _HOST.findall(url) if isinstance(url, str) else ():
        place = namespace or home(view)
        found = by_name(graph, "Service").get((place, name)) or (graph.namespaces.get(place) if namespace else None)
        if found is not None:
            yield found
