"""A pool's month, divided: every service bears its share of the nodes by its GPUs, and what nobody bears is idle.

At each level: sum of the services + idle − beyond = the pool, to the cent.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from gpuplane.catalog.catalog import Catalog
from gpuplane.planning.demand import Demand
from gpuplane.planning.environment_plan import PoolPlan, device_share, quota_resource
from gpuplane.planning.json_value import cents
from gpuplane.planning.money.expected import ExpectedReplicas, expected_replicas
from gpuplane.planning.money.ledger import PoolMoney, PoolNodes, ServiceMoney
from gpuplane.planning.money.month import LEVELS, UNKNOWN, Level, of_levels
from gpuplane.planning.money.node_month import NodePrices, node_prices
from gpuplane.planning.money.shares import shares
from gpuplane.spec.node_pool import NodePool

_IDLE = "/idle"
"""No service is called so."""


@dataclass(frozen=True)
class _Use:
    """Exact parts of a pool's nodes that its services take at one level, by ``tenant/service``, and the nodes that run."""

    nodes: int
    parts: Mapping[str, Fraction]


def pool_money(pool: NodePool, plan: PoolPlan, asked: Sequence[Demand], region: str | None, catalog: Catalog) -> PoolMoney:
    """What one pool costs and who bears it.

    Args:
        pool: as written.
        plan: its hardware, prices and the nodes that its minimum keeps running.
        asked: every demand on it, of all tenants.
        region: cloud region; None where there is none.
        catalog: prices.
    """
    prices = node_prices(pool, plan, region, catalog)
    expected = {demand.entry.name: expected_replicas(demand, pool) for demand in asked}
    uses = _uses(plan, asked, expected)
    divided = {level: _divided(uses[level], prices, level) for level in LEVELS}
    names = sorted(expected)
    return PoolMoney(
        name=plan.name, nodes=PoolNodes(*(uses[level].nodes for level in LEVELS)), reservation=prices.reservation,
        disk=prices.disk,
        month=of_levels({level: found.whole for level, found in divided.items()}),
        services={name: ServiceMoney(of_levels({level: found.parts.get(name) for level, found in divided.items()}), expected[name])
                  for name in names},
        idle=of_levels({level: found.idle for level, found in divided.items()}),
        beyond=of_levels({level: found.beyond for level, found in divided.items()}))


def _uses(plan: PoolPlan, asked: Sequence[Demand], expected: Mapping[str, ExpectedReplicas]) -> dict[Level, _Use]:
    replicas: dict[Level, dict[str, Fraction]] = {
        "minimum": {demand.entry.name: Fraction(demand.entry.document.spec.scaling.min_replicas) for demand in asked},
        "expected": {name: Fraction(row.replicas) for name, row in expected.items()},
        "worst_case": {demand.entry.name: Fraction(demand.replicas) for demand in asked}}
    most = max(plan.max_nodes, plan.committed_nodes)
    nodes = {"minimum": plan.committed_nodes, "worst_case": most,
             "expected": min(most, max(plan.committed_nodes, _filled(plan, asked, replicas["expected"])))}
    shared = {demand.entry.name: demand.per_replica * _share(plan, demand) for demand in asked}
    return {level: _Use(nodes[level], {name: count * shared[name] for name, count in replicas[level].items()}) for level in LEVELS}


def _share(plan: PoolPlan, demand: Demand) -> Fraction:
    return device_share(plan, quota_resource(plan, demand.quota_key))


def _filled(plan: PoolPlan, asked: Sequence[Demand], replicas: Mapping[str, Fraction]) -> int:
    """Nodes that so many replicas fill: whole nodes, every device type by itself, as if replicas packed perfectly."""
    busy: dict[str, Fraction] = {}
    for demand in asked:
        resource = quota_resource(plan, demand.quota_key)
        busy[resource] = busy.get(resource, Fraction(0)) + replicas[demand.entry.name] * demand.per_replica
    return max((math.ceil(count / plan.devices_per_node[resource]) for resource, count in busy.items() if plan.devices_per_node[resource]),
               default=0)


@dataclass(frozen=True)
class _Divided:
    whole: Decimal | None
    parts: Mapping[str, Decimal]
    idle: Decimal | None
    beyond: Decimal | None


def _divided(use: _Use, prices: NodePrices, level: Level) -> _Divided:
    """Nodes that are paid for bear the same price each, so a reservation is cheap for all services of the pool alike."""
    exact, paid = prices.month(use.nodes, level), max(use.nodes, prices.reserved_nodes)
    if exact is None:
        return _Divided(None, {}, None, None)
    whole = cents(exact)
    each = exact / paid if paid else Fraction(0)
    ratios = {name: part.as_integer_ratio() for name, part in use.parts.items()}  # few are different, and they hash quickly
    alike = Counter(ratios.values())
    worth = {ratio: Fraction(*ratio) * each for ratio in alike}
    asked = sum((worth[ratio] * count for ratio, count in alike.items()), Fraction(0))
    wanted = {name: worth[ratio] for name, ratio in ratios.items()}
    if asked > exact:  # more than the pool can ever have: every service's own figure is right, but not all at once
        parts = shares(cents(asked), wanted)
        return _Divided(whole, parts, Decimal("0.00"), sum(parts.values(), Decimal("0.00")) - whole)
    parts = shares(whole, {**wanted, _IDLE: exact - asked})
    return _Divided(whole, parts, parts.pop(_IDLE), Decimal("0.00"))


def unknown_pool(plan: PoolPlan) -> PoolMoney:
    """A pool of unknown hardware."""
    return PoolMoney(plan.name, PoolNodes(0, 0, 0), None, None, UNKNOWN, {}, UNKNOWN, UNKNOWN)
