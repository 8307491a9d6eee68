"""From a promise to what is measured of it: a metric of the engine, which of its series are bad, and the error budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from gpuplane.catalog.metrics import ENDPOINT_PICKER, Metric, metric_that_measures
from gpuplane.spec.inference_service import ServedModelSpec
from gpuplane.spec.llm_inference_service import PREFILL, LLMInferenceServiceSpec
from gpuplane.spec.objectives import TARGETS

STATISTIC_BUDGETS: Mapping[str, Decimal] = MappingProxyType(
    {"p50": Decimal("0.5"), "p90": Decimal("0.1"), "p95": Decimal("0.05"), "p99": Decimal("0.01")})
"""What a promise on a percentile lets go wrong, as a ratio of requests; a mean lets nothing be counted."""
QUANTILE_TIME_BUDGET = Decimal("0.05")
"""Ratio of time that a percentile which the engine itself computes may be over the promise: such an engine counts no slow requests."""
UNITS_PER_SECOND: Mapping[str, int] = MappingProxyType({"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000})
_TITLES: Mapping[str, str] = MappingProxyType({
    "ttft_ms": "time to first token", "time_per_output_token_ms": "time per output token", "latency_ms": "latency"})
_WITH_THE_PROMPT = ("ttft_ms", "latency_ms")
"""Times that begin with the prompt. Pods that only write answers begin to count when the prompt was read elsewhere: llm-d's routing
sidecar asks for the prompt first and then for the answer (v0.9.0, ``connector_nixlv2.go``). What sees both is the endpoint picker."""


@dataclass(frozen=True)
class Indicator:
    """What is measured of one promise.

    Attributes:
        name: of the objective, e.g. ``ttft_p95``; the label ``objective`` of its series.
        path: field below ``spec.objectives`` that promises it.
        promise: in words, e.g. ``95 % of requests have their first token within 1000 ms``.
        budget: ratio of what may be bad, of requests or of time.
        metric: what it is read from; None: Prometheus's own ``up``.
        bound: value of the metric, in its unit, over which it is bad; None for what is counted, not compared.
        promised: the bound as promised; differs where the histogram has no such boundary.
        quantile: value of the label ``quantile``, for summaries.
        total: for counters: what all requests are counted by (a second one, added, where successes are counted apart).
        elsewhere: end of the name of other pods whose failures never come to these; empty for none.
    """

    name: str
    path: str
    promise: str
    budget: Decimal
    metric: Metric | None
    bound: Decimal | None = None
    promised: Decimal | None = None
    quantile: str | None = None
    total: tuple[Metric, ...] = ()
    elsewhere: str = ""

    @property
    def is_rounded(self) -> bool:
        """Whether another bound is watched than the one that is promised."""
        return self.bound != self.promised


@dataclass(frozen=True)
class Unmeasured:
    """A promise that cannot be watched.

    Attributes:
        path: field below ``spec.objectives``.
        reason: a clause.
        smallest: where only the bound is too small for the histogram: the smallest that can be, in milliseconds.
    """

    path: str
    reason: str
    smallest: str | None = None


def indicators(service: ServedModelSpec) -> tuple[tuple[Indicator, ...], tuple[Unmeasured, ...]]:
    """What is measured of each promise of a service, and which promises cannot be measured; both empty without objectives."""
    found = [*_latencies(service), *_requests(service), *_saturation(service)]
    return (tuple(one for one in found if isinstance(one, Indicator)), tuple(one for one in found if isinstance(one, Unmeasured)))


def _latencies(service: ServedModelSpec) -> Iterator[Indicator | Unmeasured]:
    objectives = service.objectives
    if objectives is None:
        return
    for (field, statistic), milliseconds in objectives.targets.items():
        metric, path = latency_metric(service, *service.release.engine, field), f"{field}.{statistic}"
        if metric is None:
            yield Unmeasured(path, _lacks(service, _TITLES[field]))
        elif statistic in STATISTIC_BUDGETS:
            yield _latency(metric, field, statistic, milliseconds)


def latency_metric(service: ServedModelSpec, engine: str, version: str, field: str) -> Metric | None:
    """The metric that a latency of a service is read from, where a release of an engine serves it; None where there is none."""
    if field in _WITH_THE_PROMPT and _reads_elsewhere(service):
        return metric_that_measures(ENDPOINT_PICKER, "", field)
    return metric_that_measures(engine, version, field)


def _latency(metric: Metric, field: str, statistic: str, milliseconds: Decimal) -> Indicator | Unmeasured:
    name, path = f"{field.removesuffix('_ms')}_{statistic}", f"{field}.{statistic}"
    promised = milliseconds * UNITS_PER_SECOND[metric.unit] / 1000
    share, title = f"{100 * (1 - STATISTIC_BUDGETS[statistic]):f}".rstrip("0").rstrip("."), _TITLES[field]
    if metric.type == "summary":
        promise = f"the {statistic} of {title} is at most {milliseconds:f} ms for {100 * (1 - QUANTILE_TIME_BUDGET):.0f} % of the time"
        return Indicator(name, path, promise, QUANTILE_TIME_BUDGET, metric, promised, promised, metric.quantiles[statistic])
    below = [bound for bound in metric.buckets if bound <= promised]
    if not below:
        smallest = _plain(metric.buckets[0] * 1000 / UNITS_PER_SECOND[metric.unit])
        return Unmeasured(path, f"{metric.name} has no boundary at {milliseconds:f} ms or below; its first is {smallest} ms", smallest)
    promise = f"{share} % of requests have a {title} of at most {milliseconds:f} ms"
    return Indicator(name, path, promise, STATISTIC_BUDGETS[statistic], metric, below[-1], promised)


def _requests(service: ServedModelSpec) -> Iterator[Indicator | Unmeasured]:
    objectives = service.objectives
    if objectives is None:
        return
    if objectives.availability_percent is not None:
        yield Indicator("availability", "availability_percent",
                        f"at least one replica answers for {_plain(objectives.availability_percent)} % of the time",
                        1 - objectives.availability_percent / 100, None)
    if objectives.error_percent is not None:
        errors, total = _metric(service, "error_percent"), _metric(service, "requests") or _metric(service, "successes")
        if errors is None or total is None:
            yield Unmeasured("error_percent", _lacks(service, "failed requests"))
            return
        yield Indicator("errors", "error_percent", f"at most {_plain(objectives.error_percent)} of 100 requests fail",
                        objectives.error_percent / 100, errors, total=(total,) if total.measures == "requests" else (total, errors),
                        elsewhere=f"-{PREFILL}" if _reads_elsewhere(service) else "")


def _saturation(service: ServedModelSpec) -> Iterator[Indicator | Unmeasured]:
    saturation = service.objectives.saturation if service.objectives is not None else None
    if saturation is None:
        return
    for field, limit in (("kv_cache_percent", saturation.kv_cache_percent), ("waiting_requests", saturation.waiting_requests)):
        metric, path = _metric(service, field), f"saturation.{field}"
        if limit is None:
            continue
        if metric is None:
            yield Unmeasured(path, _lacks(service, field))
            continue
        bound = Decimal(limit) / 100 if metric.unit == "ratio" else Decimal(limit)
        what = f"{_plain(Decimal(limit))} % of the KV cache are used" if metric.unit == "ratio" else f"{limit} requests wait"
        yield Indicator(f"saturation_{field.partition('_')[0]}", path,
                        f"at most {what} in any replica for all but {_plain(saturation.percent_of_time)} % of the time",
                        saturation.percent_of_time / 100, metric, bound, bound)


def _reads_elsewhere(service: ServedModelSpec) -> bool:
    """Whether pods of their own read its prompts."""
    return isinstance(service, LLMInferenceServiceSpec) and service.prefill is not None


def _metric(service: ServedModelSpec, what: str) -> Metric | None:
    return metric_that_measures(*service.release.engine, what)


def _lacks(service: ServedModelSpec, title: str) -> str:
    engine, version = service.release.engine
    return f"{engine} {version} has no metric of {title}"


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


MEASURABLE = (*TARGETS, "availability_percent", "error_percent", "kv_cache_percent", "waiting_requests")
"""What can be promised, in the words of the objectives; availability needs no metric of the engine."""
