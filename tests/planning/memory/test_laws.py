"""Laws of memory: what can only make it better never makes it worse."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gpuplane.catalog.engines import load_engines
from gpuplane.catalog.gpus import load_gpus
from gpuplane.catalog.models import load_models
from gpuplane.planning.memory.device import device
from gpuplane.planning.memory.fit import Fit, fit
from gpuplane.planning.memory.interval import Interval
from gpuplane.planning.memory.request import FitRequest, Lora

VERSIONS = (None, *(f"{major}.{minor}.0" for major, minor in (engine.since for engine in load_engines())))


@st.composite
def requests(draw: st.DrawFn) -> FitRequest:
    model = load_models()[draw(st.sampled_from(sorted(load_models())))]
    sizes = [size for size in (1, 2, 4, 8) if model.attention_heads % size == 0]
    return FitRequest(
        model=model, device=device(load_gpus()[draw(st.sampled_from(sorted(load_gpus())))]),
        tensor_parallel_size=draw(st.sampled_from(sizes)), max_model_len=draw(st.integers(1, 200_000)),
        gpu_memory_utilization=draw(st.sampled_from([None, 0.5, 0.9, 0.95])), engine_version=draw(st.sampled_from(VERSIONS)),
        quantization=draw(st.sampled_from([None, "fp8", "awq"])), kv_cache_dtype=draw(st.sampled_from([None, "fp8"])),
        max_num_seqs=draw(st.sampled_from([None, 8, 256])), enforce_eager=draw(st.booleans()))


ORDER = {False: 0, None: 1, True: 2}


def no_worse(better: Fit, worse: Fit) -> None:
    assert ORDER[better.fits] >= ORDER[worse.fits]


@settings(max_examples=150, deadline=None)
@given(requests(), st.integers(1, 100_000))
def test_more_context_never_needs_less(request: FitRequest, more: int) -> None:
    short, long = fit(request), fit(replace(request, max_model_len=(request.max_model_len or 0) + more))
    assert (long.needed_gib or 0) >= (short.needed_gib or 0)
    if request.engine_version in (None, "0.0.0"):
        return  # the oldest releases cut prompts only in contexts of more than 32,768 tokens, so that these take a smaller step
    assert long.max_concurrency.expected <= short.max_concurrency.expected
    no_worse(short, long)


@settings(max_examples=100, deadline=None)
@given(requests(), st.floats(0.01, 0.3))
def test_more_memory_never_holds_less(request: FitRequest, more: float) -> None:
    larger = replace(request, device=replace(request.device, memory_gib=request.device.memory_gib * (1 + more)))
    small, big = fit(request), fit(larger)
    assert big.kv_cache_gib.expected > small.kv_cache_gib.expected
    assert big.kv_cache_tokens.expected >= small.kv_cache_tokens.expected
    no_worse(big, small)


@settings(max_examples=100, deadline=None)
@given(requests())
def test_intervals_are_in_order_and_a_yes_means_the_pessimistic_end(request: FitRequest) -> None:
    answer = fit(request)
    for said in (answer.weights_gib, answer.overhead_gib, answer.kv_cache_gib, answer.kv_cache_tokens, answer.max_concurrency):
        assert said.low <= said.expected <= said.high
    if answer.fits:
        assert answer.kv_cache_gib.low >= (answer.needed_gib or 0)
        assert answer.longest_model_len is None or answer.longest_model_len >= (request.max_model_len or 0)
        assert answer.reasons == ()
    else:
        assert answer.reasons


@settings(max_examples=100, deadline=None)
@given(requests())
def test_the_longest_context_fits_and_one_token_more_does_not(request: FitRequest) -> None:
    answer = fit(replace(request, engine_version="0.30.0"))
    longest = answer.longest_model_len
    own = request.model.max_model_len
    if longest and longest < 1 << 26 and longest != own:  # a model of windows alone has no longest context, others have one of their own
        pool, step = answer.kv_cache_gib.low * 1024**3, answer.step.tokens
        assert answer.layout.concurrency(pool, longest, step) >= 1 > answer.layout.concurrency(pool, longest + 1, step)


@settings(max_examples=80, deadline=None)
@given(requests(), st.integers(1, 16), st.sampled_from([8, 64]))
def test_adapters_and_drafts_only_cost(request: FitRequest, count: int, rank: int) -> None:
    plain, adapted = fit(request), fit(replace(request, lora=Lora(count, rank)))
    drafted = fit(replace(request, draft=load_models()["qwen3-0.6b"]))
    assert adapted.kv_cache_gib.expected < plain.kv_cache_gib.expected
    assert drafted.kv_cache_gib.expected < plain.kv_cache_gib.expected


@settings(max_examples=80, deadline=None)
@given(requests())
def test_an_unknown_release_is_no_more_certain_than_any_known_one(request: FitRequest) -> None:
    unknown = fit(replace(request, engine_version=None))
    known = fit(replace(request, engine_version="0.30.0"))
    assert unknown.kv_cache_gib.low <= known.kv_cache_gib.low
    assert known.kv_cache_gib.high <= unknown.kv_cache_gib.high
    assert unknown.fits in (known.fits, None)


def test_differences_of_intervals_never_cancel() -> None:
    some = Interval(1.0, 2.0, 4.0)
    assert some - some == Interval(-3.0, 0.0, 3.0)
    assert some * -1 == Interval(-4.0, -2.0, -1.0)
