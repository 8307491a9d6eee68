"""How well the prediction agrees with start-ups that were really logged (``startups.jsonl``; each row says where it is from).

``python -m tests.planning.memory.accuracy FILE`` writes the table. A row is complete where memory, context, parallelism and
utilisation are known and the architecture is in the catalogue; the others are counted apart.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from gpuplane.catalog.gpus import load_gpus
from gpuplane.catalog.models import load_models
from gpuplane.planning.memory.device import device, find_gpu, plain_device
from gpuplane.planning.memory.fit import Fit, fit
from gpuplane.planning.memory.request import Device, FitRequest

STARTUPS = Path(__file__).with_name("startups.jsonl")
_NEEDED = ("arch", "gpu_memory_gib_reported", "tp", "max_model_len", "gpu_memory_utilization")
_ROUNDING_GIB = 0.011
"""Logs round to 0.01 GiB."""


@dataclass(frozen=True)
class Case:
    """One start-up that was logged, and what is predicted of it."""

    row: Mapping[str, Any]
    answer: Fit

    @property
    def complete(self) -> bool:
        return all(self.row.get(field) is not None for field in _NEEDED)

    @property
    def started(self) -> bool:
        return bool(self.row["outcome"] == "ok")

    @property
    def tokens_error(self) -> float | None:
        """Percent of the logged tokens of KV cache."""
        seen = self.row.get("kv_cache_tokens")
        return abs(self.answer.kv_cache_tokens.expected - seen) / seen * 100 if seen else None

    @property
    def covered(self) -> bool | None:
        """Whether the logged cache lies in the interval."""
        seen, said = self.row.get("available_kv_gib"), self.answer.kv_cache_gib
        return said.low - _ROUNDING_GIB <= seen <= said.high + _ROUNDING_GIB if seen is not None else None

    @property
    def width(self) -> float:
        """Of the interval, as a share of what the engine may use."""
        return (self.answer.kv_cache_gib.high - self.answer.kv_cache_gib.low) / self.answer.usable_gib.expected


@dataclass(frozen=True)
class Accuracy:
    """Figures over a set of start-ups; errors in percent of the tokens."""

    cases: int
    tokens_median: float
    tokens_p90: float
    covered: float
    width_median: float
    started: int
    started_fits: int
    started_not: int
    failed: int
    failed_fits: int


def cases() -> list[Case]:
    """Every start-up that can be asked: its architecture and the card's memory are known."""
    rows = [json.loads(line) for line in STARTUPS.read_text(encoding="utf-8").splitlines()]
    return [Case(row, fit(request(row))) for row in rows if row.get("arch") in load_models() and _device(row) is not None and "tp" in row]


def _device(row: Mapping[str, Any]) -> Device | None:
    """The card: by the memory that it reported, else by its name where that says which one it is."""
    if "gpu_memory_gib_reported" in row:
        return plain_device(row["gpu_memory_gib_reported"], row["gpu"] if "class" not in row["gpu"] else "")
    found = find_gpu(load_gpus().values(), row.get("gpu", ""))
    return device(found[0]) if len(found) == 1 else None


def request(row: Mapping[str, Any]) -> FitRequest:
    """A logged start-up as a question."""
    card = _device(row)
    assert card is not None
    return FitRequest(
        model=load_models()[row["arch"]], repository=row["model"], device=card,
        tensor_parallel_size=row["tp"], pipeline_parallel_size=row.get("pp", 1), max_model_len=row.get("max_model_len"),
        gpu_memory_utilization=row.get("gpu_memory_utilization"), dtype=row.get("weight_dtype"), quantization=row.get("quantization"),
        kv_cache_dtype=row.get("kv_cache_dtype"), max_num_seqs=row.get("max_num_seqs"),
        max_num_batched_tokens=row.get("max_num_batched_tokens"), engine_version=row.get("vllm_version"),
        enforce_eager=bool(row.get("enforce_eager")))


def accuracy(chosen: list[Case]) -> Accuracy:
    """The figures of these start-ups."""
    errors = sorted(case.tokens_error for case in chosen if case.tokens_error is not None)
    covered = [case for case in chosen if case.covered is not None]
    started, failed = [case for case in chosen if case.started], [case for case in chosen if not case.started]
    return Accuracy(
        len(chosen), median(errors), errors[math.ceil(0.9 * len(errors)) - 1], _share(covered),
        median([case.width for case in covered] or [math.nan]), len(started), sum(case.answer.fits is True for case in started),
        sum(case.answer.fits is False for case in started), len(failed), sum(case.answer.fits is True for case in failed))


def _share(covered: list[Case]) -> float:
    return sum(bool(case.covered) for case in covered) / len(covered) if covered else math.nan


CASES_WITH_CACHE = [case for case in cases() if {"available_kv_gib", "kv_cache_tokens", "vllm_version"} <= case.row.keys()
                    and not case.row["id"].startswith("unsloth")]
"""Start-ups that logged both the memory and the tokens of their cache; unsloth changes vLLM's own accounting."""


def report() -> str:
    """The figures as a page of documentation."""
    everything = cases()
    lines = ["<!-- Generated by make generate; do not edit. -->", "# How far GPU memory predictions are off", "",
             "`gpuplane fit` against start-ups of vLLM that were publicly logged (`tests/planning/memory/startups.jsonl`, each with its source).",
             "A row is complete where the log or its author says the card's memory, the parallelism, the longest context and the utilisation.",
             "The constants of the engine's own overhead were chosen with these rows in sight; weights and KV layout follow from the model alone.",
             "", ("| inputs | start-ups | tokens of KV cache: median error | 90th percentile | interval covers | median width, of usable memory | "
             "started: called fitting / not knowable / not fitting | failed: called fitting |"), "| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |"]
    for title, chosen in (("complete", [case for case in everything if case.complete]),
                          ("something missing", [case for case in everything if not case.complete])):
        found = accuracy(chosen)
        unknown = found.started - found.started_fits - found.started_not
        lines.append(f"| {title} | {found.cases} | {found.tokens_median:.1f} % | {found.tokens_p90:.1f} % | {_percent(found.covered)} | "
                     f"{_percent(found.width_median, 1)} | {found.started_fits} / {unknown} / {found.started_not} of {found.started} | "
                     f"{found.failed_fits} of {found.failed} |")
    lines += ["", "| start-up | predicted tokens | logged tokens | error | verdict | outcome |", "| --- | ---: | ---: | ---: | --- | --- |"]
    words = {True: "fits", False: "does not fit", None: "not knowable"}
    for case in everything:
        error, seen = case.tokens_error, case.row.get("kv_cache_tokens")
        lines.append(f"| {case.row['id']} | {case.answer.kv_cache_tokens.expected:.0f} | {seen if seen is not None else ''} | "
                     f"{f'{error:.1f} %' if error is not None else ''} | {words[case.answer.fits]} | {case.row['outcome'].replace('_', ' ')} |")
    return "\n".join(lines) + "\n"


def _percent(share: float, digits: int = 0) -> str:
    return "" if math.isnan(share) else f"{share * 100:.{digits}f} %"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(report(), encoding="utf-8")
