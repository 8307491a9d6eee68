"""What the platform installs, or finds there: Kueue, Volcano, KServe, KEDA."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.gpu_operator import ChartValues, Version
from gpuplane.spec.model import (
    DnsLabel,
    LabelKey,
    SpecModel,
)

HOSTNAME = "kubernetes.io/hostname"


class HelmInstall(SpecModel):
    """``install: release`` brings a pinned Helm release; ``external``: the cluster has it already."""

    install: Literal["release", "external"]
    """``release``: gpuplane installs and upgrades it; ``external``: it is there already."""
    version: Version
    """Version that is installed, or that is there."""
    values: ChartValues = Field(default_factory=dict)
    """Further values of the chart; only with ``install: release``."""

    @model_validator(mode="after")
    def _values(self) -> HelmInstall:
        if self.values and self.install == "external":
            raise PydanticCustomError("together", "values are of a release; what is external is configured where it is installed",
                                      {"field": ("values",)})
        return self


class Topology(SpecModel):
    """Levels of the network below which nodes are near each other, for Kueue's topology-aware scheduling."""

    levels: Annotated[tuple[LabelKey, ...], Field(min_length=1, max_length=16)]
    """Node labels, the widest first, e.g. ``topology.kubernetes.io/zone``, ``example.com/rack``, ``kubernetes.io/hostname``."""
    pools: Annotated[tuple[DnsLabel, ...], Field(min_length=1)]
    """Pools whose nodes have these labels. Their number of nodes is fixed: Kueue counts only nodes that are there."""

    @model_validator(mode="after")
    def _levels(self) -> Topology:
        if len(set(self.levels)) < len(self.levels):
            raise PydanticCustomError("topology", "a level stands twice", {"field": ("levels",)})
        if HOSTNAME in self.levels[:-1]:
            raise PydanticCustomError("topology", "{name} can only be the last level", {"name": HOSTNAME, "field": ("levels",)})
        return self


class AdmissionFairSharing(SpecModel):
    """Within a tenant's ClusterQueue, LocalQueues that used fewer GPUs lately are admitted first."""

    usage_half_life_hours: Annotated[int, Field(ge=1, le=8760)] = 168
    """After so many hours past usage counts half."""
    sampling_interval_seconds: Annotated[int, Field(ge=10, le=3600)] = 300
    """How often usage is looked at."""


class Kueue(HelmInstall):
    """Kueue, the quota system for GPUs."""

    replicas: Annotated[int, Field(ge=1, le=5)] = 2
    """Controllers, one of which leads; only with ``install: release``."""
    topologies: dict[DnsLabel, Topology] = Field(default_factory=dict)
    """Topologies by name; a pool has at most one."""
    admission_fair_sharing: AdmissionFairSharing | None = None

    @model_validator(mode="after")
    def _one_topology(self) -> Kueue:
        seen: dict[str, str] = {}
        for name, topology in self.topologies.items():
            for pool in topology.pools:
                if pool in seen:
                    raise PydanticCustomError("topology", "pool {pool} is in topology {one} already",
                                              {"pool": pool, "one": seen[pool], "field": ("topologies", name, "pools")})
                seen[pool] = name
        return self

    def topology_of(self, pool: str) -> str | None:
        """Name of the topology that a pool is in."""
        return next((name for name, topology in self.topologies.items() if pool in topology.pools), None)


class Volcano(HelmInstall):
    """Volcano for gang-scheduled batch: the quota system of its own pools, where Kueue has no part."""

    pools: Annotated[tuple[DnsLabel, ...], Field(min_length=1)]
    """Pools that Volcano's queues share out; everything on them is scheduled by Volcano."""


Sha256 = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class KServeImages(SpecModel):
    """Digests of the images that KServe puts beside model servers and before them, of the release that ``version`` names."""

    agent: Sha256 | None = None
    """Logger and batcher; only with ``install: release``."""
    router: Sha256 | None = None
    """Routers of InferenceGraphs; only with ``install: release``."""
    storage_initializer: Sha256 | None = None
    """What downloads weights."""


class KServe(HelmInstall):
    """KServe in Standard (Deployment) mode."""

    image_digests: KServeImages = KServeImages()
    """Left out, images are those that the release tags, and a tag can be moved."""

    @model_validator(mode="after")
    def _digests(self) -> KServe:
        for name in ("agent", "router"):
            if self.install == "external" and getattr(self.image_digests, name) is not None:
                raise PydanticCustomError("together", "{name} is configured where KServe is installed", {
                    "name": name, "field": ("image_digests", name)})
        return self


class CertManager(HelmInstall):
    """cert-manager, which makes the certificates of KServe's webhooks, and of the gateway where it is asked to."""


class LeaderWorkerSet(HelmInstall):
    """LeaderWorkerSet, which runs replicas of several pods: LLMInferenceServices with pipeline or data parallelism need it."""


class Karpenter(HelmInstall):
    """Karpenter, which starts the nodes of ``karpenter`` pools; a release comes with its role, and with the queue of AWS's warnings."""

    replicas: Annotated[int, Field(ge=1, le=3)] = 2
    """Controllers, one of which leads, on nodes that Karpenter does not own; only with ``install: release``."""


class EfaDevicePlugin(HelmInstall):
    """AWS's device plugin for Elastic Fabric Adapters: nodes with EFA interfaces offer ``vpc.amazonaws.com/efa``."""


class Keda(HelmInstall):
    """KEDA, which scales services on the load that their engines report; services with triggers or scale_to_zero need it."""

    replicas: Annotated[int, Field(ge=1, le=3)] = 2
    """Operators, one of which leads; only with ``install: release``."""
