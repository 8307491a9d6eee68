"""The model of last resort: it does not overstate what was published, and more of anything good never serves less."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuplane.catalog import default_catalog
from gpuplane.catalog.gpu_speed import load_gpu_speeds
from gpuplane.catalog.throughput import ThroughputProfile, load_throughput
from gpuplane.planning.fleet.roofline import ModelShape, model_shape, modelled_profile

CATALOG = default_catalog()
SPEEDS = load_gpu_speeds()
TOKEN = ("time_per_output_token_ms", "p95")
LLMS = [profile for profile in load_throughput() if profile.input_tokens is not None]
FEW = settings(max_examples=100, deadline=None, derandomize=True)


def shape(model: str) -> ModelShape | None:
    return model_shape(CATALOG.models.values(), model)


QWEN = shape("hf://Qwen/Qwen2.5-7B-Instruct")
assert QWEN is not None


@pytest.mark.parametrize(("model", "known"), [
    ("hf://Qwen/Qwen2.5-7B-Instruct", True), ("hf://meta-llama/Llama-3.1-8B-Instruct", True), ("hf://Qwen/Qwen2.5-7B-Instruct-AWQ", False),
    ("hf://deepseek-ai/DeepSeek-V3", False), ("hf://nobody/unheard-of", False), ("oci://registry.example.com/models/qwen", False),
])
def test_only_dense_models_of_16_bits_have_a_shape(model: str, known: bool) -> None:
    assert (shape(model) is not None) is known


def test_a_token_of_qwens_cache_is_as_large_as_vllm_says() -> None:
    assert QWEN is not None
    assert QWEN.kv_bytes_per_token == 57_344  # seen in start-up logs


def modelled(gpu: str, input_tokens: int = 256, output_tokens: int = 128, mig: str | None = None, devices: int = 1) -> ThroughputProfile | None:
    card = CATALOG.gpu(gpu)
    assert card is not None
    assert QWEN is not None
    return modelled_profile(QWEN, SPEEDS[gpu], card, card.mig_profiles[mig] if mig else None, devices, input_tokens, output_tokens, "vllm")


def most(profile: ThroughputProfile | None, token_ms: Decimal | None = None) -> Decimal:
    best = profile.best_point({TOKEN: token_ms} if token_ms is not None else {}) if profile is not None else None
    return best.requests_per_second if best is not None else Decimal(0)


def test_every_speed_is_of_a_gpu_of_the_catalogue() -> None:
    assert set(SPEEDS) <= set(CATALOG.gpus)
    assert all(speed.memory_gb_per_second > 100 and speed.dense_16bit_tflops > 10 and speed.source for speed in SPEEDS.values())


@pytest.mark.parametrize("published", LLMS, ids=lambda profile: f"{profile.name}-{profile.input_tokens}")
def test_the_model_does_not_overstate_what_was_published(published: ThroughputProfile) -> None:
    """With as many requests at work as were (Little's law; powers of two, as the model's points) it serves 0.6 to 1.0 of what was
    published: prompts were shorter than their bucket, which the model does not know. Nor is it faster at the same speed of tokens."""
    assert published.input_tokens is not None
    assert published.output_tokens is not None
    model = modelled(published.gpu, published.input_tokens, published.output_tokens)
    assert model is not None
    for point in published.points:
        assert most(model, point.latencies_ms[TOKEN]) <= point.requests_per_second
        at_work = round(math.log2(point.requests_per_second * point.latencies_ms[("latency_ms", "p50")] / 1000))
        if at_work < len(model.points) - 1:  # the last is not a power of two, and more did not fit the model's memory
            assert 0.6 <= model.points[at_work].requests_per_second / point.requests_per_second <= 1


@pytest.mark.parametrize(("gpu", "mig", "devices", "served"), [
    ("T4-16GB", None, 1, False), ("T4-16GB", None, 2, True), ("A100-SXM-80GB", "1g.10gb", 1, False), ("A100-SXM-80GB", "3g.40gb", 1, True),
    ("A100-SXM-80GB", "3g.40gb", 2, False), ("L4-24GB", None, 1, True),
])
def test_only_what_fits_is_modelled(gpu: str, mig: str | None, devices: int, served: bool) -> None:
    assert (modelled(gpu, mig=mig, devices=devices) is not None) is served


@FEW
@given(st.sampled_from(["L4-24GB", "A100-SXM-80GB", "H100-SXM-80GB"]), st.integers(16, 4000), st.integers(2, 1000), st.integers(0, 500))
def test_longer_requests_are_never_served_faster(gpu: str, input_tokens: int, output_tokens: int, more: int) -> None:
    short, long = modelled(gpu, input_tokens, output_tokens), modelled(gpu, input_tokens + more, output_tokens)
    assert most(long) <= most(short)


@FEW
@given(st.integers(16, 2000), st.integers(2, 500), st.integers(20, 300).map(Decimal))
def test_a_faster_gpu_of_the_same_memory_never_serves_less(input_tokens: int, output_tokens: int, token_ms: Decimal) -> None:
    card = CATALOG.gpu("A100-SXM-80GB")
    assert card is not None
    assert QWEN is not None
    fast = replace(SPEEDS["A100-SXM-80GB"], memory_gb_per_second=3000.0, dense_16bit_tflops=400.0)
    slow, faster = (modelled_profile(QWEN, speed, card, None, 1, input_tokens, output_tokens, "vllm")
                    for speed in (SPEEDS["A100-SXM-80GB"], fast))
    assert most(slow, token_ms) <= most(faster, token_ms)


def test_latencies_rise_with_the_load() -> None:
    profile = modelled("H100-SXM-80GB")
    assert profile is not None
    for target in (TOKEN, ("ttft_ms", "p99"), ("latency_ms", "mean")):
        values = [point.latencies_ms[target] for point in profile.points]
        assert values == sorted(values)
