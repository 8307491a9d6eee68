"""Throughput where nobody measured it: a roofline model. Always called modelled; it warns, and never refuses.

With ``n`` requests of ``I`` input and ``O`` output tokens worked on at once, on GPUs that read ``B`` bytes/s and multiply at ``F``
operations/s, each to a certain share of their data sheet:

- a decode step reads all weights and the KV cache of ``n`` half-done requests: ``step = (W + n·K·(I + O/2)) / (B·e_memory)``;
- a prompt costs ``prefill = 2·P·I / (F·e_compute)`` (P parameters, two operations each);
- each request needs its prompt and its share of O steps, so ``rate = n / (O·step + n·prefill)``;
- a token takes ``step + n·prefill/O``, for the others' prompts come in between;
- the first token takes the longer of its prompt and one reading of the weights, plus a step, plus the wait for prompts before it:
  an M/D/1 queue at load ``u = rate·prefill`` waits ``u·prefill / (2·(1 − u))`` on average, with an exponential tail above that.

Decode is bound by memory and prefill by compute: Williams et al., Roofline, CACM 52(4) 2009; the same split is in NVIDIA's
AIConfigurator (arXiv 2601.06288). The shares are set so that the published rows of the catalogue are not overstated (tests).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction

from gpuplane.catalog.gpu_speed import GpuSpeed
from gpuplane.catalog.gpus import Gpu, MigProfile
from gpuplane.catalog.models import ModelArchitecture, find_model
from gpuplane.catalog.throughput import OperatingPoint, Target, ThroughputProfile
from gpuplane.planning.memory.quantization import quantization

MEMORY_EFFICIENCY = 0.7
"""Share of the data sheet's bandwidth that decoding reaches: 0.68 to 0.87 on the published Qwen2.5-7B rows of L4 and A100."""
COMPUTE_EFFICIENCY = 0.5
"""Share of the data sheet's tensor speed that prefill reaches; AIConfigurator's guide shows 0.77 on an H200 with large prompts."""
PARALLEL_EFFICIENCY = 0.85
"""What is left of that where a replica has more than one GPU: they wait for each other after each layer."""
MEMORY_FOR_MODEL = 0.9
"""Share of the GPU's memory for weights and KV cache (vLLM's ``gpu_memory_utilization`` before 0.21), less 2 GiB for activations."""
_GIB = 1024 ** 3
_BYTES = 2
"""Bytes of one weight or one KV cache entry in 16-bit types."""
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True)
class ModelShape:
    """A dense language model with 16-bit weights and KV cache.

    Attributes:
        model: as services name it, without a revision.
        parameters: number of weights.
        weight_bytes: bytes of all weights.
        kv_bytes_per_token: bytes that one token holds in the KV cache: 2 × layers × kv_heads × head_dim × 2.
        source: where that comes from.
    """

    model: str
    parameters: int
    weight_bytes: int
    kv_bytes_per_token: int
    source: str


def model_shape(models: Iterable[ModelArchitecture], model: str) -> ModelShape | None:
    """The shape of a model of the catalogue; None where it is unknown, quantised, a mixture of experts, or not a plain transformer.

    Args:
        model: with its scheme, e.g. ``hf://Qwen/Qwen2.5-7B-Instruct``.
    """
    name = model.partition("://")[2]
    found = find_model(models, name) if model.startswith("hf://") else None
    if found is None or not found.generates or found.expert_parameters or found.multimodal:
        return None
    if quantization(None, found.quantization, name) is not None or any(group.kind != "full" for group in found.attention):
        return None
    token = sum(2 * group.count * group.kv_heads * group.head_dim * _BYTES for group in found.attention)
    return ModelShape(model, found.parameters, found.parameters * _BYTES, token, found.source)


def modelled_profile(shape: ModelShape, speed: GpuSpeed, gpu: Gpu, mig: MigProfile | None, devices: int, input_tokens: int,
                     output_tokens: int, engine: str) -> ThroughputProfile | None:
    """The modelled curve for requests of one size; None where the weights do not fit, or MIG devices would have to work together.

    Args:
        mig: the slice of the GPU, None for whole ones.
        devices: GPUs of one replica.
    """
    if mig is not None and devices > 1:
        return None
    share = Fraction(mig.memory_slices, gpu.memory_slices) if mig is not None else Fraction(1)
    memory_gib = float(gpu.reported_memory_gib or gpu.memory_gib) * float(share) * devices
    room = (memory_gib * MEMORY_FOR_MODEL - 2 * devices) * _GIB - shape.weight_bytes
    most = int(room // (shape.kv_bytes_per_token * (input_tokens + output_tokens)))
    if most < 1:
        return None
    together = devices * (PARALLEL_EFFICIENCY if devices > 1 else 1.0)
    bandwidth = speed.memory_gb_per_second * 1e9 * MEMORY_EFFICIENCY * float(share) * together
    compute_share = mig.compute_slices / gpu.compute_slices if mig is not None else 1.0
    flops = speed.dense_16bit_tflops * 1e12 * COMPUTE_EFFICIENCY * compute_share * together
    points = tuple(_point(shape, bandwidth, flops, batch, input_tokens, output_tokens) for batch in _batches(most))
    source = f"roofline of gpuplane; {speed.source}; {shape.source}"
    return ThroughputProfile(
        f"modelled {shape.model} on {gpu.name}", shape.model, gpu.name, mig.name if mig is not None else None, devices, engine, "any",
        input_tokens, output_tokens, points, "modelled", source, speed.as_of)


def _batches(most: int) -> Iterator[int]:
    """1, 2, 4, … and the most that fit; vLLM's default of 1024 requests at once is never exceeded."""
    most = min(most, 1024)
    yield from (2 ** power for power in range(int(math.log2(most)) + 1) if 2 ** power < most)
    yield most


def _point(shape: ModelShape, bandwidth: float, flops: float, batch: int, input_tokens: int, output_tokens: int) -> OperatingPoint:
    step = (shape.weight_bytes + batch * shape.kv_bytes_per_token * (input_tokens + output_tokens / 2)) / bandwidth
    prefill = 2 * shape.parameters * input_tokens / flops
    rate = batch / (output_tokens * step + batch * prefill)
    token = step + batch * prefill / output_tokens
    load = rate * prefill
    wait = load * prefill / (2 * (1 - load))
    first = max(prefill, shape.weight_bytes / bandwidth) + step
    latencies: dict[Target, Decimal] = {}
    for statistic, quantile in ({"mean": None} | _QUANTILES).items():
        waited = wait if quantile is None else max(0.0, wait / load * math.log(load / (1 - quantile)))
        latencies[("ttft_ms", statistic)] = _up(first + waited)
        latencies[("time_per_output_token_ms", statistic)] = _up(token)
        latencies[("latency_ms", statistic)] = _up(first + waited + token * (output_tokens - 1))
    served = Decimal(rate).quantize(Decimal("0.00001"), rounding=ROUND_FLOOR)
    return OperatingPoint(served, (served * output_tokens).quantize(Decimal("0.01"), rounding=ROUND_FLOOR), latencies)


def _up(seconds: float) -> Decimal:
    return (Decimal(seconds) * 1000).quantize(Decimal("0.1"), rounding=ROUND_CEILING)
