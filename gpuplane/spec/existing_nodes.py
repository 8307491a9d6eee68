"""GPU nodes that somebody else brings, found by their labels."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.model import LabelKey, LabelValue, SpecModel, Usd


class HostAmounts(SpecModel):
    """CPU and memory of one node, in the units that ``kubectl describe node`` comes closest to."""

    cpu_millicores: Annotated[int, Field(ge=0, le=1_024_000)]
    """Thousandths of a core, e.g. 1930 for ``1930m``."""
    memory_mib: Annotated[int, Field(ge=0, le=33_554_432)]
    """MiB."""


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
    zones: dict[Annotated[LabelValue, Field(min_length=1)], Annotated[int, Field(ge=1, le=1000)]] = Field(default_factory=dict)
    """Nodes by the value of their label ``topology.kubernetes.io/zone`` (a room, a rack, a cloud's zone); left out, zones do not matter."""
    allocatable: HostAmounts | None = None
    """What a node reports as allocatable (``kubectl describe node``): capacity less the kubelet's reserve and eviction threshold."""
    system_reserved: HostAmounts | None = None
    """What the kubelet keeps (``kubeReserved`` + ``systemReserved``); without it and ``allocatable`` a tenth is set aside."""

    @model_validator(mode="after")
    def _zones(self) -> ExistingNodes:
        if self.zones and sum(self.zones.values()) != self.max_nodes:
            raise PydanticCustomError("bounds", "the zones have {sum} nodes, but max_nodes is {most}",
                                      {"sum": sum(self.zones.values()), "most": self.max_nodes, "field": ("zones",)})
        return self

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
