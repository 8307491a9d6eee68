"""What promotion moves: the model, and the engine that serves it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gpuplane.spec.model import ImageDigest, SpecModel


class ModelReference(SpecModel):
    """Which weights, exactly."""

    uri: Annotated[str, Field(pattern=r"^(hf|s3|gs|oci)://[A-Za-z0-9][-A-Za-z0-9._/]*(@sha256:[0-9a-f]{64})?$", max_length=400)]
    """Where the weights are: ``hf://ORG/MODEL``, ``s3://BUCKET/PREFIX``, ``gs://…``, or ``oci://REPOSITORY@sha256:…``."""
    revision: Annotated[str | None, Field(pattern=r"^[0-9a-f]{12,64}$")] = None
    """Commit of the model repository, or digest that names the folder in the bucket; an ``oci://`` digest needs none."""
    architecture: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9][-A-Za-z0-9._]*$", max_length=100)] = None
    """Row of the model catalogue; left out, the URI tells."""
    format: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]*$")] = "vLLM"
    """KServe model format, e.g. ``vLLM``, ``onnx``, ``triton``."""

    @property
    def storage_uri(self) -> str:
        """The KServe storage URI with the revision in it (``hf://ORG/MODEL:REVISION``, ``s3://BUCKET/PREFIX/REVISION``).

        An image of weights is mounted as a volume (``oci+native://``): KServe's other way, sidecars that share the
        process namespace, has no security context, so the restricted Pod Security Standard refuses it.
        """
        if self.uri.startswith("oci://"):
            return "oci+native://" + self.uri.removeprefix("oci://")
        if self.revision is None:
            return self.uri
        return f"{self.uri}{':' if self.uri.startswith('hf://') else '/'}{self.revision}"

    @property
    def model(self) -> str:
        """The model without its revision: what throughput profiles are filed under."""
        return self.uri.partition("@")[0]


class SpeculativeConfig(SpecModel):
    """Speculative decoding: cheap guesses of the next tokens, checked by the model."""

    model: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9][-A-Za-z0-9._/]*$", max_length=200)] = None
    """Draft model; left out where the method needs none, as with n-grams."""
    method: Literal["draft_model", "ngram", "eagle", "eagle3", "medusa", "mtp"] | None = None
    """How it guesses."""
    num_speculative_tokens: Annotated[int, Field(ge=1, le=32)]
    """Tokens that it guesses at once."""


class VllmArguments(SpecModel):
    """vLLM engine arguments, by vLLM's own names (``vllm serve --help``); left out means vLLM's default."""

    tensor_parallel_size: Annotated[int, Field(ge=1, le=64)] = 1
    """GPUs that share each layer."""
    pipeline_parallel_size: Annotated[int, Field(ge=1, le=64)] = 1
    """Groups of GPUs that share the layers."""
    max_model_len: Annotated[int | None, Field(ge=1, le=16_777_216)] = None
    """Longest prompt plus answer, in tokens."""
    gpu_memory_utilization: Annotated[float | None, Field(gt=0, le=1)] = None
    """Share of GPU memory that vLLM may take, 0 to 1."""
    dtype: Literal["auto", "float16", "bfloat16", "float32"] | None = None
    """Type of weights and activations; ``auto`` follows the model."""
    quantization: Literal["awq", "gptq", "fp8", "compressed-tensors", "modelopt", "bitsandbytes"] | None = None
    """How the weights are quantised; left out, as the model says."""
    kv_cache_dtype: Literal["auto", "fp8", "fp8_e4m3", "fp8_e5m2"] | None = None
    """Type of the KV cache; ``fp8`` halves its bytes per token."""
    max_num_seqs: Annotated[int | None, Field(ge=1, le=65_536)] = None
    """Most requests that are worked on at once."""
    max_num_batched_tokens: Annotated[int | None, Field(ge=1, le=16_777_216)] = None
    """Most tokens in one step."""
    block_size: Literal[1, 8, 16, 32, 64, 128] | None = None
    """Tokens of a block of the KV cache."""
    enforce_eager: bool = False
    """True switches CUDA graphs off: less memory, slower."""
    enable_prefix_caching: bool | None = None
    """Keep the KV cache of common beginnings of prompts."""
    enable_log_requests: bool = False
    """True writes requests to the log; refused where the data is ``pii``."""
    enable_lora: bool = False
    """True: low-rank adapters can be loaded; they take GPU memory."""
    max_loras: Annotated[int | None, Field(ge=1, le=1024)] = None
    """Adapters that are resident at once."""
    max_lora_rank: Literal[8, 16, 32, 64, 128, 256, 320, 512] | None = None
    """Largest rank of an adapter."""
    speculative_config: SpeculativeConfig | None = None
    runner: Literal["generate", "pooling"] | None = None
    """``pooling`` for embedding models."""


class Vllm(SpecModel):
    """Served by vLLM."""

    image: ImageDigest
    """The image, by digest."""
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    """vLLM version in the image; memory and argument rules depend on it."""
    cuda: Annotated[str | None, Field(pattern=r"^[0-9]{2}\.[0-9]{1,2}$")] = None
    """CUDA release in the image, in quotes, where it is not that of vLLM's default image, e.g. "12.9"; drivers are judged by it."""
    arguments: VllmArguments = VllmArguments()


class Triton(SpecModel):
    """Served by NVIDIA Triton Inference Server."""

    image: ImageDigest
    """The image, by digest."""
    version: Annotated[str, Field(pattern=r"^[0-9]{2}\.[0-9]{2}$")]
    """Triton container release, e.g. ``26.09``."""


class Release(SpecModel):
    """What promotion moves from one environment to the next, and nothing else."""

    ONE_OF = ("vllm", "triton")

    model: ModelReference
    vllm: Vllm | None = None
    triton: Triton | None = None

    @property
    def engine(self) -> tuple[str, str]:
        """What serves it, and its version: ``("vllm", "0.31.0")``."""
        if self.vllm is not None:
            return "vllm", self.vllm.version
        assert self.triton is not None  # ONE_OF
        return "triton", self.triton.version

    @property
    def devices_per_replica(self) -> int:
        """GPUs or MIG devices of one replica: tensor_parallel_size × pipeline_parallel_size, 1 for Triton."""
        if self.vllm is None:
            return 1
        return self.vllm.arguments.tensor_parallel_size * self.vllm.arguments.pipeline_parallel_size
