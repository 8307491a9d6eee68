"""Small random fleet problems for laws: one or two services, up to three kinds of nodes, one or two buckets of requests."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from gpuplane.planning.fleet.problem import FleetProblem, Load, NodeOffer, Way

prices = st.integers(1, 400).map(lambda cents: Decimal(cents) / 100)
rates = st.one_of(st.none(), st.sampled_from([Fraction(n, d) for n in (1, 2, 3, 5, 8) for d in (1, 2, 3)]))


@st.composite
def offers(draw: Any, name: str) -> NodeOffer:
    kind = draw(st.sampled_from(["one", "many", "cut"]))
    layouts: tuple[dict[str, int], ...] = ({"whole": 1},)
    if kind == "many":
        layouts = ({"whole": draw(st.integers(2, 4))},)
    elif kind == "cut":
        layouts = ({"small": 2, "whole": 1}, {"small": 5})
    limit = {"power": draw(st.integers(1, 3))} if draw(st.booleans()) else {}
    return NodeOffer(name, draw(prices), layouts, parts=draw(st.sampled_from([1, 1, 2])),
                     max_nodes=draw(st.sampled_from([None, None, 1, 3])), takes=limit)


@st.composite
def problems(draw: Any) -> FleetProblem:
    count, buckets = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    offered = tuple(draw(offers(f"o{number}")) for number in range(draw(st.integers(1, 3 if count == 1 else 2))))
    loads = tuple(
        Load(f"s{number}", tuple(Fraction(draw(st.integers(0, 6)), 2) for _ in range(buckets)), draw(st.integers(1, 2)), draw(st.booleans()))
        for number in range(count))
    ways = []
    for load in loads:
        for offer in offered:
            for slot in sorted({slot for layout in offer.layouts for slot in layout}):
                if len([way for way in ways if way.service == load.service]) < (4 if count == 1 else 2):
                    ways.append(Way(load.service, offer.name, slot, tuple(draw(rates) for _ in range(buckets))))
    return FleetProblem(loads, tuple(ways), offered, {"power": draw(st.integers(2, 12))})
