"""Packing: optimal against trying everything, never over capacity, and the laws that hold for every wish."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuplane.planning.placement import packing as module
from gpuplane.planning.placement.claims import Claim, NodeGroup, amounts, merged, rest, room_for
from gpuplane.planning.placement.first_fit import first_fit_decreasing, lower_bound, nodes_of
from gpuplane.planning.placement.packing import Packing, pack
from gpuplane.planning.placement.patterns import TooMany, full_patterns
from tests.planning.placement.drawn import FEW, one_group, pods, roaming, some_groups, strange
from tests.planning.placement.exhaustive import fewest_nodes


def gpus(count: int, replicas: int = 1, cpu: int = 1, **how: object) -> Claim:
    return Claim(amounts({"nvidia.com/gpu": count, "cpu": cpu, "pods": 1}), replicas, **how)  # type: ignore[arg-type]


def nodes(count: int, cpu: int = 100, zone: str = "", each: int = 8) -> NodeGroup:
    return NodeGroup(f"nodes{zone}", amounts({"nvidia.com/gpu": each, "cpu": cpu, "pods": 100}), count, (("zone", zone),) if zone else ())


TABLE = {
    "nothing": ([nodes(1)], [], 0),
    "one shape fills nodes": ([nodes(3)], [gpus(3, 5)], 3),
    "powers of two pack perfectly": ([nodes(2)], [gpus(4, 2), gpus(2, 2), gpus(1, 4)], 2),
    "devices enough, but not on one node each": ([nodes(2)], [gpus(5, 2), gpus(4)], None),
    "fives and threes go together": ([nodes(2)], [gpus(5, 2), gpus(3, 2)], 2),
    "cpu binds before gpus": ([nodes(3, cpu=10)], [gpus(1, 3, cpu=6)], 3),
    "cpu binds, and there is no third node": ([nodes(2, cpu=10)], [gpus(1, 3, cpu=6)], None),
    "no node has so many": ([nodes(5)], [gpus(9)], None),
    "first fit decreasing errs here, the search does not": ([nodes(2, each=10)], [gpus(4, 2), gpus(3, 4)], 2),
    "a replica of two pods in one zone": ([nodes(1, zone="a"), nodes(2, zone="b")], [gpus(8, 1, pods_per_replica=2, within="zone")], 2),
    "a replica of two pods, no zone with two nodes": ([nodes(1, zone="a"), nodes(1, zone="b")],
                                                      [gpus(8, 1, pods_per_replica=2, within="zone")], None),
    "the same replica anywhere": ([nodes(1, zone="a"), nodes(1, zone="b")], [gpus(8, 1, pods_per_replica=2)], 2),
    "two pods on one node": ([nodes(2)], [gpus(4, 2, pods_per_replica=2, within="node")], 2),
    "two pods on one node that has no room": ([nodes(2)], [gpus(5, 1, pods_per_replica=2, within="node")], None),
    "spread over two zones": ([nodes(1, zone="a"), nodes(1, zone="b")], [gpus(1, 2, spread="zone")], 2),
    "a zone without room counts as a domain": ([nodes(2, zone="a"), nodes(1, zone="b", each=0)], [gpus(1, 2, spread="zone")], None),
    "one pod may be ahead": ([nodes(2, zone="a"), nodes(1, zone="b", each=0)], [gpus(1, 1, spread="zone")], 1),
    "only some nodes": ([nodes(1, zone="a"), nodes(1, zone="b")], [gpus(8, 2, allowed=("nodesa",))], None),
}


@pytest.mark.parametrize(("groups", "claims", "fewest"), TABLE.values(), ids=TABLE)
def test_the_fewest_nodes(groups: list[NodeGroup], claims: list[Claim], fewest: int | None) -> None:
    packing = pack(groups, claims)

    assert (packing.packable, packing.nodes) == (fewest is not None, fewest)
    assert packing.optimal == (fewest is not None)
    assert packing.method


@FEW
@given(one_group(), st.lists(roaming, max_size=3))
def test_on_identical_nodes_it_agrees_with_trying_everything(groups: tuple[NodeGroup, ...], claims: list[Claim]) -> None:
    packing = pack(groups, claims)

    assert packing.nodes == fewest_nodes(groups, claims)
    assert packing.packable == (packing.nodes is not None)
    assert_is_an_assignment(packing, groups)


@FEW
@given(st.data(), some_groups())
def test_gangs_zones_and_spreading_agree_with_trying_everything(data: st.DataObject, groups: tuple[NodeGroup, ...]) -> None:
    claims = data.draw(st.lists(strange(groups), min_size=1, max_size=2))
    packing = pack(groups, claims)

    assert packing.nodes == fewest_nodes(groups, claims)
    assert_is_an_assignment(packing, groups)


def assert_is_an_assignment(packing: Packing, groups: tuple[NodeGroup, ...]) -> None:
    """Every pod once, no node over its capacity, no more nodes than there are."""
    if not packing.packable:
        assert packing.filled == ()
        return
    by_name = {group.name: group for group in groups}
    for filled in packing.filled:
        left = dict(by_name[filled.group].free)
        for claim, count in zip(packing.claims, filled.pods, strict=True):
            assert not count or claim.may_use(by_name[filled.group])
            for name, amount in claim.pod:
                left[name] = left.get(name, 0) - amount * count
        assert all(amount >= 0 for amount in left.values())
    for index, claim in enumerate(packing.claims):
        assert sum(filled.pods[index] * filled.nodes for filled in packing.filled) == claim.pods
    assert sum(filled.nodes for filled in packing.filled) == packing.nodes
    used = {name: sum(filled.nodes for filled in packing.filled if filled.group == name) for name in by_name}
    assert sum(used.values()) <= sum(group.count for group in groups)


@FEW
@given(st.data(), some_groups())
def test_the_order_of_claims_and_groups_does_not_matter(data: st.DataObject, groups: tuple[NodeGroup, ...]) -> None:
    claims = data.draw(st.lists(roaming | strange(groups), max_size=3))

    assert pack(data.draw(st.permutations(groups)), data.draw(st.permutations(claims))) == pack(groups, claims)


@FEW
@given(st.data(), some_groups())
def test_one_more_node_never_makes_anything_unpackable(data: st.DataObject, groups: tuple[NodeGroup, ...]) -> None:
    claims = data.draw(st.lists(roaming | strange(groups), min_size=1, max_size=2))
    grown = tuple(replace(group, count=group.count + 1) for group in groups)

    if pack(groups, claims).packable:
        assert pack(grown, claims).packable


@FEW
@given(one_group(), st.lists(roaming, min_size=1, max_size=4))
def test_the_lower_bound_is_below_first_fit_and_below_the_answer(groups: tuple[NodeGroup, ...], claims: list[Claim]) -> None:
    wanted = merged(claims)
    if not all(room_for(claim.pod, groups[0].free) for claim in wanted):
        return
    low, fitted = lower_bound(groups[0].free, wanted), nodes_of(first_fit_decreasing(groups[0].free, wanted))
    packing = pack([replace(groups[0], count=100)], claims)

    assert packing.nodes is not None
    assert low <= packing.nodes <= fitted


@FEW
@given(one_group(), st.lists(pods, min_size=1, max_size=3, unique=True))
def test_a_full_node_has_room_for_no_further_pod(groups: tuple[NodeGroup, ...], shapes: list[tuple[tuple[str, int], ...]]) -> None:
    for pattern in full_patterns(groups[0].free, shapes, [2] * len(shapes)):
        left = rest(groups[0].free, zip(shapes, pattern, strict=True))
        assert not any(count < 2 and room_for(shape, left) for shape, count in zip(shapes, pattern, strict=True))


def test_where_there_are_too_many_ways_to_fill_a_node_it_says_how_far_from_the_bound_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_many(*_: object) -> list[tuple[int, ...]]:
        raise TooMany

    monkeypatch.setattr(module, "full_patterns", too_many)
    packing = pack([nodes(3, each=10)], [gpus(4, 2), gpus(3, 4)])

    assert (packing.packable, packing.nodes, packing.lower_bound, packing.optimal) == (True, 3, 2, False)
    assert pack([nodes(2, each=10)], [gpus(4, 2), gpus(3, 4)]).packable is None
