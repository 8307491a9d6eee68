"""GPU models: memory, node label, compute capability and MIG profiles. A profile's name alone does not say its size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any

from gpuplane.catalog.data_files import read_yaml, sources

COMPUTE_SLICES = 7
"""Compute slices of a GPU that MIG can cut (NVIDIA MIG user guide)."""
MEMORY_SLICES = 8
"""Memory slices of such a GPU."""


@dataclass(frozen=True)
class MigProfile:
    """One size of MIG device on one GPU model.

    Attributes:
        name: as NVIDIA names it, e.g. ``1g.10gb``.
        compute_slices: of 7.
        memory_slices: of 8; 3g takes 4.
        max_per_gpu: most of them on one GPU.
        starts: memory slices it may begin at.
    """

    name: str
    compute_slices: int
    memory_slices: int
    max_per_gpu: int
    starts: tuple[int, ...]


@dataclass(frozen=True)
class Gpu:
    """One GPU model.

    Attributes:
        name: gpuplane's name, e.g. ``H100-SXM-80GB``.
        product_label: value of the node label ``nvidia.com/gpu.product``.
        memory_gib: nominal memory in GiB.
        reported_memory_gib: memory the card really reports in GiB; None where not known.
        compute_capability: CUDA compute capability, e.g. ``9.0``.
        mig_profiles: by name; empty where the GPU has no MIG.
        source, as_of: where the row comes from, and of which day it speaks.
    """

    name: str
    product_label: str
    memory_gib: int
    reported_memory_gib: Decimal | None
    compute_capability: str
    source: str
    as_of: date
    mig_profiles: Mapping[str, MigProfile] = field(default_factory=lambda: MappingProxyType({}), hash=False)

    @property
    def family(self) -> str:
        """The name people say: ``H100`` of ``H100-SXM-80GB``."""
        return self.name.partition("-")[0]


@cache
def load_gpus() -> Mapping[str, Gpu]:
    """Every GPU model of the catalogue by name."""
    data = read_yaml("gpus.yaml")
    return MappingProxyType({name: _gpu(name, row, data["mig_shapes"]) for name, row in data["gpus"].items()})


def gpu(name: str) -> Gpu | None:
    """The GPU model of that name, None where the catalogue has none."""
    return load_gpus().get(name)


def _gpu(name: str, row: dict[str, Any], shapes: dict[str, dict[str, Any]]) -> Gpu:
    source = sources()[row["source"]]
    reported = row.get("reported_memory_gib")
    profiles = {profile: _profile(profile, shapes[shape]) for shape, profile in row.get("mig", {}).items()}
    return Gpu(
        name=name, product_label=row["product_label"], memory_gib=row["memory_gib"],
        reported_memory_gib=Decimal(reported) if reported is not None else None,
        compute_capability=row["compute_capability"], source=source.text, as_of=source.as_of,
        mig_profiles=MappingProxyType(profiles))


def _profile(name: str, shape: dict[str, Any]) -> MigProfile:
    return MigProfile(name, shape["compute_slices"], shape["memory_slices"], shape["max_per_gpu"], tuple(shape["starts"]))
