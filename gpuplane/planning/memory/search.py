"""What else would fit: the smallest GPU, MIG profile and tensor parallelism that surely hold the same service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from gpuplane.catalog.gpus import Gpu
from gpuplane.planning.memory.device import device
from gpuplane.planning.memory.fit import fit
from gpuplane.planning.memory.request import FitRequest

_PARALLEL = (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Placement:
    """Devices that hold one replica.

    Attributes:
        gpu: name in the catalogue.
        profile: MIG profile; None: a whole GPU.
        tensor_parallel_size: how many of them.
        memory_gib: nominal memory of all of them.
    """

    gpu: str
    profile: str | None
    tensor_parallel_size: int
    memory_gib: float

    def __str__(self) -> str:
        name = self.gpu if self.profile is None else f"{self.profile} of {self.gpu}"
        return name if self.tensor_parallel_size == 1 else f"{self.tensor_parallel_size} × {name}"


def smallest_parallelism(request: FitRequest) -> int | None:
    """The smallest tensor_parallel_size that fits on this device; None: none does."""
    return next((size for size in _sizes(request) if fit(replace(request, tensor_parallel_size=size)).fits), None)


@lru_cache(maxsize=512)
def smallest_device(request: FitRequest, gpus: tuple[Gpu, ...]) -> Placement | None:
    """The least GPU memory that surely fits, of all GPUs, MIG profiles and parallelisms; ties go to fewer devices, then to the name."""
    options = sorted(_options(request, gpus), key=lambda row: (row.memory_gib, row.tensor_parallel_size, row.gpu, row.profile or ""))
    rows = {gpu.name: gpu for gpu in gpus}
    for option in options:
        asked = replace(request, device=device(rows[option.gpu], option.profile), tensor_parallel_size=option.tensor_parallel_size)
        if fit(asked).fits:
            return option
    return None


def _options(request: FitRequest, gpus: Iterable[Gpu]) -> Iterator[Placement]:
    for gpu in gpus:
        for size in _sizes(request):
            yield Placement(gpu.name, None, size, float(gpu.memory_gib * size))
        for name, profile in gpu.mig_profiles.items():
            if "+" not in name and not name.endswith("-me"):
                yield Placement(gpu.name, name, 1, gpu.memory_gib * profile.memory_slices / gpu.memory_slices)


def _sizes(request: FitRequest) -> Iterator[int]:
    return (size for size in _PARALLEL if request.model.attention_heads % size == 0)
