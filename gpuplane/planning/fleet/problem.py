"""The question: services with loads, ways to serve them, and nodes that can be had. Exact numbers, no solver in sight.

The model is Mélange's (arXiv 2404.14527, section 5: the load that a bucket of requests puts on a GPU is its rate divided
by the most that GPU serves of it; loads of a GPU type add up to at most its count; cost is minimal), widened by nodes that
bring several devices at once, by the layouts a GPU can be cut into, by shared limits, and by the loss of a replica.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

NO_LIMITS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class NodeOffer:
    """One kind of node that can be had.

    Attributes:
        name: unique, e.g. ``pool l4`` or ``g6.2xlarge on_demand``.
        usd_per_hour: US dollars an hour for one node.
        layouts: the ways one part can be cut, each slot kind to number of slots; only maximal ones matter.
        parts: parts of a node that are cut independently: 1 (the node itself), or its GPUs where MIG cuts them.
        max_nodes: most nodes; None: as many as one likes.
        takes: what one node takes of each shared limit, e.g. ``{"vcpus of P instances": 192}``.
        declared: whether it is part of the declared plan: of fleets of one cost the one with more of it is taken.
    """

    name: str
    usd_per_hour: Decimal
    layouts: tuple[Mapping[str, int], ...]
    parts: int = 1
    max_nodes: int | None = None
    takes: Mapping[str, int] = field(default_factory=lambda: NO_LIMITS)
    declared: bool = False


@dataclass(frozen=True)
class Load:
    """What one service must serve.

    Attributes:
        service: unique name.
        requests_per_second: of each bucket of requests.
        min_replicas: replicas there must be at least.
        spare: True: the load is served even without any one replica (N+1).
    """

    service: str
    requests_per_second: tuple[Fraction, ...]
    min_replicas: int = 1
    spare: bool = False


@dataclass(frozen=True)
class Way:
    """One way to run a replica of a service.

    Attributes:
        service, offer, slot: which service, on which node, in which kind of slot.
        requests_per_second: most of each bucket that one replica serves within its targets; None: none at all.
        evidence: provenance and source of that, for the proof.
    """

    service: str
    offer: str
    slot: str
    requests_per_second: tuple[Fraction | None, ...]
    evidence: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Service, offer and slot: unique in a problem."""
        return self.service, self.offer, self.slot


@dataclass(frozen=True)
class FleetProblem:
    """Loads, ways and offers.

    Attributes:
        limits: shared limits by name, e.g. cloud quotas.

    Raises:
        ValueError: names that are not unique or not there.
    """

    loads: tuple[Load, ...]
    ways: tuple[Way, ...]
    offers: tuple[NodeOffer, ...]
    limits: Mapping[str, int] = field(default_factory=lambda: NO_LIMITS)

    def __post_init__(self) -> None:
        offers, loads = {offer.name: offer for offer in self.offers}, {load.service: load for load in self.loads}
        if len(offers) < len(self.offers) or len(loads) < len(self.loads) or len({way.key for way in self.ways}) < len(self.ways):
            raise ValueError("offers, services and ways must be unique")
        for way in self.ways:
            if way.offer not in offers or way.service not in loads:
                raise ValueError(f"{way.key} names an offer or a service that is not there")
            if len(way.requests_per_second) != len(loads[way.service].requests_per_second):
                raise ValueError(f"{way.key} has another number of buckets than its service")
        for offer in self.offers:
            if unknown := set(offer.takes) - set(self.limits):
                raise ValueError(f"{offer.name} takes of limits that are not there: {sorted(unknown)}")


@dataclass(frozen=True)
class Fleet:
    """The answer.

    Attributes:
        nodes: offer to nodes, only those there are any of.
        replicas: (service, offer, slot) to replicas, only those there are any of.
        shares: (service, offer, slot) to the share of each bucket it serves, rounded to a millionth.
        usd_per_hour: what the nodes cost, exact.
        bound_usd_per_hour: proven: no fleet costs less. Equal to usd_per_hour where the fleet is optimal.
    """

    nodes: Mapping[str, int]
    replicas: Mapping[tuple[str, str, str], int]
    shares: Mapping[tuple[str, str, str], tuple[float, ...]]
    usd_per_hour: Decimal
    bound_usd_per_hour: Decimal

    @property
    def optimal(self) -> bool:
        """Whether it is proven that nothing is cheaper."""
        return self.usd_per_hour == self.bound_usd_per_hour

    @property
    def gap(self) -> Decimal:
        """How much of its cost could at most be saved, 0 to 1."""
        return (self.usd_per_hour - self.bound_usd_per_hour) / self.usd_per_hour if self.usd_per_hour else Decimal(0)


@dataclass(frozen=True)
class NoFleet:
    """Why no fleet meets the loads, a sentence; ``proven`` is False where the search gave up before it found any."""

    reason: str
    proven: bool = True
