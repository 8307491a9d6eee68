"""The search: a mixed-integer program (OR-Tools MathOpt, SCIP), solved to a proven bound, the same way every time.

Variables: nodes of each offer, parts cut by each layout, replicas of each way, and the share of each bucket that each way
serves. One thread, a fixed seed, and a limit in search nodes instead of seconds: the same problem gives the same fleet.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from typing import Any

from gpuplane.planning.fleet.problem import Fleet, FleetProblem, Load, NodeOffer, NoFleet, Way

SEARCH_NODES = 20_000
"""Branch-and-bound nodes of a small problem after which the best fleet so far is taken, with the bound that is proven by then."""
SMALL = 300
"""Whole-number variables up to which a problem is small: larger ones are searched in proportion less, and to a gap of :data:`GAP`."""
GAP = 0.001
"""Of a large problem: how far from the bound, of the cost, is near enough to stop."""
_CENT_OF_CENT = Decimal("0.0001")
_INTEGRAL = 1e-4


def cheapest_fleet(problem: FleetProblem, search_nodes: int = SEARCH_NODES) -> Fleet | NoFleet:
    """The cheapest fleet; of those of that cost, one of what is declared already as far as possible, with the fewest replicas.

    Loads are held to a millionth of a replica. The order of the problem's parts makes no difference.
    """
    unserved = _unserved(problem)
    if unserved is not None:
        return NoFleet(unserved)
    model = _Model(problem)
    first = model.solve(model.cost, search_nodes)
    if first is None:
        return NoFleet("the nodes and limits that there are cannot carry the load")
    if not first.found:
        return NoFleet(f"no fleet was found within {search_nodes} steps of the search", proven=False)
    usd, nodes, values = *model.bought(first), first.values
    second = model.solve_within(usd, search_nodes // 20) if model.small else None
    if second is not None and second.found and model.bought(second)[0] <= usd:
        usd, nodes, values = *model.bought(second), second.values
    return Fleet(
        nodes={name: count for name, count in nodes.items() if count},
        replicas={way.key: count for way in model.ways if (count := _whole(values[model.replicas[way.key]]))},
        shares={way.key: tuple(round(values[share], 6) + 0.0 if share is not None else 0.0 for share in model.shares[None][way.key])
                for way in model.ways if _whole(values[model.replicas[way.key]])},
        usd_per_hour=usd, bound_usd_per_hour=usd if first.optimal else _below(first.bound, usd))


def _unserved(problem: FleetProblem) -> str | None:
    """The first bucket that no way serves at all."""
    for load in sorted(problem.loads, key=lambda load: load.service):
        for index, rate in enumerate(load.requests_per_second):
            rates = [way.requests_per_second[index] for way in problem.ways if way.service == load.service]
            if rate and not any(rates):
                return f"no GPU on offer serves bucket {index + 1} of {load.service} within its targets"
    return None


@dataclass(frozen=True)
class _Solved:
    """What a solver's run gave; ``values`` by variable."""

    found: bool
    optimal: bool
    bound: float
    values: Any


