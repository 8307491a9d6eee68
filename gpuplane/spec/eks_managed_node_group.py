"""GPU nodes as an EKS managed node group: what gpuplane creates with its launch template."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.aws_nodes import AwsNodes, InstanceType, Purchase, SecurityGroupId
from gpuplane.spec.capacity_reservation import CapacityBlock, CapacityReservation
from gpuplane.spec.model import SpecModel

_AL2023_RELEASE = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}-[0-9]{8}")
_BOTTLEROCKET_RELEASE = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}-[0-9a-f]{8}")


class Efa(SpecModel):
    """Elastic Fabric Adapter: one interface on every network card of the instance, and all nodes close together in a placement group."""

    security_group_ids: Annotated[tuple[SecurityGroupId, ...], Field(min_length=1, max_length=5)]
    """Security groups of the interfaces: the cluster's, and one that allows all traffic to itself, in and out, as EFA needs."""


class NodeUpdate(SpecModel):
    """How EKS replaces nodes when their image or template changes."""

    max_unavailable: Annotated[int | None, Field(ge=1, le=100)] = None
    """Nodes replaced at a time; left out with max_unavailable_percent, 1."""
    max_unavailable_percent: Annotated[int | None, Field(ge=1, le=100)] = None
    """The same as a percentage of the group."""
    strategy: Literal["default", "minimal"] = "default"
    """``default`` starts new nodes before it ends old ones, which needs spare GPUs; ``minimal`` ends old ones first: for reserved or scarce
    GPUs."""
    force: bool = False
    """True: nodes are ended though a PodDisruptionBudget keeps their pods; otherwise the update fails after 15 minutes."""

    @model_validator(mode="after")
    def _one_way(self) -> NodeUpdate:
        if self.max_unavailable is not None and self.max_unavailable_percent is not None:
            raise PydanticCustomError("together", "give max_unavailable or max_unavailable_percent, not both",
                                      {"field": ("max_unavailable_percent",)})
        return self


class NodeRepair(SpecModel):
    """EKS replaces or reboots nodes that its monitoring agent finds broken, e.g. by an NVIDIA XID error."""

    max_unhealthy_percent: Annotated[int, Field(ge=1, le=100)] = 20
    """With more broken nodes than this percentage of the group nothing is repaired: the fault is probably elsewhere."""
    max_parallel: Annotated[int, Field(ge=1, le=100)] = 1
    """Nodes repaired at a time."""


