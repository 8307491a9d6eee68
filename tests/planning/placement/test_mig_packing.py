"""MIG: the layouts of the placement rule, and the fewest GPUs, against trying everything."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuplane.catalog import Gpu, default_catalog, mig_layout_valid
from gpuplane.planning.placement.mig_packing import (
    Layout,
    fewest_gpus,
    fewest_gpus_count,
    layouts,
    maximal_layouts,
    serving_layouts,
    short_of,
    unused_of,
)
from tests.planning.placement.drawn import FEW

A100 = default_catalog().gpus["A100-SXM-80GB"]
CUTTABLE = [gpu for gpu in default_catalog().gpus.values() if gpu.mig_profiles]
TWELVE = """7×1g · 2g+5×1g · 2×2g+3×1g · 3×2g+1g · 3g+4×1g · 3g+2g+2×1g · 3g+2×2g · 2×3g · 4g+3×1g · 4g+2g+1g · 4g+3g · 7g"""
"""The maximal layouts without double-memory and media profiles (NVIDIA MIG user guide)."""
TRAPS = ({"3g.40gb": 1, "2g.20gb": 1, "1g.10gb": 3}, {"2g.20gb": 4}, {"3g.40gb": 2, "1g.10gb": 1}, {"4g.40gb": 2}, {"1g.20gb": 4, "1g.10gb": 1})
demands = st.dictionaries(st.sampled_from(sorted(A100.mig_profiles)), st.integers(0, 4), max_size=4)


def exhaustively(gpu: Gpu) -> set[Layout]:
    """Every choice of a start for every device, slice by slice."""
    found: set[Layout] = set()
    todo: list[tuple[tuple[tuple[str, int], ...], frozenset[int]]] = [((), frozenset())]
    while todo:
        placed, taken = todo.pop()
        found.add(tuple(sorted(Counter(name for name, _ in placed).items())))
        for name, profile in gpu.mig_profiles.items():
            count = sum(other == name for other, _ in placed)
            compute = sum(gpu.mig_profiles[other].compute_slices for other, _ in placed)
            for start in profile.starts:
                slices = set(range(start, start + profile.memory_slices))
                if (name, start) > max(placed, default=("", 0)) and not slices & taken and count < profile.max_per_gpu \
                        and compute + profile.compute_slices <= gpu.compute_slices:
                    todo.append(((*placed, (name, start)), taken | slices))
    return found


@pytest.mark.parametrize("gpu", CUTTABLE, ids=lambda gpu: gpu.name)
def test_the_layouts_are_those_that_trying_every_start_finds(gpu: Gpu) -> None:
    found = exhaustively(gpu)

    assert layouts(gpu) == found
    assert set(maximal_layouts(gpu)) == {layout for layout in found if layout and not any(_contains(other, layout) for other in found)}
    assert all(mig_layout_valid(gpu, dict(layout)) is None for layout in found if layout)


def _contains(larger: Layout, layout: Layout) -> bool:
    return larger != layout and all(dict(larger).get(name, 0) >= count for name, count in layout)


def test_there_are_twelve_maximal_layouts_of_the_plain_profiles() -> None:
    plain = {name: name.partition(".")[0] for name in ("1g.10gb", "2g.20gb", "3g.40gb", "4g.40gb", "7g.80gb")}
    possible = {layout for layout in layouts(A100) if layout and set(dict(layout)) <= set(plain)}
    maximal = {layout for layout in possible if not any(_contains(other, layout) for other in possible)}

    assert {frozenset((plain[name], count) for name, count in layout) for layout in maximal} == {
        frozenset((part.rpartition("×")[2], int(part.rpartition("×")[0] or 1)) for part in layout.split("+")) for layout in TWELVE.split(" · ")}


@pytest.mark.parametrize("layout", TRAPS, ids=str)
def test_what_adds_up_and_cannot_be_cut(layout: dict[str, int]) -> None:
    assert tuple(sorted(layout.items())) not in layouts(A100)
    assert mig_layout_valid(A100, layout) is not None
    assert fewest_gpus(A100, layout).gpus == 2


@settings(FEW, max_examples=60)
@given(demands)
def test_the_fewest_gpus_agree_with_trying_every_layout_on_every_gpu(demand: dict[str, int]) -> None:
    packing = fewest_gpus(A100, demand)

    assert packing.gpus == packing.lower_bound == _tried(demand) == fewest_gpus_count(A100, demand)
    assert sum(cut.gpus for cut in packing.cut) == packing.gpus
    served: Counter[str] = Counter()
    for cut in packing.cut:
        assert mig_layout_valid(A100, dict(cut.layout)) is None
        served.update({name: count * cut.gpus for name, count in cut.layout})
    assert all(served[name] >= count for name, count in demand.items())


def _tried(demand: dict[str, int]) -> int:
    """GPU by GPU: what can be left to serve after each, until nothing is."""
    names = sorted(demand)
    left = {tuple(demand[name] for name in names)}
    for gpus in range(sum(demand.values()) + 1):
        if any(not any(rest) for rest in left):
            return gpus
        left = {tuple(max(0, count - dict(layout).get(name, 0)) for name, count in zip(names, rest, strict=True))
                for rest, layout in product(left, maximal_layouts(A100))}
    raise AssertionError("every device fits a GPU of its own")


def test_a_profile_of_another_gpu_is_served_by_none() -> None:
    assert fewest_gpus(A100, {"1g.5gb": 1}).gpus is None
    assert fewest_gpus(A100, {"1g.10gb": 0}).gpus == 0


def test_what_a_layout_lacks_and_leaves_unused() -> None:
    layout, demand = {"1g.10gb": 2, "2g.20gb": 1, "3g.40gb": 1}, {"1g.10gb": 3, "3g.40gb": 3}

    assert short_of(layout, 2, demand) == {"3g.40gb": 1}
    assert unused_of(layout, 2, demand) == {"1g.10gb": 1, "2g.20gb": 2}


def test_layouts_that_serve_when_all_gpus_are_cut_alike_leave_the_least_unused_first() -> None:
    found = serving_layouts(A100, 2, {"3g.40gb": 2, "1g.10gb": 8})

    assert found == ((("1g.10gb", 4), ("3g.40gb", 1)),)
    assert serving_layouts(A100, 1, {"3g.40gb": 2, "1g.10gb": 1}) == ()
