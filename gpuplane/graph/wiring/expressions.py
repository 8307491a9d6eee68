"""PromQL in rules: each series that it reads, to engines that export it, to monitors that scrape it, or to a rule that records it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from gpuplane.graph.resource_view import ResourceView, items, lookup, told
from gpuplane.graph.wiring.engines import SERVING_PREFIXES, misnamed
from gpuplane.graph.wiring.index import Index
from gpuplane.graph.wiring.links import Link, Relation, State
from gpuplane.graph.wiring.monitors import picked, scrapes_of
from gpuplane.graph.wiring.pods import Pods
from gpuplane.graph.wiring.promql import Series, series


@dataclass(frozen=True)
class Reader:
    """Where an expression stands: relation of its links, the object, the path, and words for it."""

    relation: Relation
    view: ResourceView
    path: str
    what: str

    def link(self, target: str, state: State, why: str, workloads: tuple[str, ...] = ()) -> Link:
        """A link from this expression."""
        return Link(self.relation, self.view, f"{self.what} of {self.view}", self.path, target, state, why, workloads)


def alert_links(index: Index) -> Iterator[Link]:
    """Each expression of each PrometheusRule, and the rule itself to a Prometheus that evaluates it."""
    for view in index.graph.objects("PrometheusRule"):
        yield from picked(index, view, Relation.ALERT)
        for number, group in enumerate(items(view.get("spec", "groups"))):
            for place, rule in enumerate(items(lookup(group, "rules"))):
                text, name = lookup(rule, "expr"), told(rule, "alert") or told(rule, "record")
                if isinstance(text, str):
                    reader = Reader(Relation.ALERT, view, f"spec.groups[{number}].rules[{place}].expr", f"expression of {name}")
                    yield from expression_links(index, reader, text)


def expression_links(index: Index, reader: Reader, text: str) -> Iterator[Link]:
    """Each series that an expression reads."""
    found = series(text)
    names = {each.metric for each in found}
    for each in found:
        if each.metric:
            yield from series_links(index, reader, each, names)


def series_links(index: Index, reader: Reader, read: Series, beside: set[str]) -> Iterator[Link]:
    """One series: named right, exported by engines that its labels select, scraped, or recorded.

    Args:
        index, reader: the objects, and where the series stands.
        read: the series.
        beside: names that the same expression reads; a withdrawn name beside its successor is for mixed engines.
    """
    wrong = misnamed(read.metric)
    if read.metric in _recorded(index):
        yield reader.link(f"recorded series {read.metric}", State.FOUND, "a rule records it")
    elif wrong is not None and not any(name != read.metric and name in wrong for name in beside):
        yield reader.link(f"metric {read.metric}", State.DANGLING, wrong)
    elif read.metric.startswith(SERVING_PREFIXES):
        yield _exported(index, reader, read)
    elif ":" in read.metric:
        spoken = read.metric.partition(":")[0] in {name.partition(":")[0] for name in _recorded(index)}
        yield reader.link(f"recorded series {read.metric}", State.DANGLING if spoken else State.OUTSIDE, "no rule records it")


def _exported(index: Index, reader: Reader, read: Series) -> Link:
    exporters = _exporters(index, next(prefix for prefix in SERVING_PREFIXES if read.metric.startswith(prefix)))
    target = f"metric {read.metric}"
    if not exporters:
        return reader.link(target, State.OUTSIDE, "none of the objects runs an engine that exports it")
    wanted = [matcher.value for matcher in read.matchers if matcher.label == "namespace" and matcher.operator == "="]
    places = [name for name in (wanted[:1] if wanted and "$" not in wanted[0] else exporters) if read.admits("namespace", name)]
    near = [pods for name in places for pods in exporters.get(name, ())]
    if not near:
        spoken = any(name in index.by_namespace or index.speaks("", "Namespace") for name in wanted)
        return reader.link(target, State.DANGLING if spoken else State.OUTSIDE,
                           f"no engine of namespace {', '.join(wanted)} exports it")
    hidden = any(name in _hidden(index) for name in places)
    return served(index, reader, read, near, hidden)


def served(index: Index, reader: Reader, read: Series, pods: list[Pods], hidden: bool = False) -> Link:
    """A series of engines that its namespace selects: their model names, and whether somebody scrapes them.

    Args:
        index, reader, read: the objects, where the series stands, and the series.
        pods: those whose engine exports it.
        hidden: whether there are model servers beside them whose engine cannot be read.
    """
    target, asks = f"metric {read.metric}", any(matcher.label == "model_name" for matcher in read.matchers)
    answering = [each for each in pods if each.served is None
                 or (any(read.admits("model_name", name) for name in each.served) if asks else each.served)]
    urns = tuple(dict.fromkeys(each.view.urn for each in (answering or pods)))
    if not answering and not hidden and all(each.served is not None for each in pods):
        names = sorted({name for each in pods for name in each.served or ()})
        asked = ", ".join(matcher.value for matcher in read.matchers if matcher.label == "model_name")
        return reader.link(target, State.DANGLING, f"no engine serves model_name {asked}, but {', '.join(names)}", urns)
    if not answering:
        return reader.link(target, State.OUTSIDE, "which engine serves the model cannot be read", urns)
    if all(scrapes_of(index).scraped(each) is False for each in answering):
        return reader.link(target, State.DANGLING, f"no PodMonitor or ServiceMonitor scrapes {answering[0]}", urns)
    return reader.link(target, State.FOUND, f"{answering[0]} export it", urns)


@lru_cache(maxsize=64)
def _exporters(index: Index, prefix: str) -> Mapping[str, tuple[Pods, ...]]:
    """Pods whose engine exports metrics that begin so, by namespace."""
    found: dict[str, list[Pods]] = {}
    for pods in index.pods:
        if pods.engine is not None and pods.engine.exports(prefix):
            found.setdefault(pods.namespace, []).append(pods)
    return {name: tuple(each) for name, each in found.items()}


@lru_cache(maxsize=4)
def _hidden(index: Index) -> frozenset[str]:
    """Namespaces with model servers whose engine cannot be read."""
    return frozenset(pods.namespace for pods in index.pods if pods.serving and pods.engine is None)


@lru_cache(maxsize=4)
def _recorded(index: Index) -> frozenset[str]:
    """Names of all series that rules record."""
    return frozenset(str(lookup(rule, "record")) for view in index.graph.objects("PrometheusRule")
                     for group in items(view.get("spec", "groups")) for rule in items(lookup(group, "rules")) if told(rule, "record"))