class EksManagedNodeGroup(AwsNodes):
    """Nodes that gpuplane creates as an EKS managed node group with a launch template."""

    instance_type: InstanceType
    """EC2 instance type; a row of the instance catalogue says which GPUs it has."""
    other_instance_types: Annotated[tuple[InstanceType, ...], Field(max_length=19)] = ()
    """Types that may be taken instead, of the same GPU and number of GPUs. On demand EKS tries them in this order; of spot it takes
    what is least likely to be taken back. Plans reckon with the least of their hardware and the dearest of their prices."""
    capacity_type: Literal["on_demand", "spot"] = "on_demand"
    """Purchase option. Prices and budgets follow it."""
    capacity_reservation: CapacityReservation | None = None
    """Nodes start in this On-Demand Capacity Reservation; left out, wherever there is capacity."""
    capacity_block: CapacityBlock | None = None
    """Nodes start in this Capacity Block for ML; left out, none."""
    ami_type: Literal["AL2023_x86_64_NVIDIA", "AL2023_ARM_64_NVIDIA", "BOTTLEROCKET_x86_64_NVIDIA",
                      "BOTTLEROCKET_ARM_64_NVIDIA", "BOTTLEROCKET_x86_64_NVIDIA_FIPS",
                      "BOTTLEROCKET_ARM_64_NVIDIA_FIPS"] = "AL2023_x86_64_NVIDIA"
    """EKS AMI family with the NVIDIA driver in it."""
    release_version: Annotated[str, Field(max_length=64, pattern=r"^[0-9]+\.[0-9]+\.[0-9]+-[0-9a-f]{8}$")]
    """Pinned AMI release: of AL2023 e.g. ``1.36.3-20261104``, of Bottlerocket e.g. ``1.52.0-5fbd9ad3``."""
    min_nodes: Annotated[int, Field(ge=0, le=1000)] = 0
    """Nodes that always run: the committed cost. From 0 the cluster autoscaler starts the first node by the tags of the group."""
    efa: Efa | None = None
    """EFA interfaces and a placement group; left out, one ordinary interface."""
    update: NodeUpdate = NodeUpdate()
    """How nodes are replaced."""
    node_repair: NodeRepair | None = None
    """Automatic repair of broken nodes; left out, none."""
    shutdown_grace_seconds: Annotated[int | None, Field(ge=10, le=3600)] = None
    """How long the kubelet lets pods end when the node is shut down (spot: two minutes at most); left out, the image's own."""

    @property
    def types(self) -> tuple[str, ...]:
        return (self.instance_type, *self.other_instance_types)

    @property
    def types_path(self) -> str:
        return "instance_type"

    @property
    def purchases(self) -> tuple[Purchase, ...]:
        return ("capacity_block",) if self.capacity_block is not None else (self.capacity_type,)

    @property
    def least_nodes(self) -> int:
        return self.min_nodes

    @property
    def least_path(self) -> str:
        return "min_nodes"

    @property
    def block(self) -> CapacityBlock | None:
        return self.capacity_block

    @property
    def reservations(self) -> tuple[CapacityReservation, ...]:
        return () if self.capacity_reservation is None else (self.capacity_reservation,)

    @property
    def bottlerocket(self) -> bool:
        return self.ami_type.startswith("BOTTLEROCKET")

    @property
    def arch(self) -> Literal["x86_64", "arm64"]:
        return "arm64" if "ARM_64" in self.ami_type else "x86_64"

    @property
    def image_path(self) -> str:
        return "release_version"

    def image(self, kubernetes_version: str) -> tuple[str, str]:  # noqa: ARG002 the release says the version itself
        return self.ami_type, self.release_version

    @model_validator(mode="after")
    def _bounds(self) -> EksManagedNodeGroup:
        if self.min_nodes > self.max_nodes:
            raise PydanticCustomError("bounds", "min_nodes {low} is more than max_nodes {high}",
                                      {"low": self.min_nodes, "high": self.max_nodes, "field": ("min_nodes",)})
        if len(set(self.types)) != len(self.types):
            raise PydanticCustomError("twice", "an instance type is given twice", {"field": ("other_instance_types",)})
        return self

    @model_validator(mode="after")
    def _release(self) -> EksManagedNodeGroup:
        form, example = ((_BOTTLEROCKET_RELEASE, "1.52.0-5fbd9ad3") if self.bottlerocket else (_AL2023_RELEASE, "1.36.3-20261104"))
        if not form.fullmatch(self.release_version):
            raise PydanticCustomError("release", "{release} is no release of {family}, which are written like {example}",
                                      {"release": self.release_version, "family": self.ami_type, "example": example,
                                       "field": ("release_version",)})
        return self

    @model_validator(mode="after")
    def _set_aside(self) -> EksManagedNodeGroup:
        """Capacity that is set aside has one instance type, one zone, and a size; spot is no part of it."""
        if self.capacity_block is not None and self.capacity_reservation is not None:
            raise PydanticCustomError("together", "a pool's nodes start in a capacity_block or in a capacity_reservation, not in both",
                                      {"field": ("capacity_reservation",)})
        name = "capacity_block" if self.capacity_block is not None else "capacity_reservation"
        held = self.capacity_block or self.capacity_reservation
        if held is None:
            return self
        if self.capacity_type == "spot":
            raise PydanticCustomError("reserved", "{name} holds capacity that is paid for; spot is not in it",
                                      {"name": name, "field": (name,)})
        if self.other_instance_types:
            raise PydanticCustomError("together", "{name} holds one instance type", {"name": name, "field": ("other_instance_types",)})
        if len(self.subnet_ids) != 1:
            raise PydanticCustomError("zone", "{name} lies in one zone: name the one subnet of it in subnet_ids",
                                      {"name": name, "field": (name,)})
        if self.max_nodes > held.nodes:
            raise PydanticCustomError("bounds", "max_nodes {high} is more than the {low} that {name} holds",
                                      {"high": self.max_nodes, "low": held.nodes, "name": name, "field": ("max_nodes",)})
        if self.capacity_block is not None and self.min_nodes:
            raise PydanticCustomError("bounds", "outside the days of its capacity_block no node can run: set min_nodes to 0",
                                      {"field": ("min_nodes",)})
        return self

    @model_validator(mode="after")
    def _fabric(self) -> EksManagedNodeGroup:
        if self.efa is not None and len(self.subnet_ids) != 1:
            raise PydanticCustomError("zone", "a placement group of EFA nodes lies in one zone: name the one subnet of it in subnet_ids",
                                      {"field": ("efa",)})
        return self
