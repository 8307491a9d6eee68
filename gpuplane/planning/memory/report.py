"""A fit as plain figures and proofs: what ``gpuplane fit`` prints and every plan carries."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gpuplane.planning.memory.fit import Fit
from gpuplane.planning.memory.host import HostNeeds
from gpuplane.planning.memory.interval import ZERO, Interval
from gpuplane.planning.proof import Proof


@dataclass(frozen=True)
class Range:
    """Three figures of one unit; None: without bound, as the concurrency of a model that keeps no cache."""

    low: float | None
    expected: float | None
    high: float | None


@dataclass(frozen=True)
class MemoryFit:
    """How a replica fits one GPU (or MIG device).

    Attributes:
        fits: true: the pessimistic end fits; false: not even the optimistic one; null: not knowable.
        reasons: why it is not true, sentences.
        device: name of the GPU, with its MIG profile.
        model: name of the architecture.
        gpus: devices of a replica.
        usable_gib, weights_gib, overhead_gib, kv_cache_gib: of one device, in GiB.
        kv_cache_tokens: as vLLM logs it.
        max_concurrency: requests of max_model_len at once.
        max_model_len: longest context it is to serve, in tokens; null: not known.
        longest_model_len: longest context that surely fits, in tokens; null: encoders keep none.
        measured: the figures are of a start-up that was measured.
    """

    fits: bool | None
    reasons: tuple[str, ...]
    device: str
    model: str
    gpus: int
    usable_gib: Range
    weights_gib: Range
    overhead_gib: Range
    kv_cache_gib: Range
    kv_cache_tokens: Range
    max_concurrency: Range
    max_model_len: int | None
    longest_model_len: int | None
    measured: bool


def memory_fit(answer: Fit, measured: bool = False) -> MemoryFit:
    """The answer in figures: GiB and concurrency with two decimals, tokens whole."""
    request = answer.request
    return MemoryFit(
        fits=answer.fits, reasons=answer.reasons, device=request.device.name, model=request.model.name,
        gpus=request.tensor_parallel_size * request.pipeline_parallel_size, usable_gib=_range(answer.usable_gib),
        weights_gib=_range(answer.weights_gib), overhead_gib=_range(answer.overhead_gib), kv_cache_gib=_range(answer.kv_cache_gib),
        kv_cache_tokens=_range(answer.kv_cache_tokens, 0), max_concurrency=_range(answer.max_concurrency),
        max_model_len=request.length, longest_model_len=answer.longest_model_len, measured=measured)


def proofs(answer: Fit, who: str, host: HostNeeds | None = None, measured: bool = False) -> tuple[Proof, ...]:
    """The arithmetic, so that a reader can do it again.

    Args:
        who: what the claims speak of, e.g. ``service acme/chat``.
        host: what it needs of its host, where that is wanted.
        measured: the figures come from a log.
    """
    request, model = answer.request, answer.request.model
    held = answer.held.quantization.name if answer.held.quantization is not None else f"{request.scalar_bytes * 8} bits"
    dated = f", as of {model.as_of}" if model.as_of else ""
    release = ".".join(map(str, answer.engine.since))
    facts: tuple[str, ...] = (f"{model.name}: {model.source}{dated}", request.device.source, f"vLLM from {release}: {answer.engine.source}")
    graphs = answer.parts.graphs if answer.engine.graphs_counted else ZERO
    if measured:
        facts = ("start-up log in measured_startup, of this model, image, arguments and GPU", *facts)
    found = [
        Proof(f"{who}: weights on one GPU", "parameters by type ÷ (tensor × pipeline parallelism)",
              (("parameters", f"{model.parameters:,}"), ("counted from the structure", "yes" if model.counted else "no"),
               ("embeddings and head", f"{model.embedding_parameters:,}"), ("held as", held),
               ("tensor_parallel_size", str(request.tensor_parallel_size)),
               ("pipeline_parallel_size", str(request.pipeline_parallel_size))),
              _text(answer.weights_gib), "GiB", facts[:1]),
        Proof(f"{who}: KV cache of one GPU", "gpu_memory_utilization × memory − weights − activation peak − outside PyTorch − CUDA graphs",
              (("usable", _text(answer.usable_gib)), ("memory", _text(request.device.memory_gib)), ("weights", _text(answer.weights_gib)),
               ("activation peak", _text(answer.parts.activation)), ("outside PyTorch", _text(answer.parts.non_torch)),
               ("CUDA graphs", _text(graphs)), ("max_num_batched_tokens", str(answer.step.tokens)),
               ("max_num_seqs", str(answer.step.seqs))),
              _text(answer.kv_cache_gib), "GiB", facts)]
    if model.generates and request.length is not None:
        found.append(Proof(
            f"{who}: requests of {request.length} tokens at once", "blocks of the cache ÷ blocks of a request",
            (("bytes of a block", f"{answer.layout.block_bytes:,}"), ("groups of layers", str(len(answer.layout.groups))),
             ("blocks of a request", str(answer.layout.blocks_per_request(request.length, answer.step.tokens)))),
            _text(answer.max_concurrency), "requests", facts))
    if host is not None:
        found.append(Proof(
            f"{who}: time to load", "weights ÷ bandwidth + profiling, compilation and graph capture",
            (("weights", f"{host.weights_gib:.1f} GiB"), ("usual bandwidth", "0.5 GB/s (assumed)")), _text(host.load_seconds), "seconds"))
    return tuple(found)


def _range(interval: Interval, digits: int = 2) -> Range:
    return Range(*(_number(end, digits) for end in (interval.low, interval.expected, interval.high)))


def _number(value: float, digits: int) -> float | None:
    if math.isinf(value):
        return None
    return round(value, digits) + 0.0 if digits else int(value)


def _text(interval: Interval) -> str:
    if interval.low == interval.high:
        return f"{interval.expected:.2f}"
    return f"{interval.expected:.2f} ({interval.low:.2f} to {interval.high:.2f})"
