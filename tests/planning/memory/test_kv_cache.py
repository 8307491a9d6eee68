"""Layout of the KV cache against logs: what a start-up had for its cache, and the tokens and requests that it said fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpuplane.catalog.engines import engine_memory, load_engines
from gpuplane.catalog.models import load_models
from gpuplane.planning.memory.kv_cache import kv_cache, state_bytes
from gpuplane.planning.memory.request import GIB, FitRequest
from tests.planning.memory.accuracy import CASES_WITH_CACHE, Case
from tests.planning.memory.asked import ask


@pytest.mark.parametrize("case", CASES_WITH_CACHE, ids=lambda case: case.row["id"])
def test_tokens_and_concurrency_follow_from_the_memory_that_was_logged(case: Case) -> None:
    answer, row = case.answer, case.row
    length, pool = answer.request.length, row["available_kv_gib"] * GIB
    said = answer.layout.tokens(pool, length, answer.step.tokens, answer.engine.reports_concurrency_tokens)
    assert said == pytest.approx(row["kv_cache_tokens"], rel=0.012)
    if "max_concurrency" in row:
        assert answer.layout.concurrency(pool, length or 1, answer.step.tokens) == pytest.approx(row["max_concurrency"], rel=0.012)


def bytes_per_token(request: FitRequest, version: str = "0.30.0") -> int:
    engine = engine_memory(version)
    assert engine is not None
    return kv_cache(request, engine).block_bytes // 16


@pytest.mark.parametrize(("request_", "expected"), [
    (ask("llama3-8b"), 32 * 2 * 8 * 128 * 2), (ask("llama3-8b", dtype="float32"), 32 * 2 * 8 * 128 * 4),
    (ask("llama3-8b", kv_cache_dtype="fp8"), 32 * 2 * 8 * 128), (ask("llama3-8b", tensor_parallel_size=2), 32 * 2 * 4 * 128 * 2),
    (ask("llama3-8b", tensor_parallel_size=16), 32 * 2 * 1 * 128 * 2),  # more ranks than KV heads: each holds one again
    (ask("llama3-8b", pipeline_parallel_size=4), 8 * 2 * 8 * 128 * 2),
    (ask("kimi-vl-a3b"), 27 * 576 * 2), (ask("kimi-vl-a3b", tensor_parallel_size=8), 27 * 576 * 2)])
def test_bytes_per_token(request_: FitRequest, expected: int) -> None:
    assert bytes_per_token(request_) == expected


def test_the_compressed_vector_was_padded_in_old_releases() -> None:
    assert bytes_per_token(ask("deepseek-v3"), "0.7.3") == 61 * 640 * 2


def test_layers_are_padded_to_groups_of_equal_size() -> None:
    engine = engine_memory("0.19.0")
    assert engine is not None
    layout = kv_cache(ask("gemma-3-27b"), engine)  # 10 full and 52 sliding layers: 1 + 6 groups of 10
    assert [group.kind for group in layout.groups] == ["full"] + ["sliding"] * 6
    assert layout.block_bytes == 10 * 16 * 2 * 16 * 128 * 2


def test_pages_of_unequal_layers_are_made_equal() -> None:
    engine = engine_memory("0.30.0")
    assert engine is not None
    layout = kv_cache(ask("gemma-4-31b"), engine)  # full layers have half the bytes a token: blocks of twice the tokens
    assert {(group.kind, group.block_tokens) for group in layout.groups} == {("full", 32), ("sliding", 16)}


def test_a_linear_layer_keeps_states_not_tokens() -> None:
    model = load_models()["qwen3.6-27b"]
    assert model.linear is not None
    assert state_bytes(model.linear, 2) == 24 * 128 * 128 * 4 + (2 * 8 * 128 + 24 * 128) * 3 * 2
    engine = engine_memory("0.30.0")
    assert engine is not None
    layout = kv_cache(ask("qwen3.6-27b", tensor_parallel_size=2), engine)
    longer = layout.blocks_per_request(200_000, 2048) - layout.blocks_per_request(100_000, 2048)
    assert longer == pytest.approx(100_000 / layout.groups[0].block_tokens, abs=1)


def test_old_releases_keep_every_token_of_every_layer() -> None:
    oldest = load_engines()[0]
    assert len(kv_cache(ask("gemma-2-9b"), oldest).groups) == 1
    request = replace(ask("bge-m3"), max_model_len=512)
    assert kv_cache(request, oldest).groups == ()
