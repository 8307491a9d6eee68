"""EC2 instance types with NVIDIA GPUs: what one node brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType

from gpuplane.catalog.data_files import read_rows, sources


@dataclass(frozen=True)
class Instance:
    """One instance type; None is not known.

    Attributes:
        name: e.g. ``p5.48xlarge``.
        gpus: GPUs of one node.
        gpu: name in the GPU catalogue, None where that has no such GPU.
        gpu_model: as people say it.
        vcpus: virtual CPUs.
        memory_gib: host memory in GiB.
        source, as_of: where the row comes from, and of which day it speaks.
        arch: ``x86_64`` or ``arm64``.
        gpu_memory_mib: memory of one GPU in MiB, as the EC2 API says it (not what CUDA programs see).
        local_disk_gb: NVMe instance store in GB (10^9 bytes); 0 for none.
        network_gbit: baseline bandwidth in Gbit/s.
        efa_interfaces: Elastic Fabric Adapter interfaces; 0 for none.
        nvlink_gpus: GPUs of a node that NVLink joins; 0 for none.
        max_pods: pods of a node with the AWS VPC CNI and secondary addresses (its eni-max-pods table).
        allocatable_vcpus, allocatable_memory_mib: what Karpenter expects to be left for pods after its default reservations, before
            DaemonSets.
    """

    name: str
    gpus: int
    gpu: str | None
    gpu_model: str
    vcpus: int
    memory_gib: int
    source: str
    as_of: date
    arch: str | None = None
    gpu_memory_mib: int | None = None
    local_disk_gb: int | None = None
    network_gbit: Decimal | None = None
    efa_interfaces: int | None = None
    nvlink_gpus: int | None = None
    max_pods: int | None = None
    allocatable_vcpus: Decimal | None = None
    allocatable_memory_mib: int | None = None

    @property
    def efa_on_primary_card(self) -> bool:
        """Whether each network card takes one EFA interface, the first included (EC2 User Guide, "Maximize network bandwidth on EC2
        instances with multiple network cards"); of ``p6-b300`` that page was not read, and it has a card more than EFA interfaces."""
        return not self.name.startswith("p6-b300.")


@cache
def load_instances() -> Mapping[str, Instance]:
    """Every instance type that ships with gpuplane, by name."""
    return MappingProxyType({row["name"]: _instance(row) for row in read_rows("instances.tsv")})


def instance(name: str) -> Instance | None:
    """The shipped instance type of that name, None where there is none."""
    return load_instances().get(name)


def _instance(row: dict[str, str]) -> Instance:
    source = sources()[row["source"]]
    return Instance(
        name=row["name"], gpus=int(row["gpus"]), gpu=row["gpu"] or None, gpu_model=row["gpu_model"],
        vcpus=int(row["vcpus"]), memory_gib=int(row["memory_gib"]), source=source.text, as_of=source.as_of, arch=row["arch"] or None,
        gpu_memory_mib=_whole(row["gpu_memory_mib"]), local_disk_gb=_whole(row["local_disk_gb"]),
        network_gbit=_decimal(row["network_gbit"]), efa_interfaces=_whole(row["efa_interfaces"]), nvlink_gpus=_whole(row["nvlink_gpus"]),
        max_pods=_whole(row["max_pods"]), allocatable_vcpus=_decimal(row["allocatable_vcpus"]),
        allocatable_memory_mib=_whole(row["allocatable_memory_mib"]))


def _whole(text: str) -> int | None:
    return int(text) if text else None


def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if text else None
