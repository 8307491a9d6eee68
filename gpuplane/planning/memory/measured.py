"""A start-up that was measured: vLLM's own log says what it found, and overrides the prediction for exactly that combination."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gpuplane.planning.memory.fit import Fit
from gpuplane.planning.memory.interval import Interval

_NUMBER = r"([0-9][0-9,]*\.?[0-9]*)"
_LINES = {
    "weights_gib": rf"[Mm]odel loading took {_NUMBER} ?Gi?B",
    "kv_cache_gib": rf"[Aa]vailable KV cache memory: {_NUMBER} ?GiB",
    "kv_cache_tokens": rf"GPU KV cache size: {_NUMBER} tokens",
    "max_concurrency": rf"[Mm]aximum concurrency for [0-9,]+ tokens per request: {_NUMBER}x",
    "max_model_len": r"[Mm]aximum concurrency for ([0-9,]+) tokens per request",
    "gpu_blocks": r"# (?:GPU|cuda) blocks: ([0-9,]+)",
}


@dataclass(frozen=True)
class MeasuredStartup:
    """Figures of one start-up that succeeded; None where the log does not say.

    Attributes:
        weights_gib: weights on one GPU.
        kv_cache_gib: memory of the KV cache on one GPU.
        kv_cache_tokens: tokens it holds.
        max_concurrency: requests of ``max_model_len`` tokens at once.
    """

    weights_gib: float | None
    kv_cache_gib: float | None
    kv_cache_tokens: float | None
    max_concurrency: float | None
    max_model_len: float | None
    gpu_blocks: float | None


class NotAStartup(ValueError):
    """The text has no lines of a vLLM start-up; the message says which were looked for."""


def read_log(text: str) -> MeasuredStartup:
    """The figures of a start-up log; of several ranks the smallest cache counts.

    Raises:
        NotAStartup: it says neither the size nor the tokens of the KV cache.
    """
    found = {name: [float(number.replace(",", "")) for number in re.findall(pattern, text)] for name, pattern in _LINES.items()}
    if not found["kv_cache_tokens"] and not found["kv_cache_gib"]:
        raise NotAStartup('no line "Available KV cache memory: … GiB" and none "GPU KV cache size: … tokens" of a vLLM start-up')
    values = {name: (max(numbers) if name == "weights_gib" else min(numbers)) if numbers else None for name, numbers in found.items()}
    return MeasuredStartup(**values)


def figures_of(text: str) -> str:
    """The lines of a log that say something of memory, without what stands before; one a line."""
    pattern = re.compile("|".join(f"(?:{found})" for found in _LINES.values()))
    lines = [line[match.start():].strip() for line in text.splitlines() if (match := pattern.search(line))]
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def combination_digest(model: str, revision: str | None, image: str, arguments: Mapping[str, Any], gpu: str) -> str:
    """What a measurement is of: SHA-256 over model, image, engine arguments and GPU, as canonical JSON.

    Args:
        model, revision: the model's URI and revision.
        image: the engine's image, by digest.
        arguments: engine arguments by name; those that are left out do not count.
        gpu: GPU model, with the MIG profile where there is one.
    """
    said = {name: value for name, value in arguments.items() if value is not None}
    text = json.dumps([model, revision, image, said, gpu], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def measured(answer: Fit, startup: MeasuredStartup) -> Fit:
    """The answer with what was measured in place of what was predicted."""
    pool = Interval.exactly(startup.kv_cache_gib) if startup.kv_cache_gib is not None else answer.kv_cache_gib
    tokens = Interval.exactly(startup.kv_cache_tokens) if startup.kv_cache_tokens is not None else answer.kv_cache_tokens
    weights = Interval.exactly(startup.weights_gib) if startup.weights_gib is not None else answer.weights_gib
    fits = startup.max_concurrency is None or startup.max_concurrency >= 1
    concurrency = Interval.exactly(startup.max_concurrency) if startup.max_concurrency is not None else answer.max_concurrency
    overhead = answer.usable_gib - weights - pool if startup.kv_cache_gib is not None else answer.overhead_gib
    reasons = () if fits else ("the measured start-up holds less than one request of its longest context.",)
    return replace(answer, fits=fits, reasons=reasons, weights_gib=weights,
                   overhead_gib=overhead, kv_cache_gib=pool, kv_cache_tokens=tokens, max_concurrency=concurrency)
