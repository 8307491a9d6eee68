"""``kind: NodePool``: GPU nodes of one shape, and how their GPUs are shared."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.model import Document, LabelKey, LabelValue, MigProfile, SpecModel, Usd


class Taint(SpecModel):
    """A taint that keeps other workloads off the pool; written in the Kubernetes spelling."""

    key: LabelKey
    """Key of the taint."""
    value: LabelValue = ""
    """Value of the taint; may be empty."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"
    """What happens to pods that do not tolerate it."""


GPU_TAINT = Taint(key="nvidia.com/gpu", value="present", effect="NoSchedule")


class Reserved(SpecModel):
    """Nodes of a pool that are reserved (standard, no upfront): paid for every hour of the term, used or not."""

    nodes: Annotated[int, Field(ge=1, le=1000)]
    """How many; those beyond run on demand."""
    term: Literal["1y", "3y"]
    """How long."""
AvailabilityZone = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$")]
"""An AWS availability zone, e.g. ``eu-central-1a``."""


class HostAmounts(SpecModel):
    """CPU and memory of one node, in the units that ``kubectl describe node`` comes closest to."""

    cpu_millicores: Annotated[int, Field(ge=0, le=1_024_000)]
    """Thousandths of a core, e.g. 1930 for ``1930m``."""
    memory_mib: Annotated[int, Field(ge=0, le=33_554_432)]
    """MiB."""


class EksManagedNodeGroup(SpecModel):
    """Nodes that gpuplane creates as an EKS managed node group with a launch template."""

    instance_type: Annotated[str, Field(pattern=r"^[a-z0-9-]+\.[a-z0-9-]+$")]
    """EC2 instance type; a row of the instance catalogue says which GPUs it has."""
    capacity_type: Literal["on_demand", "spot"] = "on_demand"
    """Purchase option. Prices and budgets follow it."""
    ami_type: Literal["AL2023_x86_64_NVIDIA", "AL2023_ARM_64_NVIDIA", "BOTTLEROCKET_x86_64_NVIDIA",
                      "BOTTLEROCKET_ARM_64_NVIDIA"] = "AL2023_x86_64_NVIDIA"
    """EKS AMI family with the NVIDIA driver in it."""
    release_version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+-[0-9]{8}$")]
    """Pinned AMI release, e.g. ``1.36.3-20261104``."""
    min_nodes: Annotated[int, Field(ge=0, le=1000)] = 0
    """Nodes that always run: the committed cost."""
    max_nodes: Annotated[int, Field(ge=1, le=1000)]
    """Nodes that there can ever be: the capacity that quotas are checked against."""
    disk_gib: Annotated[int, Field(ge=20, le=16384)] = 200
    """Encrypted gp3 root volume, in GiB; it holds images and downloaded weights."""
    max_pods: Annotated[int | None, Field(ge=10, le=1000)] = None
    """Pods of a node; left out, what the instance's network interfaces have addresses for."""
    zones: dict[AvailabilityZone, Annotated[int, Field(ge=1, le=1000)]] = Field(default_factory=dict)
    """Availability zones of the subnets with the most nodes that each can give; left out, zones do not matter."""

    reserved: Reserved | None = None
    """Nodes that are reserved; left out, none."""

    @model_validator(mode="after")
    def _reserved(self) -> EksManagedNodeGroup:
        if self.reserved is not None and self.capacity_type == "spot":
            raise PydanticCustomError("reserved", "a reservation covers on-demand nodes; these are spot", {"field": ("reserved",)})
        if self.reserved is not None and self.reserved.nodes > self.max_nodes:
            raise PydanticCustomError("bounds", "{low} reserved nodes are more than max_nodes {high}",
                                      {"low": self.reserved.nodes, "high": self.max_nodes, "field": ("reserved", "nodes")})
        return self

    @model_validator(mode="after")
    def _bounds(self) -> EksManagedNodeGroup:
        if self.min_nodes > self.max_nodes:
            raise PydanticCustomError("bounds", "min_nodes {low} is more than max_nodes {high}",
                                      {"low": self.min_nodes, "high": self.max_nodes, "field": ("min_nodes",)})
        return self


