"""The cheapest fleet of a small problem by trying everything: shares no line with the solver, and knows no solver."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import product

from gpuplane.planning.fleet.problem import FleetProblem, Load, NodeOffer, Way

MOST_REPLICAS = 5


def cheapest_cost(problem: FleetProblem) -> Decimal | None:
    """US dollars an hour of the cheapest fleet with at most MOST_REPLICAS of each way; None where there is none. Two buckets at most."""
    ways = problem.ways
    best: Decimal | None = None
    for counts in product(range(MOST_REPLICAS + 1), repeat=len(ways)):
        held = dict(zip([way.key for way in ways], counts, strict=True))
        if not all(served(load, [way for way in ways if way.service == load.service], held) for load in problem.loads):
            continue
        for nodes in _node_choices(problem, held):
            cost = sum((offer.usd_per_hour * nodes[offer.name] for offer in problem.offers), Decimal(0))
            best = cost if best is None else min(best, cost)
    return best


def served(load: Load, ways: list[Way], held: Mapping[tuple[str, str, str], int]) -> bool:
    """Whether these replicas carry the load, exactly; with a spare also without any one of them."""
    if sum(held[way.key] for way in ways) < load.min_replicas:
        return False
    losses: list[dict[tuple[str, str, str], int]] = [{}]
    if load.spare:
        losses += [{way.key: 1} for way in ways if held[way.key]]
    return all(_carries(load.requests_per_second, [(held[way.key] - lost.get(way.key, 0), way) for way in ways]) for lost in losses)


def _carries(rates: tuple[Fraction, ...], replicas: list[tuple[int, Way]]) -> bool:
    """The first bucket goes where it displaces least of the second: for two buckets that is best."""
    first, second = rates[0], rates[1] if len(rates) > 1 else Fraction(0)

    def displaced(row: tuple[int, Way]) -> Fraction:
        one, two = row[1].requests_per_second[0], row[1].requests_per_second[1] if len(rates) > 1 else None
        return (two or Fraction(0)) / one if one else Fraction(10**9)

    room = Fraction(0)
    for count, way in sorted(replicas, key=displaced):
        capacity, one = Fraction(count), way.requests_per_second[0]
        if one and first:
            taken = min(first, capacity * one)
            first, capacity = first - taken, capacity - taken / one
        if len(rates) > 1 and way.requests_per_second[1]:
            room += capacity * way.requests_per_second[1]
    return first == 0 and room >= second


def _node_choices(problem: FleetProblem, held: Mapping[tuple[str, str, str], int]) -> Iterator[dict[str, int]]:
    """The fewest nodes of each offer; nothing where limits do not allow them."""
    nodes = {}
    for offer in problem.offers:
        asked: dict[str, int] = {}
        for (_, name, slot), count in held.items():
            if name == offer.name:
                asked[slot] = asked.get(slot, 0) + count
        needed = _nodes(offer, asked)
        if needed is None or (offer.max_nodes is not None and needed > offer.max_nodes):
            return
        nodes[offer.name] = needed
    if all(sum(offer.takes.get(name, 0) * nodes[offer.name] for offer in problem.offers) <= most for name, most in problem.limits.items()):
        yield nodes


def _nodes(offer: NodeOffer, asked: Mapping[str, int]) -> int | None:
    """Parts are filled one after another in every way; the fewest parts, as nodes."""
    frontier, parts = {tuple(sorted((slot, count) for slot, count in asked.items() if count))}, 0
    while () not in frontier:
        step = set()
        for left in frontier:
            for layout in offer.layouts:
                rest = tuple((slot, count - layout.get(slot, 0)) for slot, count in left if count > layout.get(slot, 0))
                if rest != left:
                    step.add(rest)
        if not step:
            return None
        frontier, parts = step, parts + 1
    return math.ceil(Fraction(parts, offer.parts))
