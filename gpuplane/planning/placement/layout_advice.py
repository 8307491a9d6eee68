"""Whether a MIG pool's layout serves what its quotas promise, and which layout would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from gpuplane.catalog.gpus import Gpu
from gpuplane.catalog.mig import written
from gpuplane.planning.demand import Demand
from gpuplane.planning.placement.mig_packing import fewest_gpus, fewest_gpus_count, serving_layouts, short_of, unused_of
from gpuplane.planning.placement.pool_placement import at_guaranteed
from gpuplane.planning.placement.schedulability import LayoutAdvice


def layout_advice(gpu: Gpu, layout: Mapping[str, int], gpus: int, asked: Sequence[Demand]) -> LayoutAdvice:
    """The advice for one pool.

    Args:
        gpu: the pool's GPU.
        layout: devices on each GPU, as declared.
        gpus: GPUs that the pool can have.
        asked: every demand on it.
    """
    demand: Counter[str] = Counter()
    for each in asked:
        demand[each.quota_key.partition("/")[2]] += at_guaranteed(each) * each.per_replica
    short = short_of(layout, gpus, demand)
    return LayoutAdvice(gpus, short, unused_of(layout, gpus, demand), fewest_gpus_count(gpu, demand),
                        _better(gpu, gpus, demand) if short else ())


def _better(gpu: Gpu, gpus: int, demand: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """One layout for all GPUs where there is one, since that is one pool; else the mix that takes the fewest GPUs."""
    alike = serving_layouts(gpu, gpus, demand)
    if alike:
        return ((written(dict(alike[0])), gpus),)
    best = fewest_gpus(gpu, demand)
    if best.gpus is None or best.gpus > gpus:
        return ()
    return tuple((written(dict(cut.layout)), cut.gpus) for cut in best.cut)
