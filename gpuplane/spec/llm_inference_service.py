"""``kind: LLMInferenceService``: one language model whose replicas may span nodes, or split prompts from answers."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.canary import Canary
from gpuplane.spec.drift import Drift
from gpuplane.spec.inference_service import PayloadLogging, ReplicaResources, ServedModelSpec
from gpuplane.spec.model import Document, ImageDigest, OneOf, SpecModel
from gpuplane.spec.release import ModelReference, Release
from gpuplane.spec.scaling import Disruption, Rollout, Scaling
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


class Prefill(OneOf):
    """Pods of their own that read prompts and hand the KV cache to those that write answers (NIXL)."""

    ONE_OF = ("replicas", "scaling")

    replicas: Annotated[int | None, Field(ge=1, le=1000)] = None
    """Replicas, all of the time; their GPUs count against the same quota."""
    scaling: Scaling | None = None
    """Replicas that follow the load of these pods, by KEDA; the most there can be counts against the same quota."""
    parallelism: Parallelism = Parallelism()
    resources: ReplicaResources

    @model_validator(mode="after")
    def _scaled(self) -> Self:
        if self.scaling is not None:
            _check_scaling(self.scaling)
            if self.scaling.scale_to_zero is not None:
                raise PydanticCustomError("zero", "a prompt that nobody can read wakes nobody: prefill keeps a replica",
                                          {"field": ("scaling", "scale_to_zero")})
        return self

    @property
    def bounds(self) -> Scaling:
        """Replicas at least and at most, and what moves them between the two."""
        if self.scaling is not None:
            return self.scaling
        return Scaling(min_replicas=self.replicas or 1, max_replicas=self.replicas or 1)


class PickerProxy(SpecModel):
    """An Envoy of the service's own before its endpoint picker: whatever calls a Service then comes to the replica that is picked."""

    image: ImageDigest
    """Envoy, by digest, e.g. ``docker.io/envoyproxy/envoy@sha256:…``; 1.33 or newer."""
    replicas: Annotated[int, Field(ge=1, le=32)] = 2
    """Pods of it; they need no GPU."""
    cpu_millicores: Annotated[int, Field(ge=100, le=64_000)] = 1000
    """CPU of one pod, in thousandths of a core."""
    memory_mib: Annotated[int, Field(ge=128, le=65_536)] = 1024
    """Memory of one pod, in MiB: prompts and answers pass through it."""


