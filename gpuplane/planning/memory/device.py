"""The memory of a GPU or a MIG device, from the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gpuplane.catalog.gpus import Gpu
from gpuplane.planning.memory.interval import Interval
from gpuplane.planning.memory.request import Device

LARGE_GIB = 70
"""From here on vLLM takes its larger batch defaults, except on an A100 (``arg_utils.py``)."""
_REPORTED = Interval(0.915, 0.975, 0.995)
"""Reported over nominal memory of cards whose figure was never seen: those that were lie between 0.92 (ECC in GDDR6) and 0.995."""
_SLICE = Interval(0.93, 0.955, 0.985)
"""The same of a MIG device against its share of the slices: A100 devices report 0.95 (1g) to 0.98 (3g) of it (NVIDIA MIG user guide)."""


def device(gpu: Gpu, profile: str | None = None, shared_by: int = 1) -> Device:
    """What one rank has on this GPU.

    Args:
        gpu: the catalogue's row.
        profile: MIG profile, a key of ``gpu.mig_profiles``.
        shared_by: pods that take turns on it.
    """
    name = gpu.name if profile is None else f"{gpu.name} {profile}"
    slices = gpu.mig_profiles[profile] if profile is not None else None
    seen = slices.reported_memory_gib if slices is not None else gpu.reported_memory_gib
    if seen is not None:
        memory, what = Interval.around(float(seen), 0.005 * float(seen), 0.003 * float(seen)), f"{name}: reports {seen} GiB"
    elif slices is not None:
        memory = _SLICE * (gpu.memory_gib * slices.memory_slices / gpu.memory_slices)
        what = f"{name}: {slices.memory_slices} of {gpu.memory_slices} memory slices"
    else:
        memory, what = _REPORTED * gpu.memory_gib, f"{name}: nominal {gpu.memory_gib} GiB, what it reports was never seen"
    large = memory.expected >= LARGE_GIB and gpu.family != "A100"
    return Device(name, memory, large, mig=profile is not None, shared_by=shared_by, capability=gpu.capability,
                  source=f"{what}, {gpu.source} ({gpu.as_of})")


_LARGE = re.compile(r"h100|h200|h20\b|b[23]00|mi3\d\d|pro 6000")
"""Names of cards of 70 GiB and more that are no A100."""


def plain_device(memory_gib: float, name: str = "") -> Device:
    """A card that the catalogue does not have: the memory it reports in GiB, and what people call it."""
    large: bool | None = memory_gib >= LARGE_GIB
    if large and not _LARGE.search(name.lower()):
        large = False if "a100" in name.lower() else None
    return Device(name or f"GPU with {memory_gib:g} GiB", Interval.exactly(memory_gib), large, source="given")


def find_gpu(gpus: Iterable[Gpu], wanted: str) -> tuple[Gpu, ...]:
    """GPUs that a name may mean: ``H100-SXM-80GB``, ``NVIDIA-H100-80GB-HBM3`` or as people write it, ``H100 80GB``.

    Several only where they differ in memory; forms of one GPU with equal memory count as one.
    """
    known = list(gpus)
    exact = [gpu for gpu in known if wanted in (gpu.name, gpu.product_label)]
    if exact:
        return (exact[0],)
    asked = _words(re.sub(r"\([^)]*\)", " ", wanted))
    found = [gpu for gpu in known if asked and asked <= _words(f"{gpu.name} {gpu.product_label}")]
    kinds = {(gpu.memory_gib, gpu.reported_memory_gib) for gpu in found}
    return tuple(found[:1]) if len(kinds) == 1 else tuple(found)


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9]+", text.lower())) - {"nvidia", "gpu", "tesla", "geforce", "tensor", "core"}
