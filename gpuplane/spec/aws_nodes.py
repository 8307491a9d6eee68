"""What all EC2 nodes that gpuplane brings have in common, whoever starts them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.capacity_reservation import CapacityBlock, CapacityReservation, Reserved
from gpuplane.spec.model import SpecModel

InstanceType = Annotated[str, Field(pattern=r"^[a-z0-9-]+\.[a-z0-9-]+$")]
"""An EC2 instance type; a row of the instance catalogue says which GPUs it has."""
AvailabilityZone = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$")]
"""An AWS availability zone, e.g. ``eu-central-1a``."""
SubnetId = Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}$")]
SecurityGroupId = Annotated[str, Field(pattern=r"^sg-[0-9a-f]{8,17}$")]
Purchase = Literal["on_demand", "spot", "capacity_block"]
"""How a node may be bought; capacity of a reservation has the on-demand price."""


class AwsNodes(SpecModel):
    """EC2 nodes: their number, disk, zones and subnets."""

    max_nodes: Annotated[int, Field(ge=1, le=1000)]
    """Nodes that there can ever be: the capacity that quotas are checked against."""
    disk_gib: Annotated[int, Field(ge=20, le=16384)] = 200
    """Encrypted gp3 volume for images and downloaded weights, in GiB (the root volume; on Bottlerocket the data volume)."""
    disk_kms_key_arn: Annotated[str | None, Field(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$")] = None
    """KMS key of the node's volumes; left out, the account's default key for EBS."""
    max_pods: Annotated[int | None, Field(ge=10, le=1000)] = None
    """Pods of a node; left out, what the instance's network interfaces have addresses for."""
    zones: dict[AvailabilityZone, Annotated[int, Field(ge=1, le=1000)]] = Field(default_factory=dict)
    """Availability zones of the subnets with the most nodes that each can give; left out, zones do not matter."""
    subnet_ids: Annotated[tuple[SubnetId, ...], Field(max_length=16)] = ()
    """Subnets of this pool; left out, all of the environment's. What lies in one zone (EFA, reservations) needs exactly one."""
    reserved: Reserved | None = None
    """Nodes whose price is reserved; left out, none."""

    @property
    def types(self) -> tuple[str, ...]:
        """Instance types that nodes may have, first choice first."""
        raise NotImplementedError

    @property
    def types_path(self) -> str:
        """Field in which they are written."""
        raise NotImplementedError

    @property
    def purchases(self) -> tuple[Purchase, ...]:
        """How nodes may be bought."""
        raise NotImplementedError

    @property
    def least_nodes(self) -> int:
        """Nodes that always run."""
        raise NotImplementedError

    @property
    def least_path(self) -> str:
        """Field in which that number is written."""
        raise NotImplementedError

    @property
    def block(self) -> CapacityBlock | None:
        """The capacity block that all nodes are in."""
        return None

    @property
    def reservations(self) -> tuple[CapacityReservation, ...]:
        """On-Demand Capacity Reservations that nodes may start in."""
        return ()

    @property
    def bottlerocket(self) -> bool:
        """Whether the nodes run Bottlerocket, and Amazon Linux otherwise."""
        raise NotImplementedError

    @property
    def arch(self) -> Literal["x86_64", "arm64"] | None:
        """Processors that the node image is built for; None where the image follows the instance type."""
        return None

    @property
    def image_path(self) -> str:
        """Field in which the node image is written."""
        raise NotImplementedError

    def image(self, kubernetes_version: str) -> tuple[str, str] | None:
        """EKS AMI type and release of the nodes; None where the document does not say them."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _reserved(self) -> AwsNodes:
        if self.reserved is not None and self.purchases != ("on_demand",):
            raise PydanticCustomError("reserved", "a reservation covers on-demand nodes; these are {bought}",
                                      {"bought": " or ".join(self.purchases), "field": ("reserved",)})
        if self.reserved is not None and self.reserved.nodes > self.max_nodes:
            raise PydanticCustomError("bounds", "{low} reserved nodes are more than max_nodes {high}",
                                      {"low": self.reserved.nodes, "high": self.max_nodes, "field": ("reserved", "nodes")})
        return self
