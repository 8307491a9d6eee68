"""``kind: InferenceService``: one model served for one tenant."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gpuplane.spec.canary import Canary
from gpuplane.spec.drift import Drift
from gpuplane.spec.model import DnsLabel, Document, LabelKey, MigProfile, OneOf, SpecModel
from gpuplane.spec.objectives import Objectives
from gpuplane.spec.release import Release
from gpuplane.spec.scaling import Disruption, Rollout, Scaling
from gpuplane.spec.traffic import Traffic


class MeasuredStartup(SpecModel):
    """The log of a start-up that was really seen; it overrides the prediction for exactly that combination."""

    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    """Of model, image, arguments and GPU, as ``gpuplane preview`` says it."""
    log: Annotated[str, Field(min_length=20, max_length=20_000)]
    """vLLM's lines on weights and KV cache."""


class TopologyRequest(OneOf):
    """How near each other the pods of a replica stand: a level of the pool's topology (``kueue.topologies``)."""

    ONE_OF = ("required", "preferred")

    required: LabelKey | None = None
    """Node label of the level in which all of them must stand; a replica that fits no such domain waits."""
    preferred: LabelKey | None = None
    """Node label of the level in which they should stand; where none fits, wider ones are tried."""


class Placement(SpecModel):
    """Which GPUs serve it."""

    pool: DnsLabel
    """A node pool of the environment."""
    profile: MigProfile | None = None
    """MIG profile, where the pool is cut by MIG."""
    may_borrow: bool = False
    """True: replicas over the nominal quota run on borrowed GPUs and lose them when the owner wants them back."""

    topology: TopologyRequest | None = None

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


class PayloadLogging(SpecModel):
    """KServe payload logger: requests and responses are sent to a sink. Refused where the data is personal."""

    mode: Literal["all", "request", "response"]
    """Which payloads are sent."""
    url: Annotated[str, Field(pattern=r"^https?://[^\s@]+$", max_length=400)]
    """Sink inside the cluster; no user or password in it."""


class ServedModelSpec(SpecModel):
    """What every served model says, whichever controller runs it."""

    release: Release
    placement: Placement
    resources: ReplicaResources
    scaling: Scaling
    objectives: Objectives | None = None
    priority: Literal["critical", "standard", "batch"] = "standard"
    """Kueue WorkloadPriorityClass."""
    measured_startup: MeasuredStartup | None = None
    startup_seconds: Annotated[int | None, Field(ge=30, le=7200)] = None
    """How long the weights may take to load before the start-up probe gives up; left out, as long as the plan says, at least 900."""
    request_timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 300
    """Longest a request may take."""

    @property
    def devices_per_replica(self) -> int:
        """Devices of one replica, over all its pods."""
        return self.release.devices_per_replica

    @property
    def pods_per_replica(self) -> int:
        """Pods of one replica; they are admitted together or not at all."""
        return 1

    @property
    def devices_per_pod(self) -> int:
        """Devices of one pod; the pods of a replica are alike."""
        return self.devices_per_replica // self.pods_per_replica


class InferenceServiceSpec(ServedModelSpec):
    """One served model: ``release`` is what promotion moves, the rest belongs to the environment."""

    rollout: Rollout = Rollout()
    disruption: Disruption = Disruption()
    model_cache_gib: Annotated[int | None, Field(ge=1, le=100_000)] = None
    """Room for the weights in the pool's model_cache, in GiB: each node keeps one copy, and replicas download none of their own."""
    logging: PayloadLogging | None = None
    traffic: Traffic | None = None
    """On the gateway, with limits, retries and fallback; left out, only pods of the tenant's namespace reach it."""
    drift: Drift | None = None
    canary: Canary | None = None

    @property
    def running_canary(self) -> Canary | None:
        """The canary, unless it was rolled back."""
        return self.canary if self.canary is not None and self.canary.rolled_back is None else None


class InferenceService(Document[Literal["InferenceService"], InferenceServiceSpec]):
    """One served model of a tenant (``services/<tenant>/<name>.yaml``)."""
