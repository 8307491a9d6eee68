"""How fast GPUs read and multiply: what a modelled throughput rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType

from gpuplane.catalog.data_files import read_yaml, sources


@dataclass(frozen=True)
class GpuSpeed:
    """One whole GPU: memory bandwidth in 10^9 bytes/s, dense 16-bit tensor speed in 10^12 operations/s."""

    gpu: str
    memory_gb_per_second: float
    dense_16bit_tflops: float
    source: str
    as_of: date


@cache
def load_gpu_speeds() -> Mapping[str, GpuSpeed]:
    """Speeds by GPU."""
    found = {}
    for gpu, row in read_yaml("gpu_speed.yaml").items():
        source = sources()[row["source"]]
        found[gpu] = GpuSpeed(gpu, float(row["memory_gb_per_second"]), float(row["dense_16bit_tflops"]), source.text, source.as_of)
    return MappingProxyType(found)
