"""What ``gpuplane capacity --cheapest`` adds: the declared fleet beside the cheapest one that meets the services' objectives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from gpuplane.delivery.wording import printable
from gpuplane.planning.fleet.report import FleetReport, NodeFleet, ServiceFleet


@dataclass(frozen=True)
class CheapestService:
    """One service with objectives, priced at its share of nodes; amounts in US dollars, None where ``reason`` says that one is not known.

    Attributes:
        declared_replicas: that the objectives take where it is placed.
        bound_usd_per_month: proven: nothing in the declared pools costs less.
        provenance: of the throughput it rests on; empty where none is known.
    """

    service: str
    declared_replicas: int | None
    declared_usd_per_month: Decimal | None
    cheapest_usd_per_month: Decimal | None
    bound_usd_per_month: Decimal | None
    overpaid_usd_per_month: Decimal | None
    provenance: str
    reason: str


@dataclass(frozen=True)
class CheapestNodes:
    """Whole nodes for all services together.

    Attributes:
        nodes: how many, by pool.
        usd_per_month: None where ``reason`` says that there is none.
        bound_usd_per_month: proven: nothing costs less.
    """

    nodes: Mapping[str, int]
    usd_per_month: Decimal | None
    bound_usd_per_month: Decimal | None
    reason: str


@dataclass(frozen=True)
class CheapestFleet:
    """The declared fleet and the cheapest one of the declared pools.

    Attributes:
        services: those with objectives.
        overpaid_usd_per_month: what the declared nodes cost more; None: not known.
    """

    services: tuple[CheapestService, ...]
    declared: CheapestNodes
    cheapest: CheapestNodes
    overpaid_usd_per_month: Decimal | None


def cheapest_of(report: FleetReport) -> CheapestFleet:
    """The summary of a fleet report."""
    return CheapestFleet(tuple(map(_service, report.services)), _nodes(report.declared), _nodes(report.cheapest),
                         report.overpaid_usd_per_month)


def cheapest_lines(fleet: CheapestFleet) -> Iterator[str]:
    """One line for each service with objectives, then the total over whole nodes."""
    yield "Cheapest plan that meets the objectives, in the declared pools (USD a month)"
    if not fleet.services:
        yield "  No service has objectives, so there is nothing to meet."
        return
    for row in fleet.services:
        reason = f" ({row.reason})" if row.reason else ""
        yield (f"  {printable(row.service)}: declared {_usd(row.declared_usd_per_month)}, cheapest {_usd(row.cheapest_usd_per_month)}, "
               f"nothing costs less than {_usd(row.bound_usd_per_month)}; throughput {row.provenance or 'unknown'}{printable(reason)}")
    yield f"  total declared: {_bought(fleet.declared)}"
    yield f"  total cheapest: {_bought(fleet.cheapest)}{_bound(fleet.cheapest)}"
    if fleet.overpaid_usd_per_month is not None:
        yield f"  the declared plan pays {_usd(fleet.overpaid_usd_per_month)} a month more"


def _service(row: ServiceFleet) -> CheapestService:
    return CheapestService(row.service, row.declared_replicas, row.declared_usd_per_month, row.cheapest_usd_per_month,
                           row.bound_usd_per_month, row.overpaid_usd_per_month, row.provenance, row.reason)


def _nodes(found: NodeFleet) -> CheapestNodes:
    return CheapestNodes(found.nodes, found.usd_per_month, found.bound_usd_per_month, found.reason)


def _bought(found: CheapestNodes) -> str:
    if found.usd_per_month is None:
        return f"unknown ({printable(found.reason)})"
    nodes = ", ".join(f"{count} × {printable(name)}" for name, count in sorted(found.nodes.items())) or "no node"
    return f"{_usd(found.usd_per_month)} ({nodes})"


def _bound(found: CheapestNodes) -> str:
    return "" if found.usd_per_month is None else f", nothing costs less than {_usd(found.bound_usd_per_month)}"


def _usd(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"{amount:,.2f}".replace(",", " ")
