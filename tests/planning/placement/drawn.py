"""Small placements for property tests: few nodes, few pods, amounts that often just fit."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

from gpuplane.planning.placement.claims import Claim, NodeGroup, amounts

FEW = settings(max_examples=150, deadline=None, derandomize=True)

frees = st.builds(lambda gpus, cpu, pods: amounts({"nvidia.com/gpu": gpus, "cpu": cpu, "pods": pods}),
                  st.sampled_from([1, 2, 4, 8]), st.integers(3, 9), st.integers(2, 6))
pods = st.builds(lambda gpus, cpu: amounts({"nvidia.com/gpu": gpus, "cpu": cpu, "pods": 1}),
                 st.sampled_from([0, 1, 1, 2, 3, 4, 8]), st.integers(1, 5))
roaming = st.builds(Claim, pods, st.integers(1, 3))
zones = st.sampled_from([(), (("zone", "a"),), (("zone", "b"),)])


@st.composite
def one_group(draw: st.DrawFn) -> tuple[NodeGroup, ...]:
    """Identical nodes."""
    return (NodeGroup("node", draw(frees), draw(st.integers(1, 3))),)


@st.composite
def some_groups(draw: st.DrawFn) -> tuple[NodeGroup, ...]:
    """Up to three groups of different nodes, four nodes in all at most."""
    shapes = draw(st.lists(frees, min_size=1, max_size=3))
    return tuple(NodeGroup(f"node-{index}", free, draw(st.integers(1, 2 if index else 1)), draw(zones)) for index, free in enumerate(shapes))


def strange(groups: tuple[NodeGroup, ...]) -> st.SearchStrategy[Claim]:
    """Claims that may not roam: some nodes only, replicas of several pods, spreading."""
    names = st.none() | st.lists(st.sampled_from([group.name for group in groups]), min_size=1, unique=True).map(tuple)
    return st.builds(Claim, pods, st.integers(1, 2), st.integers(1, 2), st.sampled_from([None, "node", "zone"]), names,
                     st.sampled_from([None, None, "zone"]), st.integers(1, 2))
