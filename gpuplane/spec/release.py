"""What promotion moves: the model, and the engine that serves it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.model import DnsLabel, ImageDigest, OneOf, SpecModel
from gpuplane.spec.runtime import ArgumentName, Version


class ModelReference(SpecModel):
    """Which weights, exactly."""

    uri: Annotated[str, Field(pattern=r"^(hf|s3|gs|oci|pvc)://[A-Za-z0-9][-A-Za-z0-9._/]*(@sha256:[0-9a-f]{64})?$", max_length=400)]
    """Where the weights are: ``hf://ORG/MODEL``, ``s3://BUCKET/PREFIX``, ``gs://…``, ``pvc://CLAIM/FOLDER`` or
    ``oci://REPOSITORY@sha256:…``."""
    revision: Annotated[str | None, Field(pattern=r"^[0-9a-f]{12,64}$")] = None
    """Commit of the model repository, or digest that names the folder in the bucket or volume; an ``oci://`` digest needs none."""
    architecture: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9][-A-Za-z0-9._]*$", max_length=100)] = None
    """Row of the model catalogue; left out, the URI tells."""
    format: Annotated[str | None, Field(pattern=r"^[A-Za-z][-A-Za-z0-9_]*$")] = None
    """KServe model format, e.g. ``onnx``; left out, the runtime's first."""
    license: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9][-A-Za-z0-9._+ ]*$", max_length=100)] = None
    """Licence of the weights, as their model card spells it, e.g. ``apache-2.0``; left out, what the catalogue knows of the repository."""

    @model_validator(mode="after")
    def _a_volume_is_pinned_by_a_folder(self) -> Self:
        if self.uri.startswith("pvc://") and self.revision is None:
            raise PydanticCustomError("volume", "a volume claim has no digest of its own: its folder bears the revision's name",
                                      {"field": ("revision",)})
        return self

    @property
    def storage_uri(self) -> str:
        """The KServe storage URI with the revision in it (``hf://ORG/MODEL:REVISION``, ``s3://BUCKET/PREFIX/REVISION``).

        Of a bucket or a volume (``pvc://CLAIM/FOLDER/REVISION``) the folder's name says the revision: what lies in it is whatever was put
        there, mounted or downloaded read-only; who may write there is who may change the model.

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
    """True writes requests to the log; refused where the data is personal."""
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
    version: Annotated[str, Field(max_length=64, pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    """vLLM version in the image; memory and argument rules depend on it."""
    cuda: Annotated[str | None, Field(pattern=r"^[0-9]{2}\.[0-9]{1,2}$")] = None
    """CUDA release in the image, in quotes, where it is not that of vLLM's default image, e.g. "12.9"; drivers are judged by it."""
    arguments: VllmArguments = VllmArguments()


class DynamicBatching(SpecModel):
    """Triton waits for more requests and runs them as one batch."""

    preferred_batch_sizes: Annotated[tuple[Annotated[int, Field(ge=1, le=65_536)], ...], Field(max_length=32)] = ()
    """Sizes that it sends off at once; left out, whatever has come together when the delay is over."""
    max_queue_delay_microseconds: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    """How long a request may wait for others."""


class TritonModel(SpecModel):
    """One model of the repository: what its ``config.pbtxt`` says. Triton reads inputs and outputs from the model itself."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][-A-Za-z0-9._]*$", max_length=60)]
    """Its folder in the model repository."""
    backend: Literal["onnxruntime", "tensorrt", "openvino", "python"]
    """What runs it. Only backends that complete a configuration by themselves; others need their own ``config.pbtxt`` in the
    repository."""
    max_batch_size: Annotated[int, Field(ge=1, le=65_536)]
    """Largest batch."""
    dynamic_batching: DynamicBatching | None = None
    instance_count: Annotated[int, Field(ge=1, le=64)] = 1
    """Copies of the model on the GPU, which work side by side."""

    @model_validator(mode="after")
    def _a_batch_is_no_larger_than_the_largest(self) -> Self:
        sizes = self.dynamic_batching.preferred_batch_sizes if self.dynamic_batching is not None else ()
        if any(size > self.max_batch_size for size in sizes):
            raise PydanticCustomError("bounds", "{size} is more than max_batch_size {most}", {
                "size": max(sizes), "most": self.max_batch_size, "field": ("dynamic_batching", "preferred_batch_sizes")})
        return self


class Triton(SpecModel):
    """Served by NVIDIA Triton Inference Server."""

    image: ImageDigest
    """The image, by digest."""
    version: Annotated[str, Field(pattern=r"^[0-9]{2}\.[0-9]{2}$")]
    """Triton container release, e.g. ``26.09``."""
    models: Annotated[tuple[TritonModel, ...], Field(max_length=50)] = ()
    """Settings of models in the repository; those that are not listed are served as their own ``config.pbtxt`` says."""

    @model_validator(mode="after")
    def _a_model_is_set_once(self) -> Self:
        names = [model.name for model in self.models]
        twice = [index for index, name in enumerate(names) if name in names[:index]]
        if twice:
            raise PydanticCustomError("twice", "the model {name} is there twice", {
                "name": names[twice[0]], "field": ("models", twice[0], "name")})
        return self


class RuntimeServer(SpecModel):
    """Served by a runtime of the catalogue, or of your own (``runtimes/<name>.yaml``): its row says what may be set."""

    name: DnsLabel
    """The runtime, e.g. ``tensorrt-llm``, ``huggingface``, ``onnxruntime``, ``ray-serve``, ``custom``."""
    image: ImageDigest
    """The image, by digest."""
    version: Version
    """Version of the server in the image."""
    devices: Annotated[int, Field(ge=1, le=64)] = 1
    """GPUs (or MIG devices, or TPU chips) of one replica."""
    arguments: dict[ArgumentName, bool | int | float | str] = Field(default_factory=dict)
    """The server's arguments, by the names in docs/reference/runtimes.md; left out means the server's default."""


class Release(OneOf):
    """What promotion moves from one environment to the next, and nothing else."""

    ONE_OF = ("vllm", "triton", "runtime")

    model: ModelReference
    vllm: Vllm | None = None
    triton: Triton | None = None
    runtime: RuntimeServer | None = None

    @property
    def server(self) -> Vllm | Triton | RuntimeServer:
        """What serves it, as written."""
        found = self.vllm or self.triton or self.runtime
        assert found is not None  # ONE_OF
        return found

    @property
    def engine(self) -> tuple[str, str]:
        """Name of the runtime that serves it, and its version: ``("vllm", "0.31.0")``."""
        server = self.server
        if isinstance(server, RuntimeServer):
            return server.name, server.version
        return ("vllm" if isinstance(server, Vllm) else "triton"), server.version

    @property
    def devices_per_replica(self) -> int:
        """Devices of one replica: for vLLM tensor_parallel_size × pipeline_parallel_size, 1 for Triton, else what is written."""
        if self.vllm is not None:
            return self.vllm.arguments.tensor_parallel_size * self.vllm.arguments.pipeline_parallel_size
        return self.runtime.devices if self.runtime is not None else 1
