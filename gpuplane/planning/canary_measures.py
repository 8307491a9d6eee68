"""What Prometheus is asked about a canary, and what its answers mean: pure, so that a file of answers does as well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from gpuplane.catalog.metrics import ENDPOINT_PICKER, Metric, metric_that_measures
from gpuplane.planning.canaries import canary_name, replicas_at
from gpuplane.planning.canary_verdict import Steps
from gpuplane.planning.service_levels.indicators import latency_metric
from gpuplane.spec.canary import Canary
from gpuplane.spec.environment_spec import ServiceEntry
from gpuplane.spec.kserve_names import llm_workload, series_name, workload_of
from gpuplane.spec.llm_inference_service import PREFILL, LLMInferenceServiceSpec

PLACEHOLDER = "CANARY_PODS"
SHORTEST_WINDOW_SECONDS = 60


@dataclass(frozen=True)
class Question:
    """One measure.

    Attributes:
        name: as the verdict says it.
        total: query for the requests that were answered; empty: ``query`` is a figure over time.
        query: for the bad ones of them, or where ``counts_good`` for the others; or for the figure.
        limit: the most that the share (0 to 1) or the figure may be.
        of_service: the same two queries, for the pods of its service; empty for figures.
        worse: how much larger the canary's share may be than its service's, of 1; None: they are not compared.
    """

    name: str
    query: str
    limit: Decimal
    total: str = ""
    counts_good: bool = False
    of_service: tuple[str, str] = ("", "")
    worse: Decimal | None = None


def steps_of(entry: ServiceEntry, canary: Canary) -> Steps:
    """Where a canary stands."""
    replicas = replicas_at(entry.document.spec, canary, canary.traffic_percent)[0]
    return Steps(canary.traffic_percent, canary.steps, canary.hold_seconds, canary.min_requests, replicas)


def window_seconds(canary: Canary, held_seconds: float) -> int:
    """How far back it is looked: what lies before the present step was another share."""
    return max(SHORTEST_WINDOW_SECONDS, min(int(held_seconds), canary.hold_seconds))


def ready_query(entry: ServiceEntry, canary: Canary) -> str:
    """Replicas of the canary that answer Prometheus."""
    return f"count(up{{{_canary(entry, canary).answering}}} == 1)"


def questions(entry: ServiceEntry, canary: Canary, seconds: int) -> tuple[Question, ...]:
    """Everything that a canary is judged by, over so many seconds."""
    worse = canary.max_worse_percent / 100 if canary.max_worse_percent is not None else None
    tried, present = (tuple(share for find in (_errors, _latencies) for share in find(pods, canary, seconds))
                      for pods in (_canary(entry, canary), _Release(entry, entry.document.name)))
    return (*(replace(share, worse=worse, of_service=(same.query, same.total)) for share, same in zip(tried, present, strict=True)),
            *(Question(query.name, query.query.replace(PLACEHOLDER, _canary(entry, canary).pods), query.max) for query in canary.queries))


@dataclass(frozen=True)
class _Release:
    """One of the two releases by the name of the object that serves it, as label matchers of its series."""

    entry: ServiceEntry
    name: str

    @property
    def pods(self) -> str:
        """Pattern of the names of its pods that answer."""
        return workload_of(self.entry, self.name).pods_pattern

    @property
    def answering(self) -> str:
        """Of pods that answer requests."""
        return f'tenant="{self.entry.tenant}",service="{series_name(self.entry, self.name)}",pod=~"{self.pods}"'

    @property
    def reading(self) -> str:
        """Of pods that only read prompts; empty where there are none."""
        service = self.entry.document.spec
        if not isinstance(service, LLMInferenceServiceSpec) or service.prefill is None:
            return ""
        pods = llm_workload(self.name, service.prefill.parallelism.pods > 1, prefill=True).pods_pattern
        return f'tenant="{self.entry.tenant}",service="{self.name}-{PREFILL}",pod=~"{pods}"'

    def of(self, metric: Metric) -> str:
        """Of what a metric counts of it: its pods, or its endpoint picker."""
        if metric.exporter == ENDPOINT_PICKER:
            return ",".join(f'{key}="{value}"' for key, value in metric.labels_of(self.entry.tenant, self.name).items())
        return self.answering


def _canary(entry: ServiceEntry, canary: Canary) -> _Release:
    return _Release(entry, canary_name(entry.document.name, canary))


def _errors(pods: _Release, canary: Canary, seconds: int) -> Iterator[Question]:
    bad = metric_that_measures(*canary.release.engine, "error_percent")
    if canary.max_error_percent is None or bad is None:
        return
    total, successes = (metric_that_measures(*canary.release.engine, what) for what in ("requests", "successes"))
    failed = _count(bad, pods.answering, seconds)
    if total is not None:
        whole = _count(total, pods.answering, seconds)
    elif successes is not None:
        whole = f"{_count(successes, pods.answering, seconds)} + ({failed} or vector(0))"
    else:
        return
    if pods.reading:  # what fails where prompts are read never comes to those that write the answer
        there = f"({_count(bad, pods.reading, seconds)} or vector(0))"
        failed, whole = f"({failed} or vector(0)) + {there}", f"({whole} or vector(0)) + {there}"
    yield Question("errors", failed, canary.max_error_percent / 100, whole)


def _latencies(pods: _Release, canary: Canary, seconds: int) -> Iterator[Question]:
    service = pods.entry.document.spec
    for objective in canary.objectives:
        metric, said = latency_metric(service, *canary.release.engine, objective), getattr(service.objectives, objective, None)
        if metric is None or metric.type != "histogram" or said is None:
            continue
        for statistic, milliseconds in said.given.items():
            # Requests between the bound and the promise count as slow: the claim stays sure.
            bound = max((each for each in metric.buckets if each * 1000 <= milliseconds), default=None)
            if statistic == "mean" or bound is None:
                continue
            fast = _count(metric, pods.of(metric), seconds, "_bucket", f'le="{bound}"')
            allowed = 1 - Decimal(statistic.removeprefix("p")) / 100
            yield Question(f"{objective} {statistic} over {milliseconds:f} ms", fast, allowed,
                           _count(metric, pods.of(metric), seconds, "_count"), counts_good=True)


def _count(metric: Metric, pods: str, seconds: int, part: str = "", more: str = "") -> str:
    return f"sum(increase({metric.name}{part}{{{','.join(filter(None, (pods, metric.matching, more)))}}}[{seconds}s]))"