class ExistingNodes(SpecModel):
    """Nodes that somebody else brings: on premises, kind, or fake ones. gpuplane only selects them."""

    node_selector: Annotated[dict[LabelKey, LabelValue], Field(min_length=1, max_length=8)]
    """Labels that the nodes have; they become the ResourceFlavor's node labels (at most 8)."""
    max_nodes: Annotated[int, Field(ge=1, le=1000)]
    """How many such nodes there are."""
    gpus_per_node: Annotated[int, Field(ge=1, le=72)]
    """Whole GPUs of a node, before any MIG."""
    vcpus_per_node: Annotated[int, Field(ge=1, le=1024)]
    """CPU cores of a node, as Kubernetes counts them."""
    memory_gib_per_node: Annotated[int, Field(ge=1, le=32768)]
    """Memory of a node, in GiB."""
    usd_per_node_hour: Usd
    """What a node costs in an hour (depreciation, power, space). Say 0 only where it truly is."""
    price_source: Annotated[str, Field(min_length=3, max_length=200)]
    """Where that price comes from; the report prints it."""
    max_pods: Annotated[int | None, Field(ge=10, le=1000)] = None
    """Pods of a node (the kubelet's ``maxPods``); left out, 110."""
    disk_gib_per_node: Annotated[int | None, Field(ge=20, le=1_000_000)] = None
    """Local disk for images and weights, in GiB; left out, it is not checked."""
    allocatable: HostAmounts | None = None
    """What a node reports as allocatable (``kubectl describe node``): capacity less the kubelet's reserve and eviction threshold."""
    system_reserved: HostAmounts | None = None
    """What the kubelet keeps (``kubeReserved`` + ``systemReserved``); without it and ``allocatable`` a tenth is set aside."""

    @model_validator(mode="after")
    def _one_way(self) -> ExistingNodes:
        if self.allocatable is not None and self.system_reserved is not None:
            raise PydanticCustomError("together", "allocatable has the reserve in it: give allocatable or system_reserved, not both",
                                      {"field": ("system_reserved",)})
        said = self.allocatable or self.system_reserved
        for name, most in (("cpu_millicores", self.vcpus_per_node * 1000), ("memory_mib", self.memory_gib_per_node * 1024)):
            if said is not None and getattr(said, name) > most:
                block = "allocatable" if self.allocatable is not None else "system_reserved"
                raise PydanticCustomError("bounds", "{name} {value} is more than the node has, {most}",
                                          {"name": name, "value": getattr(said, name), "most": most, "field": (block, name)})
        return self


class MigSharing(SpecModel):
    """GPUs cut into MIG devices: hardware isolation of memory and faults, fixed sizes."""

    layout: Annotated[dict[MigProfile, Annotated[int, Field(ge=1, le=7)]], Field(min_length=1)]
    """Devices on each GPU by profile, e.g. ``{1g.10gb: 7}``."""


class TimeSlicing(SpecModel):
    """GPUs shared by taking turns: no isolation of memory or faults, so never between tenants."""

    replicas: Annotated[int, Field(ge=2, le=48)]
    """How many pods share a GPU."""


class Sharing(SpecModel):
    """How the pool's GPUs are shared; without it each pod gets whole GPUs."""

    ONE_OF = ("mig", "time_slicing")

    mig: MigSharing | None = None
    time_slicing: TimeSlicing | None = None


class ModelCache(SpecModel):
    """The nodes keep the weights of services that ask for it (``model_cache_gib``) on a disk of their own."""

    disk_gib: Annotated[int, Field(ge=10, le=1_000_000)]
    """Room for weights at ``/mnt/models`` of each node, in GiB; not part of the disk that pods are given."""


class NodePoolSpec(SpecModel):
    """GPU nodes of one shape; each pool is one Kueue ResourceFlavor."""

    ONE_OF = ("eks_managed_node_group", "existing_nodes")

    gpu: Annotated[str, Field(min_length=1, max_length=60)]
    """GPU model, a name of the GPU catalogue, e.g. ``H100-SXM-80GB``."""
    eks_managed_node_group: EksManagedNodeGroup | None = None
    existing_nodes: ExistingNodes | None = None
    sharing: Sharing | None = None
    model_cache: ModelCache | None = None
    expected_scale_percent: Annotated[int | None, Field(ge=0, le=100)] = None
    """How far its services are between min_replicas (0) and max_replicas (100) on average over a month, where they do not say
    expected_replicas themselves."""
    taints: Annotated[tuple[Taint, ...], Field(max_length=8)] = (GPU_TAINT,)
    """Taints on the nodes; the pool's workloads tolerate exactly these."""
    labels: dict[LabelKey, LabelValue] = Field(default_factory=dict)
    """Further labels for nodes that gpuplane creates."""

    @property
    def max_nodes(self) -> int:
        """Nodes that there can ever be."""
        source = self.eks_managed_node_group or self.existing_nodes
        assert source is not None  # ONE_OF
        return source.max_nodes

    @property
    def strategy(self) -> Literal["dedicated", "mig", "time-slicing"]:
        """How GPUs are shared, in one word."""
        if self.sharing is None:
            return "dedicated"
        return "mig" if self.sharing.mig is not None else "time-slicing"


class NodePool(Document[Literal["NodePool"], NodePoolSpec]):
    """GPU nodes of one shape (``node-pools/<name>.yaml``)."""

