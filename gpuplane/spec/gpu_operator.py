"""NVIDIA's GPU Operator: who installs drivers, and how pods get GPUs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.model import SpecModel

Version = Annotated[str, Field(max_length=64, pattern=r"^v?[0-9]+\.[0-9]+(\.[0-9]+)?(-[A-Za-z0-9.]+)?$")]
"""A chart's version, as its repository spells it."""
ChartValues = Annotated[dict[str, JsonValue], WithJsonSchema({"type": "object"})]
"""Further values of a Helm chart, nested as in its ``values.yaml``; unknown keys, and those that gpuplane sets itself, are refused."""


class NodeDrain(SpecModel):
    """Nodes are drained before their driver is replaced; without it only the pods that hold GPUs are deleted."""

    timeout_seconds: Annotated[int, Field(ge=1, le=86_400)] = 300
    """How long a drain may take before the upgrade of that node fails."""
    force: bool = False
    """Also delete pods that no controller brings back."""
    delete_empty_dirs: bool = False
    """Also delete pods with ``emptyDir`` volumes, whose data is lost."""


class DriverUpgrade(SpecModel):
    """How a new driver reaches the nodes; the words are those of the operator's ``upgradePolicy``."""

    max_parallel_upgrades: Annotated[int, Field(ge=1, le=1000)] = 1
    """Nodes that are upgraded at the same time."""
    max_unavailable_percent: Annotated[int, Field(ge=1, le=100)] = 25
    """Share of the nodes with a driver that may be unavailable, in percent, rounded up."""
    wait_for_jobs_seconds: Annotated[int, Field(ge=0, le=604_800)] = 0
    """How long to wait for jobs on a node to end; 0: as long as they take."""
    pod_deletion_timeout_seconds: Annotated[int, Field(ge=1, le=86_400)] = 300
    """How long pods that hold GPUs may take to go."""
    drain: NodeDrain | None = None


class GpuDriver(SpecModel):
    """The operator installs the NVIDIA driver; leave it out where the node image has it (EKS NVIDIA images do)."""

    version: Annotated[str | None, Field(pattern=r"^[0-9]{3}(\.[0-9]{1,3}){0,2}$")] = None
    """Driver, e.g. ``580.126.20``, in quotes; of precompiled ones the branch, e.g. ``"580"``. Left out, the one the chart pins."""
    precompiled: bool = False
    """Packages that are built for the nodes' kernel already: nothing is compiled on the node."""
    kernel_module: Literal["auto", "open", "proprietary"] = "auto"
    """``open`` is the only one for Blackwell and newer; ``auto``: the driver chooses."""
    upgrade: DriverUpgrade = DriverUpgrade()

    @model_validator(mode="after")
    def _version(self) -> GpuDriver:
        if self.precompiled and (self.version is None or "." in self.version):
            raise PydanticCustomError("driver", "precompiled drivers are pinned by branch, such as \"580\"; this is {version}",
                                      {"version": self.version or "not written", "field": ("version",)})
        if not self.precompiled and self.version is not None and "." not in self.version:
            raise PydanticCustomError("driver", "{version} is a branch: pin a whole version, such as \"580.126.20\", or take precompiled "
                                      "drivers", {"version": self.version, "field": ("version",)})
        return self


class Dra(SpecModel):
    """Dynamic Resource Allocation in place of the device plugin, on all nodes of the cluster (experimental in GPU Operator v26.7).

    Whole GPUs only: pods keep asking for ``nvidia.com/gpu``, which the scheduler turns into claims.
    """

    compute_domains: bool = False
    """Compute domains as well: memory over NVLink between the nodes of one domain (GB200 NVL72)."""
    claim_template: Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")] = "gpu"
    """Name of the ResourceClaimTemplate for one GPU in each tenant's namespace, for pods that claim themselves."""


class GpuOperator(SpecModel):
    """NVIDIA GPU Operator as a pinned Helm release, with the values a platform sets."""

    version: Version
    """Version of the chart, e.g. ``v26.7.0``."""
    driver: GpuDriver | None = None
    toolkit: bool = False
    """Install the container toolkit; false where the node image has it."""
    mig_strategy: Literal["none", "single", "mixed"] = "mixed"
    """``mixed``: MIG devices have names of their own, such as ``nvidia.com/mig-1g.10gb``."""
    node_feature_discovery: Literal["release", "external"] = "release"
    """``external``: the cluster runs Node Feature Discovery already; two of them fight over labels."""
    dcgm_service_monitor: bool = True
    """Have Prometheus scrape the GPU metrics, where there is ``monitoring``."""
    dcgm_interval_seconds: Annotated[int, Field(ge=1, le=300)] = 15
    """How often they are scraped."""
    dra: Dra | None = None
    values: ChartValues = Field(default_factory=dict)
    """Further values of the chart."""
