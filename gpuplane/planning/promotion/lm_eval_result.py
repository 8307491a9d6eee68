"""``results_*.json`` of lm-evaluation-harness (lm_eval/result_schema.py of its repository, 0.4).

``results`` holds, by task or group, ``METRIC,FILTER`` and ``METRIC_stderr,FILTER`` (a number or ``N/A``); ``n-samples`` how many documents
were asked (``effective``), ``higher_is_better`` which way is good, ``config`` how the model was called.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from gpuplane.catalog.bench_results import WrongResult
from gpuplane.planning.intervals import mean, share
from gpuplane.spec.evaluation import EvaluatedMeasure, EvaluationResult

FEWEST_FOR_NORMAL = 30
"""Samples from which a mean's standard error is taken for an interval."""
_LIKE_A_SHARE = 0.02
"""How far, relatively, a standard error may be from that of a share for the figure to be one."""
_NAME = re.compile(r"[A-Za-z0-9][-A-Za-z0-9_.,:@+/]*")
_COMMIT = re.compile(r"[0-9a-f]{12,64}")
_YEAR_2000 = 946_684_800
"""As Unix time."""


def lm_eval_result(data: Mapping[str, Any], digest: str) -> EvaluationResult:
    """One file.

    Raises:
        WrongResult: it says no day.
    """
    started = data.get("date")
    if isinstance(started, bool) or not isinstance(started, int | float) or not _YEAR_2000 <= started < 4e9:
        raise WrongResult("date is missing or no Unix time of this century.")
    measures = dict(found for task, row in data["results"].items() if isinstance(row, Mapping) for found in _measures(data, task, row))
    return EvaluationResult(
        digest=digest, format="lm-evaluation-harness", measured_on=datetime.fromtimestamp(started, UTC).date().isoformat(),
        says=_says(data), conditions=dict(_conditions(data)), measures=measures)


def _measures(data: Mapping[str, Any], task: str, row: Mapping[str, Any]) -> Iterator[tuple[str, EvaluatedMeasure]]:
    for key, value in row.items():
        metric, comma, filtered = key.partition(",")
        name = f"{task}/{key}"
        better = _part(_part(data, "higher_is_better"), task).get(metric)
        if not comma or metric.endswith("_stderr") or not _is_number(value) or not isinstance(better, bool) or not _named(name):
            continue
        samples = _samples(data, task, key, row)
        low, high, how = _interval(float(value), row.get(f"{metric}_stderr,{filtered}"), samples)
        yield name, EvaluatedMeasure(value=float(value), low=low, high=high, samples=samples, interval=how,
                                     better="higher" if better else "lower")


def _interval(value: float, error: Any, samples: int) -> tuple[float | None, float | None, Any]:
    """Wilson's where the figure is a share of right answers, else by the standard error; none where the file gives none."""
    if not _is_number(error) or error < 0 or samples < 1:
        return None, None, "none"
    if 0 <= value <= 1 and samples > 1 and math.isclose(
            error, math.sqrt(value * (1 - value) / (samples - 1)), rel_tol=_LIKE_A_SHARE, abs_tol=1e-9):
        found = share(value * samples, samples)
        return found.low, found.high, "wilson"
    if samples < FEWEST_FOR_NORMAL:
        return None, None, "none"
    found = mean(value, float(error))
    return found.low, found.high, "standard error"


def _samples(data: Mapping[str, Any], task: str, key: str, row: Mapping[str, Any], depth: int = 0) -> int:
    counted = _part(row, "sample_count").get(key)
    for found in (counted, _part(_part(data, "n-samples"), task).get("effective"), row.get("sample_len")):
        if isinstance(found, int) and not isinstance(found, bool) and found > 0:
            return found
    below = _part(data, "group_subtasks").get(task)
    if not isinstance(below, list) or depth > 8:
        return 0
    rows = data["results"]
    return sum(_samples(data, child, key, rows[child], depth + 1) for child in below
               if isinstance(child, str) and isinstance(rows.get(child), Mapping) and child != task)


def _says(data: Mapping[str, Any]) -> dict[str, str]:
    """The model as the file names it. Other arguments stay out: an address or a key may stand in them."""
    config = _part(data, "config")
    arguments = _arguments(config.get("model_args"))
    model = arguments.get("pretrained") or arguments.get("model") or data.get("model_name")
    revision = config.get("model_sha") or arguments.get("revision")
    found = {"model": model if isinstance(model, str) and _named(model) else "",
             "revision": revision if isinstance(revision, str) and _COMMIT.fullmatch(revision) else ""}
    return {key: value[:300] for key, value in found.items() if value}


def _arguments(given: Any) -> Mapping[str, str]:
    if isinstance(given, Mapping):
        return {str(key): str(value) for key, value in given.items()}
    pairs = (pair.partition("=") for pair in given.split(",")) if isinstance(given, str) else ()
    return {key.strip(): value.strip() for key, _, value in pairs}


def _conditions(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for kind, name in (("n-shot", "n-shot"), ("versions", "version")):
        for task, value in sorted(_part(data, kind).items()):
            if _named(task) and isinstance(value, int | float | str):
                yield f"{task}/{name}", str(value)[:100]
    config = _part(data, "config")
    for key in ("limit", "gen_kwargs"):
        if config.get(key):
            yield key, json.dumps(config[key], sort_keys=True)[:300]
    yield "chat_template", "yes" if data.get("chat_template_sha") or data.get("chat_template") else "no"
    for key in ("system_instruction_sha", "fewshot_as_multiturn"):
        if data.get(key):
            yield key, str(data[key])[:100]


def _part(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = data.get(key)
    return found if isinstance(found, Mapping) else {}


def _named(name: str) -> bool:
    return len(name) <= 200 and _NAME.fullmatch(name) is not None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
