"""The money of a plan, as frozen, serialisable values: who costs what, and how it adds up.

Pools: services + idle − beyond = month. Environment: pools + others = month. Tenants: their services + their others = month.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from gpuplane.planning.money.budget import BudgetUse
from gpuplane.planning.money.expected import ExpectedReplicas
from gpuplane.planning.money.month import UNKNOWN, Month
from gpuplane.planning.money.node_extras import Reservation, RootVolume


@dataclass(frozen=True)
class PoolNodes:
    """Nodes that run at each level."""

    minimum: int
    expected: int
    worst_case: int


@dataclass(frozen=True)
class ServiceMoney:
    """One service: its share of its pool's nodes, and how many replicas are expected."""

    month: Month
    expected: ExpectedReplicas


@dataclass(frozen=True)
class PoolMoney:
    """One pool.

    Attributes:
        nodes: that run at each level.
        reservation: None: nothing is reserved.
        disk: the root volume of a node; None where somebody else brings the nodes.
        month: all its nodes with their root volumes.
        services: by ``tenant/service``.
        idle: what is paid for and no service bears.
        beyond: by how much the services' own figures are more than the pool can cost: they cannot all come true at once.
    """

    name: str
    nodes: PoolNodes
    reservation: Reservation | None
    disk: RootVolume | None
    month: Month
    services: Mapping[str, ServiceMoney]
    idle: Month
    beyond: Month


@dataclass(frozen=True)
class OtherCost:
    """Something beside the GPU nodes that a document declares: a load balancer, traffic, storage, a control plane.

    Attributes:
        name: what it is.
        tenant: who bears it; empty for the platform.
        quantity, unit: how much of it in a month, at least.
        usd_per_unit: None: unknown.
        price_source, price_as_of: where the price comes from.
        month: what it costs; a declared amount counts in full at each level.
        path: field of the tenant's or the environment's document that declares it.
    """

    name: str
    tenant: str
    quantity: Decimal
    unit: str
    usd_per_unit: Decimal | None
    price_source: str
    price_as_of: date | None
    month: Month
    path: str


@dataclass(frozen=True)
class TenantMoney:
    """One tenant: its services and what it declares beside them."""

    month: Month
    budget: BudgetUse


@dataclass(frozen=True)
class EnvironmentMoney:
    """What the whole environment costs.

    Attributes:
        pools, tenants: by name.
        others: what is declared beside the nodes, by name and tenant.
        month: pools + others.
        idle, beyond: of all pools.
        budget: the environment's.
        not_in_figure: what may cost money and no document declares.
    """

    pools: Mapping[str, PoolMoney] = field(default_factory=dict)
    tenants: Mapping[str, TenantMoney] = field(default_factory=dict)
    others: tuple[OtherCost, ...] = ()
    month: Month = UNKNOWN
    idle: Month = UNKNOWN
    beyond: Month = UNKNOWN
    budget: BudgetUse | None = None
    not_in_figure: tuple[str, ...] = ()
