"""``kind: LLMInferenceService``: one language model whose replicas may span nodes, or split prompts from answers."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.canary import Canary
from gpuplane.spec.drift import Drift
from gpuplane.spec.inference_service import PayloadLogging, ReplicaResources, ServedModelSpec
from gpuplane.spec.model import Document, SpecModel
from gpuplane.spec.release import ModelReference
from gpuplane.spec.scaling import Disruption, Rollout
from gpuplane.spec.traffic import Traffic

PREFILL = "prefill"
"""Role of the pods that read prompts, and the end of their workload's name."""
OFFLOADING_SINCE = (0, 22)
"""First vLLM release whose offloading connector KServe v0.20's templates configure (vllm-project/vllm#40020)."""
DEFAULT_SHARE = 4
"""KServe v0.20 sets no strategy on its Deployments: Kubernetes' default surges a quarter of the replicas (apps/v1)."""


class Parallelism(SpecModel):
    """How one replica is spread over GPUs; it cannot change while the service exists."""

    tensor: Annotated[int, Field(ge=1, le=64)] = 1
    """GPUs that share each layer; they are in one pod."""
    pipeline: Annotated[int | None, Field(ge=2, le=64)] = None
    """Pods that share the layers, each with ``tensor`` GPUs: a replica that is larger than a node (LeaderWorkerSet)."""
    data: Annotated[int | None, Field(ge=2, le=1024)] = None
    """Copies of the attention layers in one replica, each on ``tensor`` GPUs; for models of experts."""
    data_local: Annotated[int | None, Field(ge=1, le=64)] = None
    """How many of ``data`` run in one pod; the replica has data ÷ data_local pods."""
    expert: bool = False
    """True: the experts are divided over all GPUs of the replica, not held again by each copy."""

    @model_validator(mode="after")
    def _ways_go_together(self) -> Self:
        if self.pipeline is not None and (self.data is not None or self.data_local is not None):
            raise PydanticCustomError("parallelism", "pipeline and data exclude each other", {"field": ("pipeline",)})
        if (self.data is None) != (self.data_local is None):
            raise PydanticCustomError("parallelism", "data and data_local belong together", {"field": ("data",)})
        if self.data is not None and self.data_local is not None and self.data % self.data_local:
            raise PydanticCustomError("parallelism", "data_local {local} does not divide data {data}", {
                "local": self.data_local, "data": self.data, "field": ("data_local",)})
        if self.expert and self.data is None:
            raise PydanticCustomError("parallelism", "expert needs data: experts are divided over the copies", {"field": ("expert",)})
        return self

    @property
    def pods(self) -> int:
        """Pods of one replica: leader and workers."""
        if self.data is not None and self.data_local is not None:
            return self.data // self.data_local
        return self.pipeline or 1

    @property
    def devices_per_pod(self) -> int:
        """GPUs of each pod."""
        return self.tensor * (self.data_local or 1)


class Prefill(SpecModel):
    """Pods of their own that read prompts and hand the KV cache to those that write answers (NIXL)."""

    replicas: Annotated[int, Field(ge=1, le=1000)]
    """Replicas, all of the time; their GPUs count against the same quota."""
    parallelism: Parallelism = Parallelism()
    resources: ReplicaResources


class Scheduler(SpecModel):
    """KServe's endpoint picker: sends a request where its prompt's beginning is cached, or to the least busy replica."""

    replicas: Annotated[int, Field(ge=1, le=16)] = 1
    """Pods of the endpoint picker; they need no GPU."""


class Router(SpecModel):
    """What stands before the replicas."""

    scheduler: Scheduler


class KvCacheOffloading(SpecModel):
    """KV cache that no longer fits the GPU moves to host memory, instead of being computed again."""

    cpu_gib: Annotated[int, Field(ge=1, le=16384)]
    """Host memory of one pod for it, in GiB, part of memory_gib."""
    eviction_policy: Literal["lru", "arc"] = "lru"
    """Which blocks go first when it is full."""


