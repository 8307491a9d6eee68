"""Whether one replica fits its GPUs: vLLM's own arithmetic, with an interval for what is not known exactly.

``KV cache = gpu_memory_utilization × memory − weights − peak of a step − memory outside PyTorch [− CUDA graphs]``
(vLLM ``v1/worker/gpu_worker.py``, ``determine_available_memory``). ``fits`` is true only where the pessimistic end holds one
request of the longest context.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gpuplane.catalog.engines import EngineMemory, engine_memory, load_engines
from gpuplane.planning.memory.interval import ZERO, Interval
from gpuplane.planning.memory.kv_cache import KvCache, kv_cache
from gpuplane.planning.memory.overhead import Batch, Overhead, batch, overhead
from gpuplane.planning.memory.quantization import Quantization
from gpuplane.planning.memory.request import BFLOAT16, GIB, FitRequest
from gpuplane.planning.memory.weights import Weights, weights

_LINEAR_SINCE = (0, 17)
"""Earlier releases serve such models too, but no start-up of one was seen."""


@dataclass(frozen=True)
class Fit:
    """The answer, for one GPU of the replica.

    Attributes:
        fits: True, False, or None where it cannot be known.
        reasons: why not, or what would have to be known; sentences.
        usable_gib: what the engine may take.
        weights_gib, overhead_gib, kv_cache_gib: its parts; a negative cache means that not even the rest fits.
        kv_cache_tokens: as the start-up logs it.
        max_concurrency: requests of the longest context at once; ``inf`` for encoders, which keep no cache.
        longest_model_len: longest context that surely fits, in tokens; 0: none; None for encoders.
        needed_gib: cache of one request of the longest context; None where that is not known.
        request, engine, parts, layout, step: what it was reckoned with.
    """

    fits: bool | None
    reasons: tuple[str, ...]
    usable_gib: Interval
    weights_gib: Interval
    overhead_gib: Interval
    kv_cache_gib: Interval
    kv_cache_tokens: Interval
    max_concurrency: Interval
    longest_model_len: int | None
    needed_gib: float | None
    request: FitRequest
    engine: EngineMemory
    held: Weights
    parts: Overhead
    layout: KvCache
    step: Batch


def fit(request: FitRequest) -> Fit:
    """Whether and how well it fits.

    Where the engine's version or the card's kind is not known, the ends hold for every release and kind; the expectation is that of the
    releases in the middle, and of the smaller batch defaults.
    """
    known = engine_memory(request.engine_version) if request.engine_version else None
    kinds = (request.device.large_defaults,) if request.device.large_defaults is not None else (False, True)
    requests = [replace(request, device=replace(request.device, large_defaults=kind)) for kind in kinds]
    if known is not None:
        return _any_of([_fit(each, known) for each in requests], 0, "the GPU is not named, and defaults differ between kinds: name it")
    engines = _able(request)
    answers = [_fit(each, engine) for each in requests for engine in engines]
    said = f"engine_version {request.engine_version} is not in the catalogue" if request.engine_version else "engine_version is not known"
    return _any_of(answers, _middle(engines), f"{said}, and releases differ: give it")


def _able(request: FitRequest) -> list[EngineMemory]:
    """Releases that can serve the model: linear attention came with those that also changed what they log."""
    linear = any(group.kind == "linear" for group in request.model.attention)
    return [engine for engine in load_engines() if not linear or engine.since >= _LINEAR_SINCE]


def _middle(engines: list[EngineMemory]) -> int:
    """Neither the oldest nor the newest: what such a start-up most likely is."""
    return min(1, len(engines) - 1) if engines[0].since == load_engines()[0].since else len(engines) - 1


def _any_of(answers: list[Fit], expected: int, why: str) -> Fit:
    """One answer whose ends hold for all of them."""
    chosen = answers[expected]
    if len(answers) == 1:
        return chosen
    agreed = chosen.fits if len({answer.fits for answer in answers}) == 1 else None
    reasons = chosen.reasons if agreed is not None else (f"{why}.", *(reason for answer in answers for reason in answer.reasons))
    lengths = [answer.longest_model_len for answer in answers if answer.longest_model_len is not None]
    return replace(
        chosen, fits=agreed, reasons=tuple(dict.fromkeys(reasons))[:3], longest_model_len=min(lengths) if lengths else None,
        **{name: getattr(chosen, name).widened(*(getattr(answer, name) for answer in answers))
           for name in ("usable_gib", "overhead_gib", "kv_cache_gib", "kv_cache_tokens", "max_concurrency")})


def _fit(request: FitRequest, engine: EngineMemory) -> Fit:
    held, parts, layout, step = weights(request), overhead(request, engine), kv_cache(request, engine), batch(request, engine)
    utilization = request.gpu_memory_utilization or engine.default_utilization
    usable = request.device.memory_gib * utilization
    taken = parts.activation + parts.non_torch + (parts.graphs if engine.graphs_counted else ZERO)
    pool = usable - held.gib - taken
    length = request.length
    needed = layout.block_bytes * layout.blocks_per_request(length, step.tokens) / GIB if length is not None else None
    if not request.model.generates:
        needed = 0.0
    impossible = tuple(_impossible(request, utilization, held))
    doubts = tuple(_doubts(request, engine, parts, pool, needed, utilization))
    if impossible:
        verdict: bool | None = False
    elif pool.high < (needed or 0.0):
        verdict, impossible = False, (_too_little(pool, needed, length),)
    else:
        verdict = None if doubts else True
    return Fit(
        fits=verdict, reasons=impossible or doubts, usable_gib=usable, weights_gib=held.gib, overhead_gib=taken, kv_cache_gib=pool,
        kv_cache_tokens=_tokens(pool, layout, length, step, engine), max_concurrency=_concurrency(pool, layout, length, step),
        longest_model_len=_longest(request, layout, pool, step),
        needed_gib=needed, request=request, engine=engine, held=held, parts=parts, layout=layout, step=step)


def _longest(request: FitRequest, layout: KvCache, pool: Interval, step: Batch) -> int | None:
    if not request.model.generates:
        return None
    longest = layout.longest(pool.low * GIB, step.tokens)
    return min(longest, request.model.max_model_len) if request.context_binds and request.model.max_model_len else longest


def _impossible(request: FitRequest, utilization: float, weighed: Weights) -> Iterator[str]:
    """What no memory can heal."""
    tp, heads = request.tensor_parallel_size, request.model.attention_heads
    if heads % tp:
        yield f"tensor_parallel_size {tp} does not divide the {heads} attention heads of {request.model.name}."
    if request.device.mig and tp * request.pipeline_parallel_size > 1:
        yield f"MIG devices have no peer-to-peer, so one replica cannot span {tp * request.pipeline_parallel_size} of them."
    if request.device.shared_by > 1 and utilization * request.device.shared_by > 1:
        yield (f"{request.device.shared_by} pods take turns on this GPU and share its memory: gpu_memory_utilization {utilization:g} is "
               f"more than 1/{request.device.shared_by}.")
    yield from _unsupported(request, weighed.quantization)
    if request.pipeline_parallel_size > request.model.layers:
        yield f"pipeline_parallel_size {request.pipeline_parallel_size} is more than the {request.model.layers} layers."


def _unsupported(request: FitRequest, held: Quantization | None) -> Iterator[str]:
    """What the engine or the card refuses, whatever the memory (vLLM's own checks at start-up)."""
    tokens, seqs, capability = request.max_num_batched_tokens, request.max_num_seqs, request.device.capability
    if tokens is not None and seqs is not None and tokens < seqs:
        yield f"max_num_batched_tokens {tokens} is less than max_num_seqs {seqs}, which the engine refuses."
    if capability is None:
        return
    said = f"{request.device.name} has compute capability {capability[0]}.{capability[1]}"
    if request.dtype in BFLOAT16 and capability < (8, 0):
        yield f"bfloat16 needs compute capability 8.0; {said}."
    if (request.kv_cache_dtype or "").startswith("fp8") and capability < (8, 0):
        yield f"an fp8 KV cache needs compute capability 8.0; {said}."
    lowest = held.lowest_capability if held is not None else None
    if held is not None and lowest is not None and capability < lowest:
        yield f"{held.name} weights need compute capability {lowest[0]}.{lowest[1]}; {said}."


def _doubts(request: FitRequest, engine: EngineMemory, parts: Overhead, pool: Interval, needed: float | None,
            utilization: float) -> Iterator[str]:
    """What keeps the answer from being a plain yes."""
    if needed is None:
        yield "max_model_len is not given, and the model's own longest context is not known."
        needed = 0.0
    own = request.model.max_model_len
    if request.context_binds and own is not None and (request.length or 0) > own and request.model.generates:
        yield (f"max_model_len {request.length} is more than the {own} tokens that {request.model.name} was made for, which the engine "
               "refuses unless rope scaling is set.")
    if pool.low < needed:
        yield (f"the KV cache may be as small as {max(0.0, pool.low):.1f} GiB (expected: {max(0.0, pool.expected):.1f}); one request of "
               f"{request.length or 'any'} tokens needs {needed:.1f} GiB.")
        if request.model.multimodal and needed <= pool.high:
            yield ("What its vision encoder takes at its peak depends on the sizes of images, which nothing declares, so the interval is "
                   "wide; measured_startup settles it.")
    if not engine.graphs_counted:
        beside = request.device.memory_gib.low * (1 - utilization)
        if parts.graphs.high > beside:
            yield (f"CUDA graphs may take {parts.graphs.high:.1f} GiB beside what gpu_memory_utilization {utilization:g} covers, where "
                   f"{beside:.1f} GiB are left; lower it, or set enforce_eager.")


def _too_little(pool: Interval, needed: float | None, length: int | None) -> str:
    if pool.high <= 0:
        return f"weights and overhead take more than the engine may use: {-pool.high:.1f} GiB are missing at best."
    return f"the KV cache is {pool.high:.1f} GiB at most; one request of {length} tokens needs {needed:.1f} GiB."


def _tokens(pool: Interval, layout: KvCache, length: int | None, step: Batch, engine: EngineMemory) -> Interval:
    return Interval(*(layout.tokens(end * GIB, length, step.tokens, engine.reports_concurrency_tokens)
                      for end in (pool.low, pool.expected, pool.high)))


def _concurrency(pool: Interval, layout: KvCache, length: int | None, step: Batch) -> Interval:
    if length is None:
        return Interval(0.0, 0.0, float("inf"))
    return Interval(*(layout.concurrency(end * GIB, length, step.tokens) for end in (pool.low, pool.expected, pool.high)))
