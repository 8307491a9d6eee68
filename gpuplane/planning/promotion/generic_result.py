"""The generic result file (docs/schema/evaluation-result.json) as evidence."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from gpuplane.catalog.bench_results import WrongResult
from gpuplane.planning.intervals import Interval, mean, quantile, share
from gpuplane.planning.promotion.lm_eval_result import FEWEST_FOR_NORMAL
from gpuplane.spec.errors import dotted
from gpuplane.spec.evaluation import EvaluatedMeasure, EvaluationResult
from gpuplane.spec.evaluation_result import GenericMeasure, GenericResult

_STATISTICS = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def generic_result(data: Mapping[str, Any], digest: str) -> EvaluationResult:
    """One file.

    Raises:
        WrongResult: it is not of that form; every reason is named.
    """
    try:
        given = GenericResult.model_validate_json(json.dumps(data), by_alias=True, by_name=False)
    except ValidationError as error:
        found = "; ".join(f"{dotted(each['loc'])[:200]}: {each['msg'][:300]}" for each in error.errors(include_url=False)[:5])
        raise WrongResult(f"is not of the form of docs/schema/evaluation-result.json: {found}.") from None
    try:
        measures = dict(found for name, measure in given.measures.items() for found in _measures(name, measure))
    except OverflowError:
        raise WrongResult("holds values whose spread no number can hold.") from None
    says = {key: value for key in ("model", "revision", "image") if (value := getattr(given, key)) is not None}
    return EvaluationResult(digest=digest, format="generic", measured_on=given.measured_on, says=says, conditions=given.conditions,
                            measures=measures)


def _measures(name: str, given: GenericMeasure) -> Iterator[tuple[str, EvaluatedMeasure]]:
    if given.values is not None:
        values, count = given.values, len(given.values)
        average = math.fsum(values) / count
        spread = math.sqrt(math.fsum((value - average) ** 2 for value in values) / max(1, count - 1))
        yield f"{name}/mean", _mean(average, spread / math.sqrt(count), count, given)
        for statistic, part in _STATISTICS.items():
            yield f"{name}/{statistic}", _measure(quantile(values, part), count, "order statistics", given)
    elif given.counted is not None:
        yield name, _measure(share(given.counted, given.samples or 0), given.samples or 0, "wilson", given)
    else:
        yield name, _mean(given.mean or 0.0, given.standard_error, given.samples or 0, given)


def _mean(value: float, error: float | None, samples: int, given: GenericMeasure) -> EvaluatedMeasure:
    if error is None or samples < FEWEST_FOR_NORMAL:
        return EvaluatedMeasure(value=value, samples=samples, interval="none", better=given.better)
    return _measure(mean(value, error), samples, "standard error", given)


def _measure(found: Interval, samples: int, how: Any, given: GenericMeasure) -> EvaluatedMeasure:
    low, high = (bound if math.isfinite(bound) else None for bound in (found.low, found.high))
    return EvaluatedMeasure(value=found.value, low=low, high=high, samples=samples, interval=how, better=given.better)