class LoraAdapter(SpecModel):
    """One low-rank adapter, served as a model of its own name."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][-A-Za-z0-9_.]*$", max_length=60)]
    """The model name that callers ask for."""
    uri: Annotated[str, Field(pattern=r"^(hf|s3|pvc)://[A-Za-z0-9][-A-Za-z0-9._/]*$", max_length=400)]
    """Where it is: ``hf://ORG/MODEL``, ``s3://BUCKET/PREFIX`` or ``pvc://CLAIM/FOLDER``."""
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{12,64}$")]
    """Commit of the repository, or digest that names the folder in the bucket or volume."""

    @property
    def storage_uri(self) -> str:
        """The KServe storage URI with the revision in it."""
        return ModelReference(uri=self.uri, revision=self.revision).storage_uri


class LoraAdapters(SpecModel):
    """Low-rank adapters beside the model; those that are resident take GPU memory."""

    adapters: Annotated[tuple[LoraAdapter, ...], Field(min_length=1, max_length=64)]
    """The adapters."""
    max_rank: Literal[8, 16, 32, 64, 128, 256, 320, 512] = 16
    """Largest rank of an adapter."""
    max_adapters: Annotated[int, Field(ge=1, le=64)] = 1
    """Adapters that are resident on the GPU at once."""

    @model_validator(mode="after")
    def _a_name_is_given_once(self) -> Self:
        names = [adapter.name for adapter in self.adapters]
        twice = [index for index, name in enumerate(names) if name in names[:index]]
        if twice:
            raise PydanticCustomError("twice", "the adapter {name} is there twice", {
                "name": names[twice[0]], "field": ("adapters", twice[0], "name")})
        return self


