""""packable" and "always scheduled" are two claims: the second against every order and every choice of nodes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuplane.planning.placement.claims import Claim, NodeGroup, Verdict
from gpuplane.planning.placement.stranding import verdict_of
from tests.planning.placement.drawn import FEW, one_group, roaming, some_groups, strange
from tests.planning.placement.exhaustive import can_strand, fewest_nodes
from tests.planning.placement.test_packing import gpus, nodes

TABLE: dict[str, tuple[list[NodeGroup], list[Claim], Verdict]] = {
    "one shape, exactly full": ([nodes(2)], [gpus(4, 4)], "always"),
    "small pods spread over both nodes": ([nodes(2)], [gpus(8, 1), gpus(1, 2)], "packable"),
    "one small pod cannot be on both": ([nodes(2)], [gpus(8, 1), gpus(1, 1)], "always"),
    "room to spare": ([nodes(4)], [gpus(8, 1), gpus(1, 3)], "always"),
    "four small pods block four nodes": ([nodes(4)], [gpus(8, 1), gpus(1, 4)], "packable"),
    "too much": ([nodes(1)], [gpus(8, 1), gpus(1, 1)], "not packable"),
    "nothing": ([nodes(1)], [], "always"),
    "replicas that stay together can wait for one another": (
        [nodes(4, zone="a")], [gpus(8, 1, pods_per_replica=2, within="zone")], "packable"),
}


@pytest.mark.parametrize(("groups", "claims", "verdict"), TABLE.values(), ids=TABLE)
def test_the_strongest_that_is_true(groups: list[NodeGroup], claims: list[Claim], verdict: Verdict) -> None:
    assert verdict_of(groups, claims) == verdict


@FEW
@given(one_group(), st.lists(roaming, min_size=1, max_size=3))
def test_always_agrees_with_every_order_and_every_choice(groups: tuple[NodeGroup, ...], claims: list[Claim]) -> None:
    expected = "not packable" if fewest_nodes(groups, claims) is None else "packable" if can_strand(groups, claims) else "always"

    assert verdict_of(groups, claims) == expected


@settings(FEW, max_examples=100)
@given(st.data(), some_groups())
def test_always_agrees_on_different_nodes_and_where_pods_may_use_some_only(data: st.DataObject, groups: tuple[NodeGroup, ...]) -> None:
    claims = [Claim(claim.pod, claim.replicas, allowed=claim.allowed) for claim in data.draw(st.lists(strange(groups), min_size=1, max_size=3))]
    expected = "not packable" if fewest_nodes(groups, claims) is None else "packable" if can_strand(groups, claims) else "always"

    assert verdict_of(groups, claims) == expected
