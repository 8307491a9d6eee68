"""What of a node is not for models: the DaemonSets of the platform and their requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Literal

from gpuplane.catalog.data_files import read_yaml, sources

When = Literal["always", "aws", "gpu_operator", "mig", "monitoring"]


@dataclass(frozen=True)
class DaemonSet:
    """One DaemonSet of the platform: a pod on every GPU node.

    Attributes:
        name: as its chart calls it.
        when: which part of the platform brings it.
        cpu_millicores, memory_mib: what its pod requests; 0 where the chart sets no request.
        source, as_of: where the row comes from, and of which day it speaks.
    """

    name: str
    when: When
    cpu_millicores: int
    memory_mib: int
    source: str
    as_of: date


@cache
def load_daemonsets() -> Mapping[str, DaemonSet]:
    """Every row of the catalogue, by name."""
    return MappingProxyType({name: _daemonset(name, row) for name, row in sorted(read_yaml("daemonsets.yaml")["daemonsets"].items())})


def _daemonset(name: str, row: Mapping[str, str | int]) -> DaemonSet:
    source = sources()[str(row["source"])]
    when: When = row["when"]  # type: ignore[assignment] # held by the integrity tests
    return DaemonSet(name, when, int(row["cpu_millicores"]), int(row["memory_mib"]), source.text, source.as_of)
