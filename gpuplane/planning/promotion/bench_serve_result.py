"""The result file of ``vllm bench serve`` as evidence (vllm/benchmarks/serve.py).

With ``--save-detailed`` it holds a value for each request (``ttfts`` and ``itls`` in seconds, ``output_lens``, ``errors``), so that a
percentile has an interval; without, a percentile is a bare number, and how sure it is is not knowable. A request that failed was never
answered: it counts as slower than any other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Literal

from gpuplane.catalog.bench_results import WrongResult
from gpuplane.planning.intervals import Interval, mean, quantile, share
from gpuplane.planning.promotion.lm_eval_result import FEWEST_FOR_NORMAL
from gpuplane.spec.evaluation import EvaluatedMeasure, EvaluationResult

LATENCIES: Mapping[str, str] = {"ttft_ms": "ttft", "time_per_output_token_ms": "tpot", "latency_ms": "e2el"}
"""Latency as services' objectives call it, and as the file does."""
STATISTICS: Mapping[str, float] = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
_SAME = 0.002
"""How far, relatively, a percentile of the file may be from that of its own samples."""
_Method = Literal["wilson", "standard error", "order statistics", "none"]


def bench_serve_result(data: Mapping[str, Any], digest: str) -> EvaluationResult:
    """One file.

    Raises:
        WrongResult: fields are missing or absurd, or the summary is not that of the samples.
    """
    completed, failed = _count(data, "completed"), _count(data, "failed") if data.get("failed") is not None else 0
    if not completed:
        raise WrongResult("no request was answered.")
    measures: dict[str, EvaluatedMeasure] = {}
    for name, key in LATENCIES.items():
        measures.update((f"{name}/{statistic}", found) for statistic, found in _latency(data, key, completed, failed))
    errors = share(failed, completed + failed)
    measures["failed_requests"] = _measure(errors, completed + failed, "wilson", "lower")
    for key, name in (("request_throughput", "requests_per_second"), ("output_throughput", "output_tokens_per_second")):
        if (value := _number(data.get(key))) is not None:
            measures[name] = EvaluatedMeasure(value=value, samples=completed, interval="none", better="higher")
    return EvaluationResult(digest=digest, format="vllm-bench-serve", measured_on=_day(data.get("date")), says=_says(data),
                            conditions=dict(_conditions(data, completed)), measures=measures)


def _latency(data: Mapping[str, Any], key: str, completed: int, failed: int) -> Iterator[tuple[str, EvaluatedMeasure]]:
    samples = _samples(data, key)
    deviation, average = _number(data.get(f"std_{key}_ms")), _number(data.get(f"mean_{key}_ms"))
    if average is not None and completed >= FEWEST_FOR_NORMAL and deviation is not None:
        yield "mean", _measure(mean(average, deviation / math.sqrt(completed)), completed, "standard error", "lower")
    for statistic, part in STATISTICS.items():
        written = _number(data.get(f"median_{key}_ms" if statistic == "p50" else f"{statistic}_{key}_ms"))
        if samples:
            _require_same(f"{statistic} of {key}", written, samples, part)
            found = quantile([*samples, *([math.inf] * failed)], part)
            if math.isfinite(found.value):
                yield statistic, _measure(found, len(samples) + failed, "order statistics", "lower")
        elif written is not None and completed * (1 - part) >= 1:
            yield statistic, EvaluatedMeasure(value=written, samples=completed, interval="none", better="lower")


def _samples(data: Mapping[str, Any], key: str) -> list[float]:
    """Milliseconds of each answered request; empty where the file does not hold them, or not whole."""
    first, between, errors = (_listed(data, name) for name in ("ttfts", "itls", "errors"))
    if not first or len(between) != len(first):
        return []
    good = [index for index in range(len(first)) if index >= len(errors) or not errors[index]]
    if len(good) != data["completed"]:
        return []
    latencies, lengths = _listed(data, "latencies"), _listed(data, "output_lens")
    try:
        whole = latencies if len(latencies) == len(first) else [first[at] + math.fsum(between[at]) for at in range(len(first))]
        if key == "ttft":
            found = [first[at] for at in good]
        elif key == "e2el":
            found = [whole[at] for at in good]
        else:
            found = [(whole[at] - first[at]) / (lengths[at] - 1) for at in good if lengths[at] > 1]
        checked = [float(value) * 1000 for value in found]
    except (ArithmeticError, IndexError, TypeError, ValueError):  # sums of what a float barely holds
        return []
    return checked if all(math.isfinite(value) and value >= 0 for value in checked) else []


def _require_same(what: str, written: float | None, samples: Sequence[float], part: float) -> None:
    """The file's own percentile (linear between two ranks, as numpy reckons) is that of its samples."""
    ordered, place = sorted(samples), (len(samples) - 1) * part
    below = ordered[math.floor(place)]
    reckoned = below + (ordered[math.ceil(place)] - below) * (place - math.floor(place))
    if written is not None and not math.isclose(written, reckoned, rel_tol=_SAME, abs_tol=0.05):
        raise WrongResult(f"says that the {what} is {written:.3f} ms, and its samples say {reckoned:.3f} ms.")


def _measure(found: Interval, samples: int, how: _Method, better: Literal["higher", "lower"]) -> EvaluatedMeasure:
    low, high = (bound if math.isfinite(bound) else None for bound in (found.low, found.high))
    return EvaluatedMeasure(value=found.value, low=low, high=high, samples=samples, interval=how, better=better)


def _says(data: Mapping[str, Any]) -> dict[str, str]:
    """``--metadata KEY=VALUE`` of the run lands beside the other keys: revision and image are looked for there."""
    found = {"model": data.get("model_id"), **{key: data.get(key) for key in ("revision", "image")}}
    return {key: value for key, value in found.items() if isinstance(value, str) and 0 < len(value) <= 300 and value.isprintable()}


def _conditions(data: Mapping[str, Any], completed: int) -> Iterator[tuple[str, str]]:
    for key in ("backend", "request_rate", "burstiness", "max_concurrency", "ramp_up_strategy"):
        value = data.get(key)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            yield key, str(float(value) if isinstance(value, int) else value)[:100]
    for key in ("input_tokens", "output_tokens"):
        if (total := _number(data.get(f"total_{key}"))) is not None:
            yield key, f"{total / completed:.1f}"


def _day(given: Any) -> str:
    try:
        return date.fromisoformat(str(given)[:8]).isoformat()
    except ValueError:
        raise WrongResult(f"date is {str(given)[:40]!r}; needed is YYYYMMDD-HHMMSS.") from None


def _count(data: Mapping[str, Any], key: str) -> int:
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1_000_000_000:
        raise WrongResult(f"{key} is {str(value)[:40]}; needed is a whole number.")
    return value


def _number(value: Any) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and 0 <= value < 1e12
    return float(value) if usable else None


def _listed(data: Mapping[str, Any], key: str) -> list[Any]:
    found = data.get(key)
    return found if isinstance(found, list) else []
