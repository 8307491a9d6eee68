"""PromQL in rules: each series that it reads, to engines that export it, to monitors that scrape it, or to a rule that records it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from gpuplane.graph.resource_view import ResourceView, items, lookup, told
from gpuplane.graph.wiring.engines import SERVING_PREFIXES, misnamed
from gpuplane.graph.wiring.index import Index
from gpuplane.graph.wiring.links import Link, Relation, State
from gpuplane.graph.wiring.monitors import picked
from gpuplane.graph.wiring.pods import Pods
from gpuplane.graph.wiring.promql import Matcher, Series, series
from gpuplane.graph.wiring.rule_sight import RuleSight, sight_of
from gpuplane.graph.wiring.scraped_labels import given_labels

Answer = tuple[State, str, tuple[str, ...]]
"""What is found of a series, why, and the URNs of workloads that bear it."""
_NAMESPACE = "namespace"


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
    wrong, recorded = misnamed(read.metric), sight_of(index, reader.view).recorded
    if read.metric in recorded:
        yield reader.link(f"recorded series {read.metric}", State.FOUND, "a rule records it")
    elif wrong is not None and not any(name != read.metric and name in wrong for name in beside):
        yield reader.link(f"metric {read.metric}", State.DANGLING, wrong)
    elif read.metric.startswith(SERVING_PREFIXES):
        yield _exported(index, reader, read)
    elif ":" in read.metric:
        spoken = read.metric.partition(":")[0] in {name.partition(":")[0] for name in recorded}
        yield reader.link(f"recorded series {read.metric}", State.DANGLING if spoken else State.OUTSIDE, "no rule records it")


def _exported(index: Index, reader: Reader, read: Series) -> Link:
    sight = sight_of(index, reader.view)
    exporters = _exporters(sight, next(prefix for prefix in SERVING_PREFIXES if read.metric.startswith(prefix)))
    if read.matchers not in exporters.answers:  # the name is asked for by its beginning alone, and many rules are about the same models
        exporters.answers[read.matchers] = _answer(index, sight, exporters, read)
    return reader.link(f"metric {read.metric}", *exporters.answers[read.matchers])


def _answer(index: Index, sight: RuleSight, exporters: _Exporters, read: Series) -> Answer:
    if not exporters.all:
        return State.OUTSIDE, "none of the objects runs an engine that exports it", ()
    hidden = any(read.admits(_NAMESPACE, name) for name in sight.hidden)
    near = exporters.bearing(read)
    if near:
        return _served(sight, read, near, hidden)
    wanted = [matcher for matcher in read.matchers if matcher.label in exporters.names]
    spoken = not hidden and ((bool(sight.namespaces) and not index.opaque("")) or any(
        matcher.label == _NAMESPACE and matcher.value in {pods.namespace for pods in sight.pods} for matcher in wanted))
    asked = ", ".join(f"{'' if matcher.label == _NAMESPACE else 'label '}{matcher.label} {matcher.value}" for matcher in wanted)
    return State.DANGLING if spoken else State.OUTSIDE, f"no engine of {asked} exports it", ()


def served(index: Index, reader: Reader, read: Series, pods: list[Pods], hidden: bool = False) -> Link:
    """A series of engines that its namespace selects: their model names, and whether somebody scrapes them.

    Args:
        index, reader, read: the objects, where the series stands, and the series.
        pods: those whose engine exports it.
        hidden: whether there are model servers beside them whose engine cannot be read.
    """
    return reader.link(f"metric {read.metric}", *_served(sight_of(index, reader.view), read, pods, hidden))


def _served(sight: RuleSight, read: Series, pods: list[Pods], hidden: bool) -> Answer:
    asks = any(matcher.label == "model_name" for matcher in read.matchers)
    answering = [each for each in pods if each.served is None
                 or (any(read.admits("model_name", name) for name in each.served) if asks else each.served)]
    urns = tuple(dict.fromkeys(each.view.urn for each in (answering or pods)))
    if not answering and not hidden and all(each.served is not None for each in pods):
        names = sorted({name for each in pods for name in each.served or ()})
        asked = ", ".join(matcher.value for matcher in read.matchers if matcher.label == "model_name")
        return State.DANGLING, f"no engine serves model_name {asked}, but {', '.join(names)}", urns
    if not answering:
        return State.OUTSIDE, "which engine serves the model cannot be read", urns
    if all(sight.scraped(each) is False for each in answering):
        return State.DANGLING, f"no PodMonitor or ServiceMonitor scrapes {answering[0]}", urns
    return State.FOUND, f"{answering[0]} export it", urns


class _Exporters:
    """Pods whose engine exports some metrics, found by the labels that their series bear.

    Attributes:
        all: every one, in the order of the objects.
        names: labels that some of them are known to bear.
        answers: what was found of series with these matchers.
    """

    def __init__(self, all_pods: list[tuple[Pods, Mapping[str, str]]]) -> None:
        self.all = all_pods
        self.answers: dict[tuple[Matcher, ...], Answer] = {}
        self.names = frozenset(name for _, labels in all_pods for name in labels)
        self._bearing: dict[tuple[str, str], list[tuple[Pods, Mapping[str, str]]]] = {}
        self._silent: dict[str, list[tuple[Pods, Mapping[str, str]]]] = {name: [] for name in self.names}
        for row in all_pods:
            for name in self.names:
                if name in row[1]:
                    self._bearing.setdefault((name, row[1][name]), []).append(row)
                else:
                    self._silent[name].append(row)

    def bearing(self, read: Series) -> list[Pods]:
        """Those whose labels, as far as they are known, a series asks for."""
        some = [(self._bearing.get((matcher.label, matcher.value), []), self._silent[matcher.label]) for matcher in read.matchers
                if matcher.label in self.names and matcher.operator == "=" and "$" not in matcher.value and "[[" not in matcher.value]
        fewest = min(some, key=lambda lists: sum(map(len, lists)), default=(self.all,))
        asked = self.names & {matcher.label for matcher in read.matchers}
        return [pods for pods, labels in chain.from_iterable(fewest)
                if all(read.admits(name, labels[name]) for name in asked if name in labels)]


@lru_cache(maxsize=256)
def _exporters(sight: RuleSight, prefix: str) -> _Exporters:
    """Pods whose engine exports metrics that begin so."""
    return _Exporters([(pods, {**given_labels(sight.monitors(pods), pods), _NAMESPACE: pods.namespace})
                       for pods in sight.pods if pods.engine is not None and pods.engine.exports(prefix)])