class _Model:
    """The program's variables and constraints, made in sorted order."""

    def __init__(self, problem: FleetProblem) -> None:
        from ortools.math_opt.python import mathopt

        self.offers = tuple(sorted(problem.offers, key=lambda offer: offer.name))
        self.ways = tuple(sorted(problem.ways, key=lambda way: way.key))
        self._solver, self._model, self._whole = mathopt, mathopt.Model(), 0
        most = self._most = {load.service: _most(load, self.ways) for load in problem.loads}
        self.nodes = {offer.name: self._count(_cap(offer, self.ways, most)) for offer in self.offers}
        self.replicas = {way.key: self._count(most[way.service]) for way in self.ways}
        self.shares: dict[Any, dict[tuple[str, str, str], tuple[Any, ...]]] = {None: {}}
        self.cost = sum(float(offer.usd_per_hour) * self.nodes[offer.name] for offer in self.offers)
        for offer in self.offers:
            self._room(offer)
        for name in sorted(problem.limits):
            self._add(sum(offer.takes.get(name, 0) * self.nodes[offer.name] for offer in self.offers) <= problem.limits[name])
        for load in sorted(problem.loads, key=lambda load: load.service):
            self._load(load, most[load.service])

    def solve(self, objective: Any, search_nodes: int) -> _Solved | None:
        """Minimise; None where it is proven that there is no solution."""
        reasons = self._solver.TerminationReason
        self._model.minimize(objective)
        limit = search_nodes if self.small else max(1, search_nodes * SMALL // self._whole ** 2)
        result = self._solver.solve(self._model, self._solver.SolverType.GSCIP, params=self._solver.SolveParameters(
            threads=1, random_seed=7, node_limit=limit, relative_gap_tolerance=0.0 if self.small else GAP, absolute_gap_tolerance=1e-9))
        reason = result.termination.reason
        if reason in (reasons.INFEASIBLE, reasons.INFEASIBLE_OR_UNBOUNDED):
            return None
        found = result.has_primal_feasible_solution()
        return _Solved(found, reason is reasons.OPTIMAL and self.small, result.termination.objective_bounds.dual_bound,
                       result.variable_values() if found else None)

    @property
    def small(self) -> bool:
        """Whether it is searched to the end, and for the fewest replicas among equals."""
        return self._whole <= SMALL

    def bought(self, solved: _Solved) -> tuple[Decimal, dict[str, int]]:
        """What a solution costs an hour, exactly, and its nodes."""
        nodes = {offer.name: _whole(solved.values[self.nodes[offer.name]]) for offer in self.offers}
        return sum((offer.usd_per_hour * nodes[offer.name] for offer in self.offers), Decimal(0)), nodes

    def solve_within(self, usd: Decimal, search_nodes: int) -> _Solved | None:
        """At no more than this cost: first few nodes that are not declared, then few replicas."""
        self._add(self.cost <= float(usd) + 1e-7)
        added = sum(self.nodes[offer.name] for offer in self.offers if not offer.declared)
        return self.solve(added * (1 + sum(self._most.values()) * len(self.ways)) + sum(self.replicas.values()), search_nodes)

    def _room(self, offer: NodeOffer) -> None:
        """Replicas in each kind of slot are at most the slots of the layouts that parts are cut by."""
        cuts = [self._count(math.inf) for _ in offer.layouts]
        self._add(sum(cuts) <= offer.parts * self.nodes[offer.name])
        for slot in sorted({way.slot for way in self.ways if way.offer == offer.name}):
            held = sum(self.replicas[way.key] for way in self.ways if (way.offer, way.slot) == (offer.name, slot))
            self._add(held <= sum(layout.get(slot, 0) * cut for layout, cut in zip(offer.layouts, cuts, strict=True)))

    def _load(self, load: Load, most: int) -> None:
        """The load is served: by all replicas, and where it must be, by all but any one."""
        own = tuple(way for way in self.ways if way.service == load.service)
        self._add(sum(self.replicas[way.key] for way in own) >= load.min_replicas)
        self.shares[None].update(self._served(load, own, {}))
        for lost in own if load.spare else ():
            used = self._model.add_binary_variable()
            self._add(self.replicas[lost.key] <= most * used)
            self._served(load, own, {lost.key: used})

    def _served(self, load: Load, own: tuple[Way, ...], lost: dict[tuple[str, str, str], Any]) -> dict[tuple[str, str, str], Any]:
        shares = {way.key: tuple(self._model.add_variable(lb=0, ub=1) if rate and can else None
                                 for rate, can in zip(load.requests_per_second, way.requests_per_second, strict=True)) for way in own}
        for index, rate in enumerate(load.requests_per_second):
            if rate:
                given = [share for way in own if (share := shares[way.key][index]) is not None]
                self._add(sum(given) == 1)
        for way in own:
            loads = [float(rate / can) * share for rate, can, share in zip(
                load.requests_per_second, way.requests_per_second, shares[way.key], strict=True) if share is not None and can]
            self._add(sum(loads) <= self.replicas[way.key] - lost.get(way.key, 0))
        return shares

    def _count(self, most: float) -> Any:
        self._whole += 1
        return self._model.add_integer_variable(lb=0, ub=most)

    def _add(self, constraint: Any) -> None:
        if constraint is not True:  # a sum of nothing is a number, and says nothing
            self._model.add_linear_constraint(constraint)


def _most(load: Load, ways: tuple[Way, ...]) -> int:
    """More replicas of one way than a cheapest fleet can use."""
    alone = [sum((rate / can for rate, can in zip(load.requests_per_second, way.requests_per_second, strict=True) if can), Fraction(0))
             for way in ways if way.service == load.service]
    return math.ceil(max(alone, default=Fraction(0))) + load.min_replicas + 2


def _cap(offer: NodeOffer, ways: tuple[Way, ...], most: dict[str, int]) -> int:
    """Nodes of an offer: its own limit, or one for each replica there could be."""
    needed = sum(most[way.service] for way in ways if way.offer == offer.name)
    return needed if offer.max_nodes is None else min(offer.max_nodes, needed)


def _whole(value: float) -> int:
    count = round(value)
    if abs(value - count) > _INTEGRAL:
        raise ArithmeticError(f"the solver gave {value} where a whole number was asked for")
    return count


def _below(bound: float, usd: Decimal) -> Decimal:
    """A bound in US dollars, rounded down, and never above what a fleet really costs."""
    return min(usd, max(Decimal(0), Decimal(bound).quantize(_CENT_OF_CENT, rounding=ROUND_FLOOR))) if math.isfinite(bound) else Decimal(0)
