"""EC2 instance types with NVIDIA GPUs: what one node brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType

from gpuplane.catalog.data_files import read_rows, sources


@dataclass(frozen=True)
class Instance:
    """One instance type.

    Attributes:
        name: e.g. ``p5.48xlarge``.
        gpus: GPUs of one node.
        gpu: name in the GPU catalogue, None where that has no such GPU.
        gpu_model: as the source writes it.
        vcpus: virtual CPUs.
        memory_gib: host memory in GiB.
        source, as_of: where the row comes from, and of which day it speaks.
    """

    name: str
    gpus: int
    gpu: str | None
    gpu_model: str
    vcpus: int
    memory_gib: int
    source: str
    as_of: date


@cache
def load_instances() -> Mapping[str, Instance]:
    """Every instance type of the catalogue by name."""
    return MappingProxyType({row["name"]: _instance(row) for row in read_rows("instances.tsv")})


def instance(name: str) -> Instance | None:
    """The instance type of that name, None where the catalogue has none."""
    return load_instances().get(name)


def _instance(row: dict[str, str]) -> Instance:
    source = sources()[row["source"]]
    return Instance(
        name=row["name"], gpus=int(row["gpus"]), gpu=row["gpu"] or None, gpu_model=row["gpu_model"],
        vcpus=int(row["vcpus"]), memory_gib=int(row["memory_gib"]), source=source.text, as_of=source.as_of)
