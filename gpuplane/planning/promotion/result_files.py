"""A raw result file as evidence: which of the known formats it has, and what it says. Whoever ran the evaluation wrote the file."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from pydantic import ValidationError

from gpuplane.catalog.bench_results import MAX_BYTES, WrongResult
from gpuplane.planning.promotion.bench_serve_result import bench_serve_result
from gpuplane.planning.promotion.generic_result import generic_result
from gpuplane.planning.promotion.lm_eval_result import lm_eval_result
from gpuplane.spec.errors import dotted
from gpuplane.spec.evaluation import EvaluationResult

_KNOWN = ("results_….json of lm-evaluation-harness (keys results and n-samples), the file of vllm bench serve --save-result (keys model_id "
          "and completed), or the generic form of docs/schema/evaluation-result.json (keys schema_version and measures)")


def evaluation_result(content: bytes, stored_at: str = "") -> EvaluationResult:
    """One result file.

    Args:
        content: its bytes.
        stored_at: where it is kept.

    Raises:
        WrongResult: too large, no JSON object, of no known format, or without any figure; the message says why.
    """
    if len(content) > MAX_BYTES:
        raise WrongResult(f"{len(content)} bytes is more than the {MAX_BYTES} that are read.")
    try:
        data = json.loads(content, parse_constant=_no_number, parse_int=_whole)
    except (ValueError, RecursionError):
        raise WrongResult("is not one JSON document (vllm bench serve --append-result writes several: give it one file a run).") from None
    if not isinstance(data, dict):
        raise WrongResult("is not a JSON object.")
    try:
        found = _read(data, f"sha256:{sha256(content).hexdigest()}")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise WrongResult(f"{dotted(first['loc'])[:200]}: {first['msg'][:300]}.") from None
    if not found.measures:
        raise WrongResult("holds no figure that could be judged.")
    return found.model_copy(update={"stored_at": stored_at}) if stored_at else found


def _read(data: dict[str, Any], digest: str) -> EvaluationResult:
    if isinstance(data.get("results"), dict) and ("n-samples" in data or "lm_eval_version" in data):
        return lm_eval_result(data, digest)
    if "model_id" in data and "completed" in data:
        return bench_serve_result(data, digest)
    if "schema_version" in data and "measures" in data:
        return generic_result(data, digest)
    raise WrongResult(f"is of no known format; known are: {_KNOWN}.")


def _no_number(_: str) -> None:
    """NaN and infinities are no figures: they become null, which no format takes for one."""


def _whole(text: str) -> int | None:
    """A whole number that a float can hold exactly enough; a longer one is no figure either."""
    return int(text) if len(text) <= 18 else None
