"""What the engine takes beside weights and KV cache: the peak of one step, memory outside PyTorch, and CUDA graphs.

The start-up profiles one step at its largest: ``max_num_batched_tokens`` tokens through the layers, then the sampler over
``max_num_seqs`` rows of float32 logits. The larger of the two is the peak; buffers of mixture-of-experts kernels stay beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from gpuplane.catalog.engines import EngineMemory
from gpuplane.planning.memory.interval import ZERO, Interval
from gpuplane.planning.memory.request import GIB, FitRequest

_CHUNK_FROM_TOKENS = 32_768
"""Older releases cut prompts only where contexts are longer than this."""
_OLD_CHUNK_TOKENS = 512
"""Into pieces of this size; 2,048 in the last of them."""
_MOE_BUFFERS = 0.92
"""Part of the experts' buffers that stays at the peak; start-up logs of two models show 0.90 and 0.95."""
_GRAPH_SIZES = 51
"""Batch sizes that are captured by default: 1, 2, 4, by 8 to 256, by 16 to 512."""


@dataclass(frozen=True)
class Batch:
    """The largest step: tokens, and requests that sample."""

    tokens: int
    seqs: int
    sampled: int


@dataclass(frozen=True)
class Overhead:
    """In GiB on one GPU: the step's peak, memory outside PyTorch, CUDA graphs."""

    activation: Interval
    non_torch: Interval
    graphs: Interval


def batch(request: FitRequest, engine: EngineMemory) -> Batch:
    """The largest step, with the release's defaults where nobody says."""
    large = request.device.large_defaults
    seqs = request.max_num_seqs or (engine.large_default_seqs if large else engine.default_seqs)
    length = request.length
    tokens = request.max_num_batched_tokens
    if tokens is None and engine.chunked_prefill:
        tokens = engine.large_default_batched_tokens if large else engine.default_batched_tokens
    elif tokens is None:
        chunked = length is not None and length > _CHUNK_FROM_TOKENS
        tokens = _OLD_CHUNK_TOKENS if chunked else max(length or 4096, 2048)
    # Where old releases cut prompts, few of the profiled pieces end a prompt, so few sample.
    sampled = min(seqs, tokens) if engine.chunked_prefill or tokens > _OLD_CHUNK_TOKENS else min(seqs, tokens) // 8
    return Batch(tokens, seqs, sampled)


def overhead(request: FitRequest, engine: EngineMemory) -> Overhead:
    """What the engine takes on one GPU."""
    low, expected, high = engine.non_torch_gib if _ranks(request) == 1 else engine.non_torch_parallel_gib
    return Overhead(_activation(request, engine), Interval(low, expected, high), graphs(request))


def graphs(request: FitRequest) -> Interval:
    """CUDA graphs in GiB: they grow with layers and captured batch sizes; start-up logs of v0.19 lie between 0.7 and 1.3 of this."""
    if request.enforce_eager:
        return ZERO
    layers = request.model.layers / request.pipeline_parallel_size
    share = min(1.0, _captured(request.max_num_seqs) / _GRAPH_SIZES)
    expected = (0.15 + 0.02 * layers + (0.5 if request.model.expert_parameters else 0.0)) * (0.3 + 0.7 * share)
    return Interval(0.4 * expected, expected, 1.5 * expected)


def _captured(seqs: int | None) -> int:
    """Batch sizes captured for so many requests: up to twice as many, at most 512."""
    most = min(2 * seqs, 512) if seqs else 512
    return sum(1 for size in (1, 2, 4, *range(8, 257, 8), *range(272, 513, 16)) if size <= most)


def _activation(request: FitRequest, engine: EngineMemory) -> Interval:
    model, width, step = request.model, request.scalar_bytes, batch(request, engine)
    hidden = step.tokens * model.hidden_size * width / GIB
    logits = step.sampled * model.vocab_size * 4 / GIB if model.generates else 0.0
    sampler = hidden + (engine.sampler_copies + width / 4) * logits
    peak = max(_layers(request, step.tokens), sampler) + _MOE_BUFFERS * _experts(request, step.tokens)
    seen = Interval(peak * 0.93 - 0.05, peak, peak * 1.06 + 0.1)
    if engine.sampler_copies > 4:  # releases of which few logs were seen
        seen = Interval(peak * 0.5 - 0.05, peak, peak * 1.15 + 0.2)
    if model.multimodal:
        # The encoder's outputs are kept for one step; its own peak depends on image sizes that nobody declares here.
        seen += Interval(0.0, hidden + 0.05, 1.5 if engine.chunked_prefill else 5.5)
    if request.lora is not None:
        seen += Interval(0.0, 0.1, 0.4)
    return seen.at_least(0.0)


def _layers(request: FitRequest, tokens: int) -> float:
    """Peak of one layer in GiB: the MLP's matrices of activations, and four of the hidden size."""
    model, tp = request.model, request.tensor_parallel_size
    wide = 0 if model.expert_parameters else (3 if model.gated else 2) * model.intermediate_size / tp
    return float(tokens * (wide + 4 * model.hidden_size) * request.scalar_bytes / GIB)


def _experts(request: FitRequest, tokens: int) -> float:
    """Buffers of the routed experts in GiB: gate and up, their product, and the output, for each token and chosen expert."""
    model = request.model
    if not model.expert_parameters:
        return 0.0
    size = model.expert_intermediate_size / request.tensor_parallel_size
    return float(tokens * model.experts_per_token * (3 * size + model.hidden_size) * request.scalar_bytes / GIB)


def _ranks(request: FitRequest) -> int:
    return request.tensor_parallel_size * request.pipeline_parallel_size
