"""The answer about fleets as values: what a service could stand on, what it should, and what the declared plan pays over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from gpuplane.planning.json_value import json_value


@dataclass(frozen=True, order=True)
class Option:
    """One way to serve a service with one kind of GPU alone, for people to compare.

    Attributes:
        hardware, offer: of one replica, and the cheapest node for it.
        replicas: for the whole load, with the spare.
        usd_per_month: their share of nodes.
        requests_per_usd, output_tokens_per_usd: of one replica at its most within the targets; tokens None where there are none.
        provenance, source: who says so.
    """

    usd_per_month: Decimal
    hardware: str
    offer: str
    replicas: int
    requests_per_usd: Decimal
    output_tokens_per_usd: Decimal | None
    provenance: str
    source: str


@dataclass(frozen=True, order=True)
class FleetPart:
    """Replicas of one service on one kind of node."""

    service: str
    offer: str
    slot: str
    replicas: int


@dataclass(frozen=True)
class ServiceFleet:
    """One service, priced at its share of nodes.

    Attributes:
        declared_replicas: that the objectives take where it is placed, at least min_replicas; None: not known or not possible.
        declared_usd_per_month, cheapest_usd_per_month, overpaid_usd_per_month: None where not known.
        bound_usd_per_month: proven: nothing costs less.
        parts: the cheapest replicas.
        options: each kind of GPU alone, cheapest first.
        reason: why a figure is missing; empty otherwise.
    """

    service: str
    declared_hardware: str
    declared_replicas: int | None
    declared_usd_per_month: Decimal | None
    cheapest_usd_per_month: Decimal | None
    bound_usd_per_month: Decimal | None
    overpaid_usd_per_month: Decimal | None
    provenance: str
    parts: tuple[FleetPart, ...]
    options: tuple[Option, ...]
    reason: str


@dataclass(frozen=True)
class StepFleet:
    """One step of a pipeline.

    Attributes:
        promised_ms: its latency_ms.p99.
        kept_ms: the 99th percentile at the load of the profile that its replicas are counted by; None: not known.
        split_ms, split_usd_per_month, split_on: what it would take, cost and stand on in the cheapest split; None and empty: no split.
    """

    service: str
    promised_ms: Decimal
    kept_ms: Decimal | None
    split_ms: Decimal | None
    split_usd_per_month: Decimal | None
    split_on: str


@dataclass(frozen=True)
class PipelineFleet:
    """One pipeline: its time, how the steps divide it, and the division that would be cheapest."""

    tenant: str
    name: str
    latency_ms: Decimal
    promised_ms: Decimal
    steps: tuple[StepFleet, ...]


@dataclass(frozen=True)
class NodeFleet:
    """Whole nodes for all services together; figures are None where ``reason`` says that there is none."""

    nodes: Mapping[str, int]
    parts: tuple[FleetPart, ...]
    usd_per_month: Decimal | None
    bound_usd_per_month: Decimal | None
    optimal: bool
    reason: str


@dataclass(frozen=True)
class FleetReport:
    """The answer for one environment. All prices are of the nodes' hours; disks are not in them.

    Attributes:
        root_volumes_usd_per_month: what ``gpuplane cost`` counts on top of the declared nodes, for their root volumes; None: not known.
    """

    environment: str
    as_of: date
    among: str
    services: tuple[ServiceFleet, ...]
    pipelines: tuple[PipelineFleet, ...]
    declared: NodeFleet
    cheapest: NodeFleet
    overpaid_usd_per_month: Decimal | None
    root_volumes_usd_per_month: Decimal | None
    sources: tuple[str, ...]

    def to_json_value(self) -> dict[str, Any]:
        """Plain JSON values with sorted keys, money as text with two decimals."""
        value: dict[str, Any] = json_value(self)
        return value
