"""TPU nodes of GKE: slices of one machine type and topology, which somebody else makes and gpuplane selects."""

from __future__ import annotations

from math import prod
from typing import Annotated

from pydantic import Field

from gpuplane.spec.model import LabelValue, SpecModel


class TpuNodes(SpecModel):
    """TPU slices of GKE. A slice of several hosts is one unit: GKE starts, repairs and ends all its hosts together."""

    machine_type: Annotated[str, Field(pattern=r"^(ct|tpu)[a-z0-9]+(-[a-z0-9]+)+$")]
    """Machine type of a host, e.g. ``ct5lp-hightpu-4t``; a row of the TPU catalogue says how many chips it has, and which slices it
    forms."""
    topology: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}(x[1-9][0-9]{0,2}){1,2}$")]
    """Chips of one slice by their dimensions, e.g. ``2x4`` or ``2x2x2``: the value of the label ``cloud.google.com/gke-tpu-topology``."""
    slices: Annotated[int, Field(ge=1, le=500)]
    """How many slices there are; of slices with several hosts each is a GKE node pool of its own."""
    vcpus_per_node: Annotated[int, Field(ge=1, le=1024)]
    """CPU cores of a host, as ``kubectl describe node`` shows them under Capacity."""
    memory_gib_per_node: Annotated[int, Field(ge=1, le=32768)]
    """Memory of a host, in GiB."""
    disk_gib_per_node: Annotated[int | None, Field(ge=20, le=65536)] = None
    """Boot disk for images and weights, in GiB; left out, it is not checked."""
    max_pods: Annotated[int | None, Field(ge=10, le=256)] = None
    """Pods of a host; left out, 110."""
    zones: dict[Annotated[LabelValue, Field(min_length=1)], Annotated[int, Field(ge=1, le=1000)]] = Field(default_factory=dict)
    """Hosts by zone; left out, zones do not matter."""

    @property
    def chips_per_slice(self) -> int:
        """Chips of one slice: the product of its dimensions."""
        return prod(int(part) for part in self.topology.split("x"))

    def hosts_per_slice(self, chips_per_node: int) -> int:
        """Hosts of one slice; 1 where one host has all its chips."""
        return max(1, self.chips_per_slice // chips_per_node)
