"""Which ways of cutting GPUs by MIG serve a demand: by NVIDIA's placement rule, not by slices added up.

Devices have fixed first memory slices, so 3g + 2g + 3 × 1g adds up and cannot be cut. The search runs over the maximal
layouts of one GPU: 12 of them where double-memory and media profiles are left aside (NVIDIA MIG user guide).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from gpuplane.catalog.gpus import Gpu, MigProfile
from gpuplane.planning.placement.claims import Claim, NodeGroup
from gpuplane.planning.placement.search import fewest

Layout = tuple[tuple[str, int], ...]
"""Profile to devices on one GPU, sorted by name."""


@dataclass(frozen=True)
class CutGpus:
    """GPUs cut alike."""

    layout: Layout
    gpus: int


@dataclass(frozen=True)
class MigPacking:
    """The fewest GPUs that serve a demand.

    Attributes:
        gpus: how many; None where some profile cannot be cut on this GPU.
        lower_bound: no cutting takes fewer; equal to ``gpus`` where that is proven.
        cut: layouts and GPUs of each; not every device of them need be asked for.
    """

    gpus: int | None
    lower_bound: int
    cut: tuple[CutGpus, ...]


def layouts(gpu: Gpu) -> frozenset[Layout]:
    """Every set of devices that one GPU can be cut into, the empty one too."""
    return _layouts(tuple(gpu.mig_profiles[name] for name in sorted(gpu.mig_profiles)))


def maximal_layouts(gpu: Gpu) -> tuple[Layout, ...]:
    """The layouts to which no further device can be added, sorted."""
    return _maximal(tuple(gpu.mig_profiles[name] for name in sorted(gpu.mig_profiles)))


def fewest_gpus(gpu: Gpu, demand: Mapping[str, int]) -> MigPacking:
    """How few GPUs serve a demand, and how each is cut.

    Args:
        gpu: the model of all of them.
        demand: profile to devices.
    """
    wanted = {name: count for name, count in sorted(demand.items()) if count}
    if not wanted:
        return MigPacking(0, 0, ())
    if not set(wanted) <= set(gpu.mig_profiles):
        return MigPacking(None, 0, ())
    cuts = _undominated({tuple((name, min(count, wanted[name])) for name, count in layout if name in wanted): layout
                         for layout in maximal_layouts(gpu)})
    claims = tuple(Claim(((name, 1),), count) for name, count in wanted.items())
    patterns = [tuple(dict(cut).get(name, 0) for name in wanted) for cut in cuts]
    found = fewest([NodeGroup(gpu.name, (), sum(wanted.values()))], claims, [patterns], None)
    whole = dict(zip(patterns, cuts.values(), strict=True))
    return MigPacking(found.objective, found.bound, tuple(sorted((CutGpus(whole[pattern], count) for pattern, count in found.nodes[0]),
                                                                 key=lambda row: row.layout)))


def fewest_gpus_count(gpu: Gpu, demand: Mapping[str, int]) -> int | None:
    """How few GPUs serve a demand, as :func:`fewest_gpus` says; where slices added up meet one layout for all GPUs, without a search."""
    wanted = {name: count for name, count in demand.items() if count}
    if not wanted or not set(wanted) <= set(gpu.mig_profiles):
        return fewest_gpus(gpu, demand).gpus
    whole = max(gpu.mig_profiles.values(), key=lambda profile: (profile.memory_slices, profile.compute_slices))
    slices = ((profile.memory_slices, profile.compute_slices) for profile in (gpu.mig_profiles[name] for name in wanted))
    memory, compute = (sum(count * each for count, each in zip(wanted.values(), column, strict=True))
                       for column in zip(*slices, strict=True))
    least = max(-(-memory // whole.memory_slices), -(-compute // whole.compute_slices))
    alike = [max(-(-count // cut[name]) for name, count in wanted.items())
             for cut in map(dict, maximal_layouts(gpu)) if set(wanted) <= set(cut)]
    return least if min(alike, default=None) == least else fewest_gpus(gpu, demand).gpus


def short_of(layout: Mapping[str, int], gpus: int, demand: Mapping[str, int]) -> Mapping[str, int]:
    """Devices by profile that so many GPUs of one layout lack for a demand."""
    lack = {name: count - gpus * layout.get(name, 0) for name, count in sorted(demand.items())}
    return {name: count for name, count in lack.items() if count > 0}


def unused_of(layout: Mapping[str, int], gpus: int, demand: Mapping[str, int]) -> Mapping[str, int]:
    """Devices by profile that such GPUs have and the demand does not ask for."""
    return short_of(demand, 1, {name: gpus * count for name, count in layout.items()})


def serving_layouts(gpu: Gpu, gpus: int, demand: Mapping[str, int]) -> tuple[Layout, ...]:
    """Maximal layouts that serve the demand when all GPUs are cut alike, those that leave the least unused first."""
    found = [layout for layout in maximal_layouts(gpu) if not short_of(dict(layout), gpus, demand)]
    return tuple(sorted(found, key=lambda layout: (sum(unused_of(dict(layout), gpus, demand).values()), layout)))


def _undominated(cuts: Mapping[Layout, Layout]) -> dict[Layout, Layout]:
    """Without those that serve no more than another: the search has fewer to look at."""
    return {cut: layout for cut, layout in sorted(cuts.items()) if not any(
        cut != other and all(dict(other).get(name, 0) >= count for name, count in cut) for other in cuts)}


@lru_cache(maxsize=64)
def _layouts(profiles: tuple[MigProfile, ...]) -> frozenset[Layout]:
    """Profile by profile, device by device: what lies where so far, the compute slices left, and the devices."""
    compute = max((profile.compute_slices for profile in profiles), default=0)
    placed: set[tuple[int, int, tuple[str, ...]]] = {(0, compute, ())}
    for profile in profiles:
        places = [((1 << profile.memory_slices) - 1) << start for start in profile.starts]
        latest = placed
        for _ in range(profile.max_per_gpu):
            latest = {(taken | place, left - profile.compute_slices, (*before, profile.name)) for taken, left, before in latest
                      if profile.compute_slices <= left for place in places if not taken & place}
            placed = placed | latest
    return frozenset(tuple((name, before.count(name)) for name in sorted(set(before))) for _, _, before in placed)


@lru_cache(maxsize=64)
def _maximal(profiles: tuple[MigProfile, ...]) -> tuple[Layout, ...]:
    possible = _layouts(profiles)
    return tuple(sorted(layout for layout in possible if layout and not any(
        _with_one_more(layout, profile.name) in possible for profile in profiles)))


def _with_one_more(layout: Layout, name: str) -> Layout:
    counts = dict(layout)
    counts[name] = counts.get(name, 0) + 1
    return tuple(sorted(counts.items()))
