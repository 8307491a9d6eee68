"""GPU models: memory, labels, compute capability, NVLink and MIG profiles. A profile's name alone does not say its size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from gpuplane.catalog.data_files import read_yaml, sources

SharingMode = Literal["dedicated", "mig", "time-slicing", "mps"]


@dataclass(frozen=True)
class MigProfile:
    """One size of MIG device on one GPU model.

    Attributes:
        name: as NVIDIA names it, e.g. ``1g.10gb``.
        compute_slices: of 7 (of 4 on A30 and RTX PRO 6000).
        memory_slices: of 8 (of 4); 3g takes 4.
        max_per_gpu: most of them on one GPU.
        starts: memory slices it may begin at.
        reported_memory_gib: memory in GiB that ``nvidia-smi mig -lgip`` lists for it, less than its name says; None where not known.
    """

    name: str
    compute_slices: int
    memory_slices: int
    max_per_gpu: int
    starts: tuple[int, ...]
    reported_memory_gib: Decimal | None = None


@dataclass(frozen=True)
class Gpu:
    """One GPU model.

    Attributes:
        name: gpuplane's name, e.g. ``H100-SXM-80GB``.
        product_label: value of the node label ``nvidia.com/gpu.product``.
        memory_gib: nominal memory in GiB.
        reported_memory_gib: memory the card really reports in GiB; None where not known.
        compute_capability: CUDA compute capability, e.g. ``9.0``.
        source, as_of: where the row comes from, and of which day it speaks.
        mig_profiles: by name; empty where the GPU has no MIG.
        nvlink_gpus: GPUs of the largest NVLink domain it is built into, itself included; 0 where it has none.
        nvlink_gb_per_second: GB/s from one GPU to the others, both directions together; None without NVLink.
        karpenter_name: value of the node label ``karpenter.k8s.aws/instance-gpu-name``; None where not known.
        gke_accelerator: value of the node label ``cloud.google.com/gke-accelerator``; None where not known.
        unverified: fields that nobody has compared with a card or a node.
    """

    name: str
    product_label: str
    memory_gib: int
    reported_memory_gib: Decimal | None
    compute_capability: str
    source: str
    as_of: date
    mig_profiles: Mapping[str, MigProfile] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    nvlink_gpus: int = 0
    nvlink_gb_per_second: int | None = None
    karpenter_name: str | None = None
    gke_accelerator: str | None = None
    unverified: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The name people say: ``H100`` of ``H100-SXM-80GB``, ``RTX-4090`` of ``RTX-4090-24GB``."""
        return self.name.rpartition("-")[0].removesuffix("-SXM").removesuffix("-PCIE").removesuffix("-NVL") or self.name

    @property
    def compute_slices(self) -> int:
        """Compute slices that MIG can hand out: 7, on A30 and RTX PRO 6000 4; 0 without MIG."""
        return max((profile.compute_slices for profile in self.mig_profiles.values()), default=0)

    @property
    def memory_slices(self) -> int:
        """Memory slices: 8, on A30 and RTX PRO 6000 4; 0 without MIG."""
        return max((profile.memory_slices for profile in self.mig_profiles.values()), default=0)

    @property
    def sharing_modes(self) -> tuple[SharingMode, ...]:
        """How it can be shared: time-slicing and MPS (whole GPUs of compute capability 7.0 and up) need no hardware, MIG does."""
        mps: tuple[SharingMode, ...] = ("mps",) if self.capability >= (7, 0) else ()
        mig: tuple[SharingMode, ...] = ("mig",) if self.mig_profiles else ()
        return ("dedicated", *mig, "time-slicing", *mps)

    @property
    def capability(self) -> tuple[int, int]:
        """Compute capability as two numbers, which compare as they should: ``(10, 0)`` is more than ``(9, 0)``."""
        major, _, minor = self.compute_capability.partition(".")
        return int(major), int(minor)


@cache
def load_gpus() -> Mapping[str, Gpu]:
    """Every GPU model that ships with gpuplane, by name."""
    data = read_yaml("gpus.yaml")
    return MappingProxyType({name: _gpu(name, row, data["mig_shapes"]) for name, row in data["gpus"].items()})


def gpu(name: str) -> Gpu | None:
    """The shipped GPU model of that name, None where there is none."""
    return load_gpus().get(name)


def _gpu(name: str, row: dict[str, Any], shapes: dict[str, dict[str, Any]]) -> Gpu:
    source, nvlink, memory = sources()[row["source"]], row.get("nvlink", {}), row.get("mig_memory", {})
    profiles = {profile: _profile(profile, shapes[shape], memory.get(profile)) for shape, profile in row.get("mig", {}).items()}
    return Gpu(
        name=name, product_label=row["product_label"], memory_gib=row["memory_gib"],
        reported_memory_gib=_decimal(row.get("reported_memory_gib")), compute_capability=row["compute_capability"],
        source=source.text, as_of=source.as_of, mig_profiles=MappingProxyType(profiles), nvlink_gpus=nvlink.get("gpus", 0),
        nvlink_gb_per_second=nvlink.get("gb_per_second"), karpenter_name=row.get("karpenter"), gke_accelerator=row.get("gke"),
        unverified=tuple(row.get("unverified", ())))


def _profile(name: str, shape: dict[str, Any], memory: str | None) -> MigProfile:
    return MigProfile(name, shape["compute_slices"], shape["memory_slices"], shape["max_per_gpu"], tuple(shape["starts"]), _decimal(memory))


def _decimal(text: str | None) -> Decimal | None:
    return Decimal(text) if text is not None else None