class LLMInferenceServiceSpec(ServedModelSpec):
    """One language model, served by vLLM: ``release`` is what promotion moves, the rest belongs to the environment."""

    parallelism: Parallelism = Parallelism()
    prefill: Prefill | None = None
    """Left out, each replica reads prompts and writes answers."""
    router: Router | None = None
    """Left out, requests are spread over the replicas without looking at them."""
    kv_cache_offloading: KvCacheOffloading | None = None
    """Left out, what does not fit the GPU is computed again."""
    lora: LoraAdapters | None = None

    @model_validator(mode="after")
    def _what_kserve_cannot_do(self) -> Self:
        if self.release.vllm is None:
            raise PydanticCustomError("engine", "an LLMInferenceService is served by vllm", {"field": ("release",)})
        if self.scaling.min_replicas != self.scaling.max_replicas or self.scaling.triggers is not None:
            raise PydanticCustomError("fixed", "min_replicas {low} and max_replicas {high} differ: KServe v0.20 scales an "
                                      "LLMInferenceService only by the Workload Variant Autoscaler, which is not installed", {
                                          "low": self.scaling.min_replicas, "high": self.scaling.max_replicas,
                                          "field": ("scaling", "max_replicas")})
        for name in ("cpu_utilization_percent", "scale_down_seconds"):
            if name in self.scaling.model_fields_set:
                raise PydanticCustomError("unscaled", "nothing changes how many replicas an LLMInferenceService has",
                                          {"field": ("scaling", name)})
        if self.release.model.uri.startswith("gs://"):
            raise PydanticCustomError("source", "KServe v0.20 loads an LLMInferenceService from hf, s3, oci or pvc, not gs",
                                      {"field": ("release", "model", "uri")})
        return self

    @model_validator(mode="after")
    def _said_once(self) -> Self:
        arguments = self.release.vllm.arguments if self.release.vllm is not None else None
        for name, instead in _SAID_ELSEWHERE.items():
            if arguments is not None and name in arguments.model_fields_set:
                raise PydanticCustomError("elsewhere", "of an LLMInferenceService this is said by {instead}", {
                    "instead": instead, "field": ("release", "vllm", "arguments", name)})
        return self

    @model_validator(mode="after")
    def _prefill_and_cache(self) -> Self:
        if self.prefill is not None and self.router is None:
            raise PydanticCustomError("prefill", "prefill needs router.scheduler: it picks who reads the prompt", {"field": ("prefill",)})
        if self.prefill is not None and (self.parallelism.pods > 1 or self.prefill.parallelism.pods > 1):
            raise PydanticCustomError("prefill", "prefill is for replicas of one pod: KServe's templates for several ask for capabilities "
                                      "that the restricted Pod Security Standard refuses", {"field": ("prefill",)})
        if self.kv_cache_offloading is None:
            return self
        if self.prefill is not None:
            raise PydanticCustomError("connector", "one server has one KV connector: prefill and kv_cache_offloading exclude each other",
                                      {"field": ("kv_cache_offloading",)})
        if self.release.vllm is not None and _release(self.release.vllm.version) < OFFLOADING_SINCE:
            raise PydanticCustomError("version", "vLLM {version} has no offloading connector; it came with 0.22.0", {
                "version": self.release.vllm.version, "field": ("kv_cache_offloading",)})
        return self

    @property
    def devices_per_replica(self) -> int:
        """GPUs of one replica, over all its pods."""
        return self.parallelism.devices_per_pod * self.parallelism.pods

    @property
    def pods_per_replica(self) -> int:
        """Leader and workers."""
        return self.parallelism.pods

    @property
    def rollout(self) -> Rollout:
        """What KServe lets a rollout do: a Deployment surges by a quarter, a LeaderWorkerSet replaces one group at a time."""
        replicas = self.scaling.max_replicas
        if self.pods_per_replica > 1:
            return Rollout()
        return Rollout(max_surge=-(-replicas // DEFAULT_SHARE), max_unavailable=replicas // DEFAULT_SHARE)

    @property
    def model_cache_gib(self) -> int | None:
        """None: KServe's cache on nodes is for InferenceServices."""
        return None

    @property
    def logging(self) -> PayloadLogging | None:
        """None: KServe's payload logger is for InferenceServices."""
        return None

    @property
    def traffic(self) -> Traffic | None:
        """None: routes lead to InferenceServices; pods of the tenant's namespace reach its Service."""
        return None

    @property
    def drift(self) -> Drift | None:
        """None: samples of payloads come from the logger, which is for InferenceServices."""
        return None

    @property
    def canary(self) -> Canary | None:
        """None: KServe v0.20 has canaries of InferenceServices."""
        return None

    @property
    def running_canary(self) -> Canary | None:
        """None, as :attr:`canary`."""
        return None

    @property
    def disruption(self) -> Disruption:
        """A drain takes one replica at a time; KServe's templates say how they are spread."""
        return Disruption(spread=())

    @property
    def of_prefill(self) -> LLMInferenceServiceSpec | None:
        """The pods that read prompts, as a service of their own, which is how quota, nodes, memory and money see them."""
        if self.prefill is None:
            return None
        found, replicas = self.prefill, self.prefill.replicas
        return self.model_copy(update={
            "parallelism": found.parallelism, "resources": found.resources, "prefill": None, "objectives": None, "measured_startup": None,
            "scaling": self.scaling.model_copy(update={"min_replicas": replicas, "max_replicas": replicas, "expected_replicas": None})})


_SAID_ELSEWHERE = {
    "tensor_parallel_size": "parallelism.tensor", "pipeline_parallel_size": "parallelism.pipeline", "enable_lora": "lora",
    "max_loras": "lora.max_adapters", "max_lora_rank": "lora.max_rank"}


def _release(version: str) -> tuple[int, int]:
    major, minor, *_ = version.split(".")
    return int(major), int(minor)


class LLMInferenceService(Document[Literal["LLMInferenceService"], LLMInferenceServiceSpec]):
    """One language model of a tenant (``services/<tenant>/<name>.yaml``), by KServe's LLMInferenceService."""
