"""Verdicts, one thing changed at a time: what fits, what does not, what cannot be known, and what would."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gpuplane.catalog.gpus import load_gpus
from gpuplane.planning.memory.device import device, find_gpu, plain_device
from gpuplane.planning.memory.fit import fit
from gpuplane.planning.memory.host import host_needs
from gpuplane.planning.memory.measured import NotAStartup, combination_digest, measured, read_log
from gpuplane.planning.memory.quantization import quantization
from gpuplane.planning.memory.request import FitRequest
from gpuplane.planning.memory.search import smallest_device, smallest_parallelism
from tests.planning.memory.asked import ask, card


@pytest.mark.parametrize(("request_", "expected", "words"), [
    (ask(), True, ""), (ask("llama3-70b", "H100-SXM-80GB"), False, "weights and overhead take more"),
    (ask("llama3-70b", "H100-SXM-80GB", tensor_parallel_size=4), True, ""),
    (ask("llama3-70b", "A100-SXM-80GB", tensor_parallel_size=2, max_model_len=16384, gpu_memory_utilization=0.92), None, "may be as small"),
    (ask("qwen2.5-7b", tensor_parallel_size=8), False, "does not divide the 28 attention heads"),
    (ask(max_model_len=2_000_000), False, "one request of 2000000 tokens"), (ask("kimi-vl-a3b", max_model_len=None), None, "max_model_len is not given"),
    (ask(device=card("A100-SXM-80GB", "1g.10gb")), False, "weights and overhead"),
    (ask("qwen3-1.7b", device=card("A100-SXM-80GB", "1g.10gb")), True, ""),
    (ask("qwen3-1.7b", device=card("A100-SXM-80GB", "1g.10gb"), tensor_parallel_size=2), False, "no peer-to-peer"),
    (ask("qwen3-0.6b", device=card("L4-24GB", shared_by=4), gpu_memory_utilization=0.5), False, "more than 1/4"),
    (ask("qwen3-0.6b", device=card("L4-24GB", shared_by=4), gpu_memory_utilization=0.24), True, ""),
    (ask("qwen3-8b", device=plain_device(15.9), engine_version="0.19.0", gpu_memory_utilization=0.98, max_model_len=512,
         quantization="fp8", max_num_seqs=256), None, "CUDA graphs may take"),
    (ask("qwen3-8b", "H100-SXM-80GB", max_model_len=200_000), None, "more than the 40960 tokens that qwen3-8b was made for"),
    (ask("qwen3-8b", "H100-SXM-80GB", max_model_len=200_000, context_binds=False), True, ""),
    (ask("qwen3-0.6b", max_num_seqs=4096, max_num_batched_tokens=10), False, "less than max_num_seqs"),
    (ask("qwen3-0.6b", "T4-16GB", dtype="bfloat16"), False, "bfloat16 needs compute capability 8.0"),
    (ask("qwen3-0.6b", "T4-16GB", kv_cache_dtype="fp8"), False, "an fp8 KV cache needs compute capability 8.0"),
    (ask("gpt-oss-20b", "V100-SXM-32GB"), False, "mxfp4 weights need compute capability 8.0"),
    (ask("gpt-oss-120b", "H100-SXM-80GB", max_model_len=16_384, tensor_parallel_size=2), True, ""),
    (ask("deepseek-v3", "H200-SXM-141GB", tensor_parallel_size=8, max_model_len=32_768), True, ""),
    (ask("llama3-8b", "A10G-24GB", quantization="gptq", repository="x/Llama-3.1-8B-GPTQ-Int8"), True, ""),
    (ask("llama3-8b", "A10G-24GB", dtype="float"), False, "weights and overhead"),
    (ask("bge-m3", "T4-16GB", max_model_len=8192), True, ""), (ask(pipeline_parallel_size=64), False, "more than the 28 layers"),
    (ask(engine_version=None, device=card("A10G-24GB"), max_model_len=60_000), None, "engine_version is not known"),
    (ask("qwen2.5-vl-7b", "L4-24GB", max_model_len=20_000), None, "What its vision encoder takes at its peak depends on the sizes of images"),
    (ask(engine_version="dev", device=card("A10G-24GB"), max_model_len=60_000), None, "engine_version dev is not in the catalogue")])
def test_verdicts(request_: FitRequest, expected: bool | None, words: str) -> None:
    answer = fit(request_)
    assert answer.fits is expected, answer
    assert words in " ".join(answer.reasons)


def test_what_else_would_fit() -> None:
    big = ask("llama3-70b", "H100-SXM-80GB")
    assert smallest_parallelism(big) == 4
    found = smallest_device(big, tuple(load_gpus().values()))
    assert found is not None
    fitting = replace(big, device=device(load_gpus()[found.gpu], found.profile), tensor_parallel_size=found.tensor_parallel_size)
    assert fit(fitting).fits
    small = smallest_device(ask("qwen3-1.7b"), tuple(load_gpus().values()))
    assert small is not None
    assert small.profile is not None
    assert smallest_device(ask("kimi-k2", max_model_len=10_000_000), (load_gpus()["T4-16GB"],)) is None


def test_smallest_device_is_the_least_memory_of_all_that_fit() -> None:
    request, gpus = ask("qwen3-8b"), tuple(load_gpus().values())
    found = smallest_device(request, gpus)
    assert found is not None
    for gpu in gpus:
        if gpu.memory_gib < found.memory_gib:
            assert not fit(replace(request, device=device(gpu))).fits


@pytest.mark.parametrize(("name", "expected"), [
    ("H100-SXM-80GB", ["H100-SXM-80GB"]), ("NVIDIA-H100-80GB-HBM3", ["H100-SXM-80GB"]), ("A100 40GB", ["A100-SXM-40GB"]),
    ("Tesla T4 (14.74 GiB reported)", ["T4-16GB"]), ("L40S 48GB", ["L40S-48GB"]), ("H200 141GB", ["H200-SXM-141GB"]), ("Quux 9000", [])])
def test_gpus_are_known_by_what_people_call_them(name: str, expected: list[str]) -> None:
    assert [gpu.name for gpu in find_gpu(load_gpus().values(), name)] == expected


def test_a_name_that_means_several_sizes_is_ambiguous() -> None:
    assert len(find_gpu(load_gpus().values(), "A100")) > 1


@pytest.mark.parametrize(("said", "published", "model", "expected"), [
    (None, None, "Qwen/Qwen2.5-7B-Instruct", None), ("none", None, "x/y", None), ("awq", None, "x/y", 0.5195), ("fp8", None, "x/y", 1.002),
    (None, "gptq int4", "x/y", 0.5195), (None, None, "x/Y-AWQ", 0.5195), (None, None, "x/Y-quantized.w8a8", 1.002),
    ("compressed-tensors", None, "x/Y-quantized.w4a16", 0.5195), ("compressed-tensors", "compressed-tensors int8", "x/y", 1.002),
    ("bitsandbytes", None, "x/y", 0.54), ("bitsandbytes", None, "x/y-8bit", 1.002), ("mxfp4", None, "openai/gpt-oss-20b", 0.567),
    ("GPTQ-Int8", None, "x/y", 1.002), (None, "gptq int8", "x/y", 1.002), ("gptq", None, "x/Y-GPTQ-Int8", 1.002),
    (None, "bitsandbytes int8", "x/y", 1.002), (None, "fp8", "x/Y-AWQ", 0.5195), ("none", "fp8", "x/y", None)])
def test_bytes_of_a_quantised_weight(said: str | None, published: str | None, model: str, expected: float | None) -> None:
    found = quantization(said, published, model)
    assert (found.bytes_per_weight.expected if found else None) == (pytest.approx(expected, abs=0.001) if expected else None)


def test_a_method_without_bits_is_wide() -> None:
    found = quantization("compressed-tensors", None, "x/y")
    assert found is not None
    assert not found.known
    assert found.bytes_per_weight.high / found.bytes_per_weight.low > 2


def test_host_needs() -> None:
    small, big = fit(ask()), fit(ask("llama3-70b", "H100-SXM-80GB", tensor_parallel_size=4))
    assert host_needs(small).shared_memory_gib == 0
    assert host_needs(big).shared_memory_gib == 1.0
    assert host_needs(big).weights_gib == pytest.approx(131.5, abs=0.5)
    assert host_needs(big).load_seconds.low > host_needs(small).load_seconds.low
    assert host_needs(big, network_gbps=10).load_seconds.low == pytest.approx(131.4 * 1.0737 / 1.25 + 20, rel=0.02)


LOG = """
INFO 11-03 Model loading took 14.2487 GiB and 3.9 seconds
INFO 11-03 Available KV cache memory: 21.55 GiB
INFO 11-03 GPU KV cache size: 403,504 tokens
INFO 11-03 Maximum concurrency for 8,192 tokens per request: 49.26x
"""


def test_a_measured_start_up_takes_the_place_of_the_prediction() -> None:
    startup = read_log(LOG)
    answer = measured(fit(ask(device=plain_device(15.0))), startup)
    assert answer.fits is True
    assert (answer.kv_cache_gib.expected, answer.kv_cache_tokens.low, answer.max_concurrency.high) == (21.55, 403504.0, 49.26)
    short = read_log(LOG.replace("49.26x", "0.82x"))
    assert measured(fit(ask()), short).fits is False


def test_of_several_ranks_the_smallest_cache_counts() -> None:
    assert read_log(LOG + "Available KV cache memory: 20.10 GiB").kv_cache_gib == 20.10


@pytest.mark.parametrize("text", ["", "hello", "Model loading took 3 GiB"])
def test_a_text_without_a_start_up_is_refused(text: str) -> None:
    with pytest.raises(NotAStartup, match="KV cache"):
        read_log(text)


def test_the_digest_is_of_exactly_this_combination() -> None:
    same: dict[str, Any] = {"model": "hf://a/b", "revision": "c0ffee", "image": "i@sha256:0", "arguments": {"x": 1, "y": None}, "gpu": "L4"}
    digest = combination_digest(**same)
    assert digest == combination_digest(**{**same, "arguments": {"x": 1}})
    for change in ({"model": "hf://a/c"}, {"revision": None}, {"image": "i@sha256:1"}, {"arguments": {"x": 2}}, {"gpu": "L40S"}):
        assert combination_digest(**{**same, **change}) != digest
