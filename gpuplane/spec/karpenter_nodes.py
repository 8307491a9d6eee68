"""GPU nodes that Karpenter starts and ends on AWS: a NodePool and its EC2NodeClass."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.aws_nodes import AwsNodes, InstanceType, Purchase, SecurityGroupId
from gpuplane.spec.capacity_reservation import CapacityReservation
from gpuplane.spec.model import OneOf, SpecModel

KarpenterCapacityType = Literal["on_demand", "spot", "reserved"]
"""Capacity type of Karpenter; ``reserved`` is capacity of an On-Demand Capacity Reservation."""


class Ami(OneOf):
    """The node image, pinned: what Karpenter resolves anew by itself (``@latest``) replaces serving nodes on any day."""

    ONE_OF = ("alias", "id")

    alias: Annotated[str | None, Field(max_length=64, pattern=r"^(al2023@v20[0-9]{6}|bottlerocket@v[0-9]+\.[0-9]+\.[0-9]+)$")] = None
    """EKS image family and its release, e.g. ``al2023@v20261104``: Karpenter takes the NVIDIA variant for types with GPUs."""
    id: Annotated[str | None, Field(pattern=r"^ami-[0-9a-f]{8,17}$")] = None
    """One image, e.g. ``ami-0123456789abcdef0``."""
    family: Literal["AL2023", "Bottlerocket"] | None = None
    """How an image given by its id is configured; belongs to ``id``."""

    @model_validator(mode="after")
    def _family(self) -> Ami:
        if (self.id is not None) != (self.family is not None):
            raise PydanticCustomError("together", "id and family belong together: an alias says its family itself", {"field": ("family",)})
        return self


class SecurityGroups(OneOf):
    """The security groups of the nodes."""

    ONE_OF = ("ids", "tags")

    ids: Annotated[tuple[SecurityGroupId, ...] | None, Field(min_length=1, max_length=5)] = None
    """By their ids."""
    tags: Annotated[dict[Annotated[str, Field(min_length=1, max_length=128)], Annotated[str, Field(min_length=1, max_length=256)]] | None,
                    Field(min_length=1)] = None
    """By tags that they all bear, e.g. ``{karpenter.sh/discovery: platform}``."""


class Consolidation(SpecModel):
    """When Karpenter ends nodes that are not needed. It moves pods: a model server then loads its weights again."""

    when: Literal["empty", "empty_or_underutilized"] = "empty"
    """``empty`` touches no running pod; ``empty_or_underutilized`` also packs pods onto fewer nodes."""
    after_seconds: Annotated[int, Field(ge=0, le=86400)] = 600
    """How long a node stays as it is after the last pod came or went."""


class DisruptionBudget(SpecModel):
    """How many nodes Karpenter may end by itself at a time; of several budgets that hold, the strictest counts."""

    nodes: Annotated[str, Field(pattern=r"^((100|[0-9]{1,2})%|[0-9]{1,4})$")]
    """A number or a percentage, in quotes: ``"1"``, ``"10%"``; ``"0"`` forbids it."""
    schedule: Annotated[str | None, Field(pattern=r"^(@(annually|yearly|monthly|weekly|daily|midnight|hourly)|(\S+\s){4}\S+)$")] = None
    """When the window opens: a cron expression in UTC, e.g. ``0 7 * * mon-fri``; left out, always."""
    hours: Annotated[int | None, Field(ge=1, le=168)] = None
    """How long the window is open; belongs to ``schedule``."""
    reasons: Annotated[tuple[Literal["Underutilized", "Empty", "Drifted"], ...], Field(max_length=3)] = ()
    """What it limits; left out, all of them."""

    @model_validator(mode="after")
    def _window(self) -> DisruptionBudget:
        if (self.schedule is None) != (self.hours is None):
            raise PydanticCustomError("together", "schedule and hours belong together: a window has a beginning and a length",
                                      {"field": ("hours",)})
        return self


class KarpenterEfa(SpecModel):
    """Elastic Fabric Adapter: one interface on every network card of the instance; ``security_groups`` then also hold one that allows all
    traffic to itself, in and out."""

    placement_group: Annotated[str | None, Field(pattern=r"^[-A-Za-z0-9_.]{1,255}$")] = None
    """Name of a placement group with strategy ``cluster``, which is there already, for nodes close together; left out, nodes start where
    there is capacity."""


class KarpenterNodes(AwsNodes):
    """Nodes that Karpenter starts when pods need them and ends when none does; Karpenter itself is on the cluster already,
    or comes with the block ``karpenter`` of the environment."""

    instance_types: Annotated[tuple[InstanceType, ...], Field(min_length=1, max_length=20)]
    """EC2 instance types, all of the same GPU and number of GPUs; Karpenter takes the cheapest that it can have. Plans reckon with the
    least of their hardware and the dearest of their prices."""
    capacity_types: Annotated[tuple[KarpenterCapacityType, ...], Field(min_length=1, max_length=3)] = ("on_demand",)
    """Purchase options. Karpenter tries reserved capacity first, then spot, then on demand, in whatever order they are written; budgets
    reckon with the dearest."""
    capacity_reservations: Annotated[tuple[CapacityReservation, ...], Field(max_length=30)] = ()
    """On-Demand Capacity Reservations that ``reserved`` nodes start in; they are paid for whether nodes run or not."""
    ami: Ami
    """The node image."""
    security_groups: SecurityGroups
    """Security groups of the nodes."""
    efa: KarpenterEfa | None = None
    """Left out, nodes have ordinary network interfaces."""
    static_nodes: Annotated[int | None, Field(ge=1, le=1000)] = None
    """So many nodes always run, needed or not (``replicas`` of the NodePool); left out, nodes come and go with pods. A pool cannot change
    from the one to the other. Karpenter's feature gate StaticCapacity has to be on; gpuplane's own release turns it on."""
    weight: Annotated[int | None, Field(ge=1, le=100)] = None
    """Of several pools that would do Karpenter tries the heaviest first; left out, 0."""
    consolidation: Consolidation = Consolidation()
    """When unneeded nodes end."""
    disruption_budgets: Annotated[tuple[DisruptionBudget, ...], Field(max_length=50)] = ()
    """How many nodes may end at a time; left out, Karpenter's own 10 %."""
    expire_after_hours: Annotated[int | None, Field(ge=1, le=26280)] = None
    """Nodes are replaced at this age, so that images stay current; disruption budgets do not hold it back. Left out, never."""
    termination_grace_seconds: Annotated[int | None, Field(ge=60, le=172800)] = None
    """Pods of a node that ends are deleted after so long, whatever their PodDisruptionBudgets say; left out, they are waited for
    without end."""
    instance_store: Literal["raid0"] | None = None
    """``raid0``: the instance's NVMe disks hold images, weights and logs of pods instead of the volume; left out, they are not used."""

    @model_validator(mode="after")
    def _close_together(self) -> KarpenterNodes:
        if self.efa is not None and self.efa.placement_group is not None and len(self.zones) != 1:
            raise PydanticCustomError("zone", "a placement group with strategy cluster lies in one zone; name it alone",
                                      {"field": ("zones",)})
        return self

    @property
    def types(self) -> tuple[str, ...]:
        return self.instance_types

    @property
    def types_path(self) -> str:
        return "instance_types"

    @property
    def purchases(self) -> tuple[Purchase, ...]:
        found: set[Purchase] = {"spot" if each == "spot" else "on_demand" for each in self.capacity_types}
        return tuple(sorted(found))

    @property
    def least_nodes(self) -> int:
        return self.static_nodes or 0

    @property
    def least_path(self) -> str:
        return "static_nodes"

    @property
    def reservations(self) -> tuple[CapacityReservation, ...]:
        return self.capacity_reservations

    @property
    def bottlerocket(self) -> bool:
        return self.ami.family == "Bottlerocket" or (self.ami.alias or "").startswith("bottlerocket@")

    @property
    def image_path(self) -> str:
        return "ami"

    def image(self, kubernetes_version: str) -> tuple[str, str] | None:
        family, _, release = (self.ami.alias or "").partition("@v")
        return ("AL2023_x86_64_NVIDIA", f"{kubernetes_version}.0-{release}") if family == "al2023" else None

    @model_validator(mode="after")
    def _bounds(self) -> KarpenterNodes:
        if (self.static_nodes or 0) > self.max_nodes:
            raise PydanticCustomError("bounds", "static_nodes {low} is more than max_nodes {high}",
                                      {"low": self.static_nodes, "high": self.max_nodes, "field": ("static_nodes",)})
        if self.static_nodes is not None and self.weight is not None:
            raise PydanticCustomError("together", "weight chooses between pools for a pod; static_nodes run without pods",
                                      {"field": ("weight",)})
        for name in ("instance_types", "capacity_types"):
            if len(set(getattr(self, name))) != len(getattr(self, name)):
                raise PydanticCustomError("twice", "{name} names one of them twice", {"name": name, "field": (name,)})
        return self

    @model_validator(mode="after")
    def _reservations(self) -> KarpenterNodes:
        if ("reserved" in self.capacity_types) != bool(self.capacity_reservations):
            raise PydanticCustomError("together", "capacity type reserved and capacity_reservations belong together",
                                      {"field": ("capacity_reservations",)})
        held = sum(each.nodes for each in self.capacity_reservations)
        if self.capacity_types == ("reserved",) and held < self.max_nodes:
            raise PydanticCustomError("bounds", "max_nodes {high} is more than the {low} that capacity_reservations hold",
                                      {"high": self.max_nodes, "low": held, "field": ("max_nodes",)})
        return self
