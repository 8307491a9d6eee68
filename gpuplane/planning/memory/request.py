"""What memory is asked for: a model, a device and engine arguments, as vLLM names them. None means the engine's default."""

from __future__ import annotations

from dataclasses import dataclass

from gpuplane.catalog.models import ModelArchitecture
from gpuplane.planning.memory.interval import Interval

GIB = 1024**3


_FLOAT32 = ("float32", "float", "fp32", "torch.float32")
BFLOAT16 = ("bfloat16", "bf16", "torch.bfloat16")
DTYPES = ("auto", "half", "float16", "fp16", "torch.float16", *BFLOAT16, *_FLOAT32)
"""Spellings of types that activations and plain weights can have (vLLM ``--dtype``, and how logs write them)."""


@dataclass(frozen=True)
class Device:
    """The memory that one rank has.

    Attributes:
        name: as people know it; for the report.
        memory_gib: what the card, or the MIG device, reports.
        large_defaults: the engine takes its larger batch defaults (70 GiB and more, and not an A100; vLLM ``arg_utils.py``);
            None where the card's size alone is known, so that it may be an A100 or not.
        mig: a MIG device: no peer-to-peer, so no tensor parallelism.
        capability: CUDA compute capability; None where the card is not known.
        shared_by: pods that take turns on the GPU (time-slicing), 1 where it is not shared.
        source: where the memory figure comes from.
    """

    name: str
    memory_gib: Interval
    large_defaults: bool | None
    mig: bool = False
    shared_by: int = 1
    capability: tuple[int, int] | None = None
    source: str = ""


@dataclass(frozen=True)
class Lora:
    """Low-rank adapters that are resident: ``max_loras`` of rank ``max_lora_rank``."""

    max_loras: int
    max_lora_rank: int


@dataclass(frozen=True)
class FitRequest:
    """One start-up of vLLM.

    Attributes:
        expert_copies: copies of data parallelism that the experts are divided over, beyond the tensor ranks.
        ranks_per_pod: ranks that share one host; None: all of the replica.
        context_binds: the model's own longest context holds for exactly this repository, not only for one it was made from.
        repository: the model repository that is asked for; copies say in its name how they are quantised.
        engine_version: None: not known, so that the interval spans all that the catalogue knows.
        weights_gib: weights of the whole model, where they were measured; overrides the count.
        draft: draft model of speculative decoding, on the same GPUs.
    """

    model: ModelArchitecture
    device: Device
    repository: str = ""
    context_binds: bool = True
    tensor_parallel_size: int = 1
    pipeline_parallel_size: int = 1
    expert_copies: int = 1
    ranks_per_pod: int | None = None
    max_model_len: int | None = None
    gpu_memory_utilization: float | None = None
    dtype: str | None = None
    quantization: str | None = None
    kv_cache_dtype: str | None = None
    block_size: int | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    engine_version: str | None = None
    enforce_eager: bool = False
    weights_gib: float | None = None
    lora: Lora | None = None
    draft: ModelArchitecture | None = None
    speculative_tokens: int = 0

    @property
    def undivided(self) -> float:
        """Weights of the whole model, in those of all ranks of one copy: more than 1 where copies divide the experts among them."""
        if self.expert_copies == 1 or not self.model.parameters:
            return 1.0
        experts = self.model.expert_parameters / self.model.parameters
        return 1 / (1 - experts + experts / self.expert_copies)

    @property
    def length(self) -> int | None:
        """The longest context it is asked to serve, in tokens; None where neither request nor model says it."""
        return self.max_model_len or self.model.max_model_len

    @property
    def scalar_bytes(self) -> int:
        """Bytes of an activation and of a weight that is not quantised: 4 where float32 is asked for, else 2.

        ``auto`` follows the checkpoint, and vLLM serves float32 checkpoints in 16 bits unless told otherwise.
        """
        return 4 if self.dtype in _FLOAT32 else 2
