"""The cheapest fleet: it agrees with trying everything, it can be served, and the laws of shopping hold."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gpuplane.planning.fleet import milp
from gpuplane.planning.fleet.milp import cheapest_fleet
from gpuplane.planning.fleet.problem import Fleet, FleetProblem, Load, NodeOffer, NoFleet, Way
from tests.planning.fleet.exhaustive import MOST_REPLICAS, cheapest_cost, served
from tests.planning.fleet.problems import prices, problems, rates

FEW = settings(max_examples=60, deadline=None, derandomize=True)


def cost(problem: FleetProblem) -> Decimal | None:
    fleet = cheapest_fleet(problem)
    return fleet.usd_per_hour if isinstance(fleet, Fleet) else None


@settings(FEW, max_examples=150)
@given(problems())
def test_the_fleet_agrees_with_trying_everything(problem: FleetProblem) -> None:
    fleet, tried = cheapest_fleet(problem), cheapest_cost(problem)
    if isinstance(fleet, NoFleet):
        assert fleet.proven
        assert tried is None
        return
    assume(max(fleet.replicas.values(), default=0) <= MOST_REPLICAS)
    assert fleet.optimal
    assert fleet.usd_per_hour == tried


@FEW
@given(problems())
def test_every_load_is_carried_exactly(problem: FleetProblem) -> None:
    fleet = cheapest_fleet(problem)
    if isinstance(fleet, Fleet):
        held = {way.key: fleet.replicas.get(way.key, 0) for way in problem.ways}
        for load in problem.loads:
            assert served(load, [way for way in problem.ways if way.service == load.service], held)


@FEW
@given(problems())
def test_the_order_of_the_parts_makes_no_difference(problem: FleetProblem) -> None:
    def turned(items: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(reversed(items))

    other = replace(problem, loads=turned(problem.loads), ways=turned(problem.ways), offers=turned(problem.offers))  # type: ignore[arg-type]
    assert cheapest_fleet(problem) == cheapest_fleet(other) == cheapest_fleet(problem)


@FEW
@given(problems(), st.integers(1, 4))
def test_more_load_never_costs_less(problem: FleetProblem, more: int) -> None:
    loads = (replace(problem.loads[0], requests_per_second=tuple(rate + Fraction(more, 2) for rate in problem.loads[0].requests_per_second)),
             *problem.loads[1:])
    before, after = cost(problem), cost(replace(problem, loads=loads))
    assert after is None or (before is not None and before <= after)


@FEW
@given(problems(), st.integers(1, 100))
def test_cheaper_nodes_never_make_it_dearer(problem: FleetProblem, percent: int) -> None:
    cheaper = (replace(problem.offers[0], usd_per_hour=problem.offers[0].usd_per_hour * percent / 100), *problem.offers[1:])
    before, after = cost(problem), cost(replace(problem, offers=cheaper))
    assert (before is None) == (after is None)
    assert before is None or after is None or after <= before


@FEW
@given(problems(), prices, rates)
def test_another_gpu_type_never_makes_it_dearer(problem: FleetProblem, price: Decimal, rate: Fraction | None) -> None:
    added = NodeOffer("extra", price, ({"whole": 1},))
    ways = tuple(Way(load.service, "extra", "whole", (rate,) * len(load.requests_per_second)) for load in problem.loads)
    before = cost(problem)
    after = cost(replace(problem, offers=(*problem.offers, added), ways=(*problem.ways, *ways)))
    assert before is None or (after is not None and after <= before)


@FEW
@given(problems())
def test_a_spare_never_makes_it_cheaper(problem: FleetProblem) -> None:
    without = cost(replace(problem, loads=tuple(replace(load, spare=False) for load in problem.loads)))
    spared = cost(replace(problem, loads=tuple(replace(load, spare=True) for load in problem.loads)))
    assert spared is None or (without is not None and without <= spared)


def one(rate: str, *offers: tuple[str, str, str | None], **load: bool) -> FleetProblem:
    """One service of one bucket; offers as name, price and requests/s of a replica."""
    return FleetProblem(
        (Load("s", (Fraction(rate),), **load),),  # type: ignore[arg-type]
        tuple(Way("s", name, "1 GPU", (Fraction(can) if can else None,)) for name, _, can in offers),
        tuple(NodeOffer(name, Decimal(price), ({"1 GPU": 1},)) for name, price, _ in offers))


@pytest.mark.parametrize(("problem", "nodes", "usd"), [
    (one("10", ("a", "1", "3")), {"a": 4}, "4"),
    (one("10", ("a", "1", "3"), ("b", "2.5", "10")), {"b": 1}, "2.5"),
    (one("12", ("a", "1", "3"), ("b", "2.5", "10")), {"a": 1, "b": 1}, "3.5"),
    (one("10", ("a", "1", "5")), {"a": 2}, "2"),
    (one("10", ("a", "1", "5"), spare=True), {"a": 3}, "3"),
    (one("10", ("a", "1", "5"), ("b", "0.9", None)), {"a": 2}, "2"),
    (one("0", ("a", "1", "5")), {"a": 1}, "1"),
])
def test_small_fleets_by_hand(problem: FleetProblem, nodes: dict[str, int], usd: str) -> None:
    fleet = cheapest_fleet(problem)

    assert isinstance(fleet, Fleet)
    assert (fleet.nodes, fleet.usd_per_hour, fleet.gap) == (nodes, Decimal(usd), 0)


def test_a_load_that_nothing_serves_is_named() -> None:
    fleet = cheapest_fleet(one("10", ("a", "1", None)))

    assert fleet == NoFleet("no GPU on offer serves bucket 1 of s within its targets")


def test_a_search_cut_short_says_how_far_it_may_be_from_the_cheapest() -> None:
    ways = tuple(Way("s", f"o{n}", "w", (Fraction(7 + 5 * n, 3), Fraction(23 - n, 4))) for n in range(9))
    offers = tuple(NodeOffer(f"o{n}", Decimal(101 + 37 * n + n * n) / 100, ({"w": 1},), max_nodes=7) for n in range(9))
    problem = FleetProblem((Load("s", (Fraction(97), Fraction(89))),), ways, offers)
    short, whole = cheapest_fleet(problem, search_nodes=1), cheapest_fleet(problem)

    assert isinstance(whole, Fleet)
    assert whole.optimal
    assert isinstance(short, NoFleet) or short.bound_usd_per_hour <= whole.usd_per_hour <= short.usd_per_hour


@FEW
@given(problems())
def test_a_large_problem_is_answered_near_its_bound(problem: FleetProblem) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(milp, "SMALL", 0)
        near = cheapest_fleet(problem, search_nodes=10**9)
    exact = cheapest_fleet(problem)
    if isinstance(exact, Fleet) and isinstance(near, Fleet):
        assert near.bound_usd_per_hour <= exact.usd_per_hour <= near.usd_per_hour


@pytest.mark.parametrize("change", [
    {"offers": ()}, {"loads": ()}, {"ways": (Way("s", "a", "1 GPU", ()),)}, {"offers": (NodeOffer("a", Decimal(1), (), takes={"x": 1}),)},
])
def test_a_problem_whose_parts_do_not_belong_together_is_a_defect(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        replace(one("1", ("a", "1", "1")), **change)  # type: ignore[arg-type]
