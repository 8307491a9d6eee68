"""GPUs that no declared workload can use: a table, and trying everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuplane.planning.placement.claims import Amounts, Claim, NodeGroup, amounts, rest, room_for
from gpuplane.planning.placement.fragmentation import stranded, unusable
from gpuplane.planning.placement.packing import pack
from tests.planning.placement.drawn import FEW, frees, pods
from tests.planning.placement.test_packing import gpus, nodes

GPU = "nvidia.com/gpu"
TABLE = {
    "nothing is left": ([nodes(1)], [gpus(8)], 1, {}),
    "what is left fits another replica": ([nodes(1)], [gpus(4)], 1, {}),
    "three are left, and replicas take five": ([nodes(1)], [gpus(5)], 1, {GPU: 3}),
    "an empty node loses what is left over of it": ([nodes(2)], [gpus(5)], 2, {GPU: 6}),
    "the cpu is gone": ([nodes(1, cpu=8)], [gpus(1, 1, cpu=5)], 1, {GPU: 7}),
    "a smaller service takes the rest": ([nodes(1)], [gpus(5), gpus(1)], 1, {}),
    "nobody asks for any": ([nodes(2)], [], 2, {GPU: 16}),
}


@pytest.mark.parametrize(("groups", "claims", "running", "expected"), TABLE.values(), ids=TABLE)
def test_stranded_gpus(groups: list[NodeGroup], claims: list[Claim], running: int, expected: dict[str, int]) -> None:
    assert stranded(pack(groups, claims), groups, {claim.pod for claim in claims}, running) == expected


@FEW
@given(frees, st.lists(pods, max_size=3))
def test_unusable_devices_are_what_the_best_filling_leaves(free: Amounts, shapes: list[Amounts]) -> None:
    assert sum(unusable(free, shapes).values()) == dict(free)[GPU] - _most_used(free, sorted(set(shapes)))


def _most_used(free: Amounts, shapes: list[Amounts]) -> int:
    return max((dict(shape).get(GPU, 0) + _most_used(rest(free, [(shape, 1)]), shapes[index:])
                for index, shape in enumerate(shapes) if room_for(shape, free)), default=0)


def test_a_profile_that_nobody_asks_for_is_stranded() -> None:
    free = amounts({"nvidia.com/mig-1g.10gb": 2, "nvidia.com/mig-3g.40gb": 1, "pods": 10})

    assert unusable(free, [amounts({"nvidia.com/mig-1g.10gb": 1, "pods": 1})]) == {"nvidia.com/mig-3g.40gb": 1}
