"""What Prometheus is asked about a canary, and what its answers mean: pure, so that a file of answers does as well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from gpuplane.catalog.metrics import Metric, metric_that_measures
from gpuplane.planning.canaries import canary_name, replicas_at
from gpuplane.planning.canary_verdict import Steps
from gpuplane.spec.canary import Canary
from gpuplane.spec.environment_spec import ServiceEntry
from gpuplane.spec.kserve_names import series_name, workload_of

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
    return f"count(up{{{_matching(entry, canary)}}} == 1)"


def questions(entry: ServiceEntry, canary: Canary, seconds: int) -> tuple[Question, ...]:
    """Everything that a canary is judged by, over so many seconds."""
    worse = canary.max_worse_percent / 100 if canary.max_worse_percent is not None else None
    shares = [*_errors(entry, canary, seconds), *_latencies(entry, canary, seconds)]
    return (*(replace(share, worse=worse, of_service=(_of_service(share.query, entry, canary), _of_service(share.total, entry, canary)))
              for share in shares),
            *(Question(query.name, query.query.replace(PLACEHOLDER, _pods(entry, canary)), query.max) for query in canary.queries))


def _of_service(query: str, entry: ServiceEntry, canary: Canary) -> str:
    own = f'tenant="{entry.tenant}",service="{series_name(entry)}",pod=~"{workload_of(entry).pods_pattern}"'
    return query.replace(_matching(entry, canary), own)


def _errors(entry: ServiceEntry, canary: Canary, seconds: int) -> Iterator[Question]:
    bad = metric_that_measures(*canary.release.engine, "error_percent")
    if canary.max_error_percent is None or bad is None:
        return
    total, successes = (metric_that_measures(*canary.release.engine, what) for what in ("requests", "successes"))
    failed = _count(bad, entry, canary, seconds)
    if total is not None:
        whole = _count(total, entry, canary, seconds)
    elif successes is not None:
        whole = f"{_count(successes, entry, canary, seconds)} + ({failed} or vector(0))"
    else:
        return
    yield Question("errors", failed, canary.max_error_percent / 100, whole)


def _latencies(entry: ServiceEntry, canary: Canary, seconds: int) -> Iterator[Question]:
    promised = entry.document.spec.objectives
    for objective in canary.objectives:
        metric, said = metric_that_measures(*canary.release.engine, objective), getattr(promised, objective, None)
        if metric is None or metric.type != "histogram" or said is None:
            continue
        for statistic, milliseconds in said.given.items():
            # Requests between the bound and the promise count as slow: the claim stays sure.
            bound = max((each for each in metric.buckets if each * 1000 <= milliseconds), default=None)
            if statistic == "mean" or bound is None:
                continue
            fast = _count(metric, entry, canary, seconds, "_bucket", f'le="{bound}"')
            allowed = 1 - Decimal(statistic.removeprefix("p")) / 100
            yield Question(f"{objective} {statistic} over {milliseconds:f} ms", fast, allowed,
                           _count(metric, entry, canary, seconds, "_count"), counts_good=True)


def _count(metric: Metric, entry: ServiceEntry, canary: Canary, seconds: int, part: str = "", more: str = "") -> str:
    matching = ",".join(filter(None, (_matching(entry, canary), metric.matching, more)))
    return f"sum(increase({metric.name}{part}{{{matching}}}[{seconds}s]))"


def _matching(entry: ServiceEntry, canary: Canary) -> str:
    service = series_name(entry, canary_name(entry.document.name, canary))
    return f'tenant="{entry.tenant}",service="{service}",pod=~"{_pods(entry, canary)}"'


def _pods(entry: ServiceEntry, canary: Canary) -> str:
    return workload_of(entry, canary_name(entry.document.name, canary)).pods_pattern