class Scheduler(SpecModel):
    """KServe's endpoint picker: sends a request where its prompt's beginning is cached, or to the least busy replica."""

    replicas: Annotated[int, Field(ge=1, le=16)] = 1
    """Pods of the endpoint picker; they need no GPU."""
    proxy: PickerProxy | None = None
    """Needed for a canary or a fallback, and for graphs and pods of the namespace to be picked for. Left out, the gateway asks the picker
    itself."""


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
    disruption: Disruption = Disruption()
    traffic: Traffic | None = None
    """On the gateway, with limits, retries and fallback; left out, only pods of the tenant's namespace reach it."""
    canary: Canary | None = None

    @model_validator(mode="after")
    def _what_kserve_cannot_do(self) -> Self:
        _check_scaling(self.scaling, ("scaling",))
        for path, release in self._releases():
            if release.vllm is None:
                raise PydanticCustomError("engine", "an LLMInferenceService is served by vllm", {"field": path})
            if release.model.uri.startswith("gs://"):
                raise PydanticCustomError("source", "KServe v0.20 loads an LLMInferenceService from hf, s3, oci or pvc, not gs",
                                          {"field": (*path, "model", "uri")})
            for name, instead in _SAID_ELSEWHERE.items():
                if name in release.vllm.arguments.model_fields_set:
                    raise PydanticCustomError("elsewhere", "of an LLMInferenceService this is said by {instead}", {
                        "instead": instead, "field": (*path, "vllm", "arguments", name)})
        if self.pods_per_replica > 1 and "spread" in self.disruption.model_fields_set and self.disruption.spread:
            raise PydanticCustomError("spread", "the pods of one replica stand together: placement.topology says how near", {
                "field": ("disruption", "spread")})
        return self

    @model_validator(mode="after")
    def _endpoint_picker(self) -> Self:
        """What a route to an InferencePool cannot do: one pool in a rule, and nothing beside it (Envoy AI Gateway v1.1.0, AIGatewayRoute's
        own validation; of an HTTPRoute ``post_route_modify.go`` says the same)."""
        if self.router is None or self.router.scheduler.proxy is not None:
            return self
        if self.traffic is not None and self.traffic.fallback:
            raise PydanticCustomError("pool", "Envoy AI Gateway sends requests to an endpoint picker or to a list of backends, not both; "
                                      "with router.scheduler.proxy it is one of the list", {"field": ("traffic", "fallback")})
        if self.canary is not None:
            raise PydanticCustomError("pool", "Envoy AI Gateway shares requests out among services, and not among endpoint pickers: with "
                                      "router.scheduler.proxy each picker is behind a service", {"field": ("canary",)})
        return self

    def _releases(self) -> tuple[tuple[tuple[str, ...], Release], ...]:
        """The releases that run, with their paths."""
        return ((("release",), self.release), *(() if self.canary is None else ((("canary", "release"), self.canary.release),)))

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
        for _, release in self._releases():
            if release.vllm is not None and _release(release.vllm.version) < OFFLOADING_SINCE:
                raise PydanticCustomError("version", "vLLM {version} has no offloading connector; it came with 0.22.0", {
                    "version": release.vllm.version, "field": ("kv_cache_offloading",)})
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
    def drift(self) -> Drift | None:
        """None: samples of payloads come from the logger, which is for InferenceServices."""
        return None

    @property
    def running_canary(self) -> Canary | None:
        """The canary, unless it was rolled back."""
        return self.canary if self.canary is not None and self.canary.rolled_back is None else None

    @property
    def of_prefill(self) -> LLMInferenceServiceSpec | None:
        """The pods that read prompts, as a service of their own, which is how quota, nodes, memory and money see them."""
        if self.prefill is None:
            return None
        found = self.prefill
        return self.model_copy(update={
            "parallelism": found.parallelism, "resources": found.resources, "prefill": None, "objectives": None, "measured_startup": None,
            "scaling": found.bounds, "traffic": None, "canary": None})


_SAID_ELSEWHERE = {
    "tensor_parallel_size": "parallelism.tensor", "pipeline_parallel_size": "parallelism.pipeline", "enable_lora": "lora",
    "max_loras": "lora.max_adapters", "max_lora_rank": "lora.max_rank"}


def _check_scaling(scaling: Scaling, at: tuple[str, ...] = ("scaling",)) -> None:
    """KServe v0.20 leaves the replicas to whoever scales them where it is not told how many; a CPU's load says nothing of a GPU's."""
    if scaling.min_replicas != scaling.max_replicas and scaling.triggers is None and scaling.scale_to_zero is None:
        raise PydanticCustomError("fixed", "min_replicas {low} and max_replicas {high} differ, and nothing moves it between them: KServe "
                                  "v0.20 scales no LLMInferenceService by its CPU", {
                                      "low": scaling.min_replicas, "high": scaling.max_replicas, "field": (*at, "triggers")})
    unscaled = scaling.triggers is None and scaling.scale_to_zero is None
    for name in ("cpu_utilization_percent", *(("scale_down_seconds",) if unscaled else ())):
        if name in scaling.model_fields_set:
            raise PydanticCustomError("unscaled", "nothing changes how many replicas it has by that", {"field": (*at, name)})


def _release(version: str) -> tuple[int, int]:
    major, minor, *_ = version.split(".")
    return int(major), int(minor)


class LLMInferenceService(Document[Literal["LLMInferenceService"], LLMInferenceServiceSpec]):
    """One language model of a tenant (``services/<tenant>/<name>.yaml``), by KServe's LLMInferenceService."""
