"""What the platform installs, or finds there: Kueue, KServe, the GPU Operator."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gpuplane.spec.model import (
    SpecModel,
)

Version = Annotated[str, Field(pattern=r"^v?[0-9]+\.[0-9]+(\.[0-9]+)?(-[A-Za-z0-9.]+)?$")]


class GpuOperator(SpecModel):
    """NVIDIA GPU Operator as a pinned Helm release, with the values a platform sets."""

    version: Version
    """Version of the chart, e.g. ``v26.7.0``."""
    driver: bool = False
    """Install the driver; false where the node image has it (EKS NVIDIA images do)."""
    toolkit: bool = False
    """Install the container toolkit; false where the node image has it."""
    mig_strategy: Literal["none", "single", "mixed"] = "mixed"
    """``mixed``: MIG devices have names of their own, such as ``nvidia.com/mig-1g.10gb``."""
    dcgm_service_monitor: bool = True
    """Have Prometheus scrape the GPU metrics, where there is ``monitoring``."""


class HelmInstall(SpecModel):
    """``install: release`` brings a pinned Helm release; ``external``: the cluster has it already."""

    install: Literal["release", "external"]
    """``release``: gpuplane installs and upgrades it; ``external``: it is there already."""
    version: Version
    """Version that is installed, or that is there."""


class Kueue(HelmInstall):
    """Kueue, the one quota system for GPUs."""


class KServe(HelmInstall):
    """KServe in Standard (Deployment) mode."""
