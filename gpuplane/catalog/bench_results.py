"""Result files of ``vllm bench serve --save-result`` as operating points: read with suspicion, for whoever ran it wrote the file.

Keys as vLLM writes them (vllm/benchmarks/serve.py): ``completed``, ``failed``, ``total_input_tokens``, ``total_output_tokens``,
``request_throughput``, ``output_throughput``, and for ttft, tpot and e2el ``mean_…_ms``, ``median_…_ms``, ``p90_…_ms``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from hashlib import sha256
from typing import Any

MAX_BYTES = 64 << 20
"""Largest file that is read; ``--save-detailed`` writes every request."""
MOST = 1_000_000_000
"""What is as much or more is no figure of a run."""
_LEAST_RATE = Decimal("0.0001")
SAME_SIZE = 0.05
"""Runs whose mean sizes differ by less than this are points of one curve."""
_METRICS = {"ttft_ms": "ttft", "time_per_output_token_ms": "tpot", "latency_ms": "e2el"}
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True)
class BenchRun:
    """One run.

    Attributes:
        model: ``model_id`` of the file, e.g. ``Qwen/Qwen2.5-7B-Instruct``.
        day: when it ran.
        input_tokens, output_tokens: mean of a request, rounded down: a profile answers only for requests no longer than it was tried with.
        latencies_ms: by latency and statistic; a percentile only where there were requests enough to have one.
        evidence: ``sha256:…`` of the file.
    """

    model: str
    day: date
    input_tokens: int
    output_tokens: int
    requests_per_second: Decimal
    output_tokens_per_second: Decimal
    latencies_ms: Mapping[str, Mapping[str, Decimal]]
    evidence: str


class WrongResult(ValueError):
    """The file is no result that a plan could rest on; the message says why."""


def bench_run(content: bytes) -> BenchRun:
    """One result file.

    Raises:
        WrongResult: too large, no JSON object, fields missing or absurd, or requests that failed.
    """
    if len(content) > MAX_BYTES:
        raise WrongResult(f"{len(content)} bytes is more than the {MAX_BYTES} that are read.")
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise WrongResult("is not JSON.") from None
    if not isinstance(data, dict):
        raise WrongResult("is not a JSON object.")
    completed, failed = _number(data, "completed"), data.get("failed", 0)
    if completed != int(completed):
        raise WrongResult(f"completed is {_shown(data['completed'])}; needed is a whole number of requests.")
    if failed not in (0, None):
        raise WrongResult(f"{_shown(failed)} requests failed: at this load the service was not held.")
    output_tokens = int(_number(data, "total_output_tokens") / completed)
    return BenchRun(
        model=_text(data, "model_id"), day=_day(_text(data, "date")),
        input_tokens=max(1, int(_number(data, "total_input_tokens") / completed)),
        output_tokens=max(1, output_tokens), requests_per_second=_rate(data, "request_throughput"),
        output_tokens_per_second=_rate(data, "output_throughput"), latencies_ms=_latencies(data, completed),
        evidence=f"sha256:{sha256(content).hexdigest()}")


def throughput_document(runs: Iterable[BenchRun], name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """A ThroughputProfile document of runs of one model; ``spec`` has what the files do not say (gpu, engine_version, …).

    Raises:
        WrongResult: the runs are of several models.
    """
    given = sorted(runs, key=lambda run: (run.input_tokens, run.output_tokens, run.requests_per_second, run.evidence))
    models = sorted({run.model for run in given})
    if len(models) != 1:
        raise WrongResult(f"the files are of several models: {', '.join(models)}.")
    groups: list[list[BenchRun]] = []
    for run in given:
        group = next((group for group in groups if _close(group[0].input_tokens, run.input_tokens)
                      and _close(group[0].output_tokens, run.output_tokens)), None)
        if group is None:
            groups.append([run])
        else:
            group.append(run)
    return {"apiVersion": "gpuplane/v1", "kind": "ThroughputProfile", "metadata": {"name": name}, "spec": {
        "model": f"hf://{models[0]}", **spec, "provenance": "measured", "as_of": max(run.day for run in given).isoformat(),
        "request_sizes": [_size(group) for group in groups]}}


def _size(group: list[BenchRun]) -> dict[str, Any]:
    """Requests of one size; the smallest of the runs' means, so that nothing longer than any of them is answered for."""
    return {"input_tokens": min(run.input_tokens for run in group), "output_tokens": min(run.output_tokens for run in group),
            "points": [_point(run) for run in sorted(group, key=lambda run: (run.requests_per_second, run.evidence))]}


def _point(run: BenchRun) -> dict[str, Any]:
    latencies = {latency: {name: float(value) for name, value in said.items()} for latency, said in run.latencies_ms.items() if said}
    return {"requests_per_second": float(run.requests_per_second), "output_tokens_per_second": float(run.output_tokens_per_second),
            **latencies, "evidence": run.evidence}


def _latencies(data: Mapping[str, Any], completed: float) -> dict[str, dict[str, Decimal]]:
    found: dict[str, dict[str, Decimal]] = {}
    for latency, metric in _METRICS.items():
        keys = {"mean": f"mean_{metric}_ms", "p50": f"median_{metric}_ms",
                **{name: f"{name}_{metric}_ms" for name in ("p90", "p95", "p99")}}
        found[latency] = {name: _up(_number(data, key)) for name, key in keys.items()
                          if data.get(key) and completed * (1 - _QUANTILES.get(name, 0.0)) >= 1}
    return found


def _number(data: Mapping[str, Any], key: str) -> float:
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < MOST:
        raise WrongResult(f"{key} is {_shown(value)}; needed is a number above 0 and below {MOST:,}.")
    return float(value)


def _shown(value: Any) -> str:
    return json.dumps(value)[:40]


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= 300 or not value.isprintable():
        raise WrongResult(f"{key} is missing or no plain text.")
    return value


def _day(text: str) -> date:
    """The day of vLLM's ``date``, ``20250610-132603``."""
    try:
        return date.fromisoformat(text[:8])
    except ValueError:
        raise WrongResult(f"date is {text[:40]!r}; needed is YYYYMMDD-HHMMSS.") from None


def _close(one: int, other: int) -> bool:
    return abs(one - other) <= SAME_SIZE * max(one, other)


def _rate(data: Mapping[str, Any], key: str) -> Decimal:
    value = _number(data, key)
    if value < _LEAST_RATE:
        raise WrongResult(f"{key} is {_shown(data[key])}; needed is at least {_LEAST_RATE} a second.")
    return Decimal(value).quantize(_LEAST_RATE, rounding=ROUND_FLOOR)


def _up(value: float) -> Decimal:
    return Decimal(value).quantize(Decimal("0.001"), rounding=ROUND_CEILING)
