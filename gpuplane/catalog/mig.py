"""Which sets of MIG devices a GPU can be cut into: NVIDIA's placement rule, searched exactly.

A layout is possible if its compute slices are at most those of the GPU (7; 4 on A30 and RTX PRO 6000) and every device finds a
start such that no two share a memory slice. The search is small: at most 8 memory slices, and each device has at most 7 starts.
"""

from __future__ import annotations

from collections.abc import Mapping

from gpuplane.catalog.gpus import Gpu, MigProfile


def mig_layout_valid(gpu: Gpu, layout: Mapping[str, int]) -> str | None:
    """Why a GPU cannot be cut like this, in one sentence; None where it can.

    Args:
        gpu: the GPU model.
        layout: profile name to number of devices on one GPU.
    """
    if not gpu.mig_profiles:
        return f"{gpu.name} has no MIG."
    unknown = sorted(set(layout) - set(gpu.mig_profiles))
    if unknown:
        return f"{gpu.name} has no profile {', '.join(unknown)}; it has: {', '.join(gpu.mig_profiles)}."
    for name, count in sorted(layout.items()):
        most = gpu.mig_profiles[name].max_per_gpu
        if count > most:
            return f"{count} × {name} is more than the {most} that one {gpu.name} can have."
    compute = sum(gpu.mig_profiles[name].compute_slices * count for name, count in layout.items())
    if compute > gpu.compute_slices:
        return f"{written(layout)} needs {compute} compute slices; one {gpu.name} has {gpu.compute_slices}."
    devices = [gpu.mig_profiles[name] for name, count in sorted(layout.items()) for _ in range(count)]
    # Large devices first: they have the fewest starts, so a dead end shows early.
    if not _placeable(sorted(devices, key=lambda profile: -profile.memory_slices), frozenset()):
        return f"{written(layout)} cannot be placed on one {gpu.name}: the memory slices that these profiles may take overlap."
    return None


def written(layout: Mapping[str, int]) -> str:
    """A layout in words: ``2 × 1g.10gb + 1 × 3g.40gb``."""
    return " + ".join(f"{count} × {name}" for name, count in sorted(layout.items()))


def _placeable(devices: list[MigProfile], taken: frozenset[int]) -> bool:
    if not devices:
        return True
    first, rest = devices[0], devices[1:]
    for start in first.starts:
        slices = frozenset(range(start, start + first.memory_slices))
        if not slices & taken and _placeable(rest, taken | slices):
            return True
    return False
