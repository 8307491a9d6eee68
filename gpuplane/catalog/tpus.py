"""TPU hosts of GKE: chips, and the slices that hosts of one machine type form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType

from gpuplane.catalog.data_files import read_yaml, sources


@dataclass(frozen=True)
class TpuMachine:
    """One machine type with TPU chips.

    Attributes:
        name: e.g. ``ct5lp-hightpu-4t``.
        accelerator: value of the node label ``cloud.google.com/gke-tpu-accelerator``.
        generation: as people say it, e.g. ``v5e``.
        chips: ``google.com/tpu`` of one host.
        topologies: slices that such hosts form.
        source, as_of: where the row comes from, and of which day it speaks.
    """

    name: str
    accelerator: str
    generation: str
    chips: int
    topologies: tuple[str, ...]
    source: str
    as_of: date


@cache
def load_tpus() -> Mapping[str, TpuMachine]:
    """Every TPU machine type that ships with gpuplane, by name."""
    return MappingProxyType({name: TpuMachine(
        name, row["accelerator"], row["generation"], row["chips"], tuple(row["topologies"]), sources()[row["source"]].text,
        sources()[row["source"]].as_of) for name, row in read_yaml("tpus.yaml")["machines"].items()})
