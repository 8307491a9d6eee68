"""Weights on one GPU, in GiB: every parameter by its type, split as tensor and pipeline parallelism split it."""

from __future__ import annotations

from dataclasses import dataclass

from gpuplane.catalog.models import ModelArchitecture
from gpuplane.planning.memory.interval import Interval
from gpuplane.planning.memory.quantization import Quantization, quantization
from gpuplane.planning.memory.request import GIB, FitRequest, Lora

_LOADER_GIB = Interval(0.0, 0.03, 0.12)
"""What loading leaves beside the weights (buffers of rotary embeddings and attention); start-up logs show 0.01 to 0.08."""
_ENCODER_GIB = Interval(-0.1, 0.2, 0.65)
"""The same for models with a vision tower, whose buffers are larger: start-up logs show 0.0 to 0.6."""


@dataclass(frozen=True)
class Weights:
    """Weights of one rank in GiB, and how they are held."""

    gib: Interval
    quantization: Quantization | None


def weights(request: FitRequest) -> Weights:
    """Weights on the fullest GPU of the replica, in GiB, resident adapters and draft model included."""
    model, tp = request.model, request.tensor_parallel_size
    held = quantization(request.quantization, model.quantization, request.repository)
    if request.weights_gib is not None:
        whole = Interval.around(request.weights_gib, 0.02 * request.weights_gib, 0.02 * request.weights_gib)
    else:
        whole = whole_weights(model, request.scalar_bytes, held)
    each = _of_fullest_rank(whole, model, request)
    each += _ENCODER_GIB if model.multimodal else _LOADER_GIB
    if request.lora is not None:
        each += Interval.exactly(lora_gib(model, request.lora, request.scalar_bytes) / tp)
    if request.draft is not None:
        draft = whole_weights(request.draft, 2, quantization(None, request.draft.quantization, request.draft.name))
        each += draft * (1 / tp)
    return Weights(each.at_least(0.0), held)


def whole_weights(model: ModelArchitecture, dtype_bytes: int, held: Quantization | None) -> Interval:
    """Weights of the whole model in GiB.

    Args:
        model: its architecture.
        dtype_bytes: bytes of a weight that is not quantised.
        held: how the others are; embeddings, head, norms, routers and vision tower stay as they are.
    """
    total = model.parameters
    exact = Interval(0.995, 1.0, 1.005) if not model.counted else Interval(0.985, 1.0, 1.04)
    if held is None:
        return exact * (total * dtype_bytes / GIB)
    norms = 2 * model.layers * model.hidden_size
    plain = model.embedding_parameters + model.vision_parameters + norms
    quantised = model.expert_parameters if held.experts_only and model.expert_parameters else max(0, total - plain)
    rest = (total - quantised) * dtype_bytes / GIB
    size = held.bytes_per_weight * (quantised / GIB)
    sizes = Interval(size.low * 0.995, size.expected, size.high * 1.01) + Interval.exactly(rest)
    # Some quantised checkpoints quantise the embeddings and the tower too (medgemma FP8, GGUF).
    return Interval(min(sizes.low, sizes.expected - 0.5 * model.vision_parameters / GIB), sizes.expected, sizes.high)


def _of_fullest_rank(whole: Interval, model: ModelArchitecture, request: FitRequest) -> Interval:
    """Share of the fullest GPU: layers by pipeline stage (the last also has the head), matrices by tensor rank."""
    tp, pp = request.tensor_parallel_size, request.pipeline_parallel_size
    if request.expert_copies > 1:
        whole = whole * (1 / request.undivided)
    replicated = _replicated_heads(model, tp) * request.scalar_bytes / GIB
    if pp == 1:
        return (whole * (1 / tp)) + Interval(0.0, replicated, replicated)
    ends = model.embedding_parameters * request.scalar_bytes / GIB
    layers = whole - Interval.exactly(ends)
    stage = layers * (-(-model.layers // pp) / model.layers) + Interval.exactly(ends / 2 if ends else 0.0)
    return stage * (1 / tp)


def _replicated_heads(model: ModelArchitecture, tp: int) -> float:
    """Key and value projections that every rank holds again where there are more ranks than KV heads, in parameters a rank."""
    total = 0.0
    for group in model.attention:
        if group.kind in ("full", "sliding", "chunked") and tp > group.kv_heads:
            own, share = 2 * model.hidden_size * group.head_dim, 2 * model.hidden_size * group.head_dim * group.kv_heads / tp
            total += group.count * (own - share)
    return total


def lora_gib(model: ModelArchitecture, lora: Lora, dtype_bytes: int) -> float:
    """Adapters of all linear layers: for each a pair of matrices of the rank (Hu et al., arXiv 2106.09685, §4)."""
    attention = sum(group.count * (2 * model.hidden_size + 2 * model.attention_heads * group.head_dim + 2 * group.kv_heads * group.head_dim
                                   + 2 * model.hidden_size) for group in model.attention if group.kind != "linear")
    mlp = model.layers * (3 if model.gated else 2) * (model.hidden_size + model.intermediate_size)
    return lora.max_loras * lora.max_lora_rank * (attention + mlp) * dtype_bytes / GIB
