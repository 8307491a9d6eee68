"""Engine versions and how they use memory: defaults and rules that changed from one release of vLLM to another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from gpuplane.catalog.data_files import read_yaml, sources


@dataclass(frozen=True)
class EngineMemory:
    """How one range of vLLM releases uses GPU memory.

    Attributes:
        since: first release of the range, as numbers: ``(0, 19)``.
        default_utilization: share of GPU memory it takes where nobody says.
        default_seqs, large_default_seqs: ``max_num_seqs`` where nobody says, on most GPUs and on large ones.
        default_batched_tokens, large_default_batched_tokens: the same of ``max_num_batched_tokens``; 0: the longest context.
        sampler_copies: float32 copies of ``max_num_seqs × vocabulary`` logits that the start-up's profile holds at its peak,
            less the logits themselves.
        non_torch_gib, non_torch_parallel_gib: (low, expected, high) of memory outside PyTorch, on one GPU and on several.
        graphs_counted: the KV cache makes room for CUDA graphs; else they must fit beside it.
        padded_layer_groups: sliding and hybrid layers share blocks in groups of equal size; else every layer keeps all tokens.
        reports_concurrency_tokens: the logged KV cache size is max_concurrency × max_model_len.
        mla_padding: bytes of a compressed vector are rounded up to a multiple of this many elements; 0: not.
        chunked_prefill: long prompts are always cut; else only those over 32,768 tokens.
        source: where that is known from.
    """

    since: tuple[int, int]
    default_utilization: float
    default_seqs: int
    large_default_seqs: int
    default_batched_tokens: int
    large_default_batched_tokens: int
    sampler_copies: float
    non_torch_gib: tuple[float, float, float]
    non_torch_parallel_gib: tuple[float, float, float]
    graphs_counted: bool
    padded_layer_groups: bool
    reports_concurrency_tokens: bool
    mla_padding: int
    chunked_prefill: bool
    source: str


@cache
def load_engines() -> tuple[EngineMemory, ...]:
    """All ranges of vLLM releases, oldest first."""
    return tuple(sorted((_engine(row) for row in read_yaml("engines.yaml")["vllm"]), key=lambda row: row.since))


def engine_memory(version: str) -> EngineMemory | None:
    """The range that a release belongs to; None where the version cannot be read or is older than all of them.

    Args:
        version: e.g. ``0.19.0`` or ``0.29.1rc1.dev17``.
    """
    number = version_number(version)
    if number is None:
        return None
    fitting = [row for row in load_engines() if row.since <= number]
    return fitting[-1] if fitting else None


@cache
def newest_seen() -> tuple[int, int]:
    """The newest vLLM release whose start-ups the memory rows were compared with; later ones are taken to behave alike."""
    number = version_number(read_yaml("engines.yaml")["newest_seen"])
    assert number is not None
    return number


def version_number(version: str) -> tuple[int, int] | None:
    """Major and minor of a release; None where there are none, or they are longer than any release's."""
    found = re.match(r"v?(\d{1,9})\.(\d{1,9})(?!\d)", version)
    return (int(found[1]), int(found[2])) if found else None


def _engine(row: Mapping[str, Any]) -> EngineMemory:
    fields = dict(row)
    major, minor = str(fields.pop("since")).split(".")
    source = sources()[fields.pop("source")]
    for name in ("non_torch_gib", "non_torch_parallel_gib"):
        low, expected, high = fields[name]
        fields[name] = (float(low), float(expected), float(high))
    return EngineMemory(since=(int(major), int(minor)), source=f"{source.text} ({source.as_of})", **fields)
