"""``kind: InferenceService``: one model served for one tenant."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.model import Count, DnsLabel, Document, ImageDigest, MigProfile, SpecModel
from gpuplane.spec.objectives import Objectives


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


class MeasuredStartup(SpecModel):
    """The log of a start-up that was really seen; it overrides the prediction for exactly that combination."""

    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    """Of model, image, arguments and GPU, as ``gpuplane preview`` says it."""
    log: Annotated[str, Field(min_length=20, max_length=20_000)]
    """vLLM's lines on weights and KV cache."""


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


class Placement(SpecModel):
    """Which GPUs serve it."""

    pool: DnsLabel
    """A node pool of the environment."""
    profile: MigProfile | None = None
    """MIG profile, where the pool is cut by MIG."""
    may_borrow: bool = False
    """True: replicas over the nominal quota run on borrowed GPUs and lose them when the owner wants them back."""

    @property
    def quota_key(self) -> str:
        """The key of the tenant's quota this counts against."""
        return self.pool if self.profile is None else f"{self.pool}/{self.profile}"


class ReplicaResources(SpecModel):
    """Host resources of one replica."""

    cpu: Annotated[int, Field(ge=1, le=512)]
    """CPU cores requested."""
    memory_gib: Annotated[int, Field(ge=1, le=16384)]
    """Memory requested and at most used, in GiB."""
    shared_memory_gib: Annotated[int, Field(ge=1, le=1024)] = 2
    """``/dev/shm`` in GiB, part of memory_gib; tensor parallelism needs it."""


class Scaling(SpecModel):
    """How many replicas."""

    min_replicas: Annotated[int, Field(ge=1, le=1000)] = 1
    """Replicas that always run: the committed cost. KServe's Standard mode never runs fewer than one."""
    max_replicas: Annotated[int, Field(ge=1, le=1000)]
    """Replicas at peak; times devices each, they must fit the quota."""
    expected_replicas: Count | None = None
    """Replicas on average over a month, for the expected cost, e.g. ``2.5``; left out, the pool's expected_scale_percent says it."""
    cpu_utilization_percent: Annotated[int, Field(ge=1, le=100)] = 80
    """Target of the HorizontalPodAutoscaler."""

    @model_validator(mode="after")
    def _bounds(self) -> Scaling:
        if self.min_replicas > self.max_replicas:
            raise PydanticCustomError("bounds", "min_replicas {low} is more than max_replicas {high}",
                                      {"low": self.min_replicas, "high": self.max_replicas, "field": ("min_replicas",)})
        expected = self.expected_replicas
        if expected is not None and not self.min_replicas <= expected <= self.max_replicas:
            raise PydanticCustomError("bounds", "expected_replicas {value} is not between min_replicas {low} and max_replicas {high}",
                                      {"value": str(expected), "low": self.min_replicas, "high": self.max_replicas,
                                       "field": ("expected_replicas",)})
        return self


class Rollout(SpecModel):
    """How a new release replaces the old one (Kubernetes rolling update)."""

    max_surge: Annotated[int, Field(ge=0, le=100)] = 0
    """Replicas above max_replicas while rolling out; each needs GPUs of its own."""
    max_unavailable: Annotated[int, Field(ge=0, le=100)] = 1
    """Replicas that may be missing while rolling out."""

    @model_validator(mode="after")
    def _moves(self) -> Rollout:
        if self.max_surge == 0 and self.max_unavailable == 0:
            raise PydanticCustomError("bounds", "max_surge and max_unavailable are both 0: no update could proceed",
                                      {"field": ("max_surge",)})
        return self


class PayloadLogging(SpecModel):
    """KServe payload logger: requests and responses are sent to a sink. Refused where the data is ``pii``."""

    mode: Literal["all", "request", "response"]
    """Which payloads are sent."""
    url: Annotated[str, Field(pattern=r"^https?://[^\s@]+$", max_length=400)]
    """Sink inside the cluster; no user or password in it."""


class InferenceServiceSpec(SpecModel):
    """One served model: ``release`` is what promotion moves, the rest belongs to the environment."""

    release: Release
    placement: Placement
    resources: ReplicaResources
    scaling: Scaling
    objectives: Objectives | None = None
    rollout: Rollout = Rollout()
    priority: Literal["critical", "standard", "batch"] = "standard"
    """Kueue WorkloadPriorityClass."""
    measured_startup: MeasuredStartup | None = None
    startup_seconds: Annotated[int, Field(ge=30, le=7200)] = 900
    """How long the weights may take to load before the start-up probe gives up."""
    request_timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 300
    """Longest a request may take."""
    logging: PayloadLogging | None = None


class InferenceService(Document[Literal["InferenceService"], InferenceServiceSpec]):
    """One served model of a tenant (``services/<tenant>/<name>.yaml``)."""
