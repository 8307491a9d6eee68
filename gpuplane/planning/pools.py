"""What a pool's nodes bring and cost, from the wish and the catalogue."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from gpuplane.catalog.catalog import Catalog
from gpuplane.planning.environment_plan import PoolPlan, key_resource
from gpuplane.planning.hardware import hardware
from gpuplane.planning.json_value import cents
from gpuplane.planning.money.month import HOURS_PER_MONTH
from gpuplane.planning.placement.allocatable import node_allocatable
from gpuplane.spec.environment import EnvironmentSettings
from gpuplane.spec.node_pool import NodePool
from gpuplane.spec.vocabulary import GPU, POOL, mig_resource


@dataclass(frozen=True)
class _Node:
    """One node: hardware, labels, the nodes that always run, and hourly prices for budgets and the worst case."""

    gpus: int
    vcpus: int
    memory_gib: int
    labels: Mapping[str, str]
    min_nodes: int
    usd_per_hour: Decimal | None
    worst_usd_per_hour: Decimal | None
    price_source: str
    price_as_of: date | None
    price_basis: str


def pool_plan(pool: NodePool, settings: EnvironmentSettings, catalog: Catalog, busy: Mapping[str, int]) -> PoolPlan:
    """The plan of one pool; :func:`with_committed` puts the nodes that its minimum really needs in.

    Args:
        pool: as written.
        settings: of the environment: region, and what else runs on the nodes.
        catalog: instance types and prices.
        busy: devices of minimum replicas by quota key, of all pools.
    """
    node = _existing(pool) if pool.spec.existing_nodes is not None else _created(pool, settings.region, catalog)
    devices, most = _devices(pool, node.gpus), pool.spec.max_nodes
    committed = _committed_nodes(pool, devices, busy, node.min_nodes)
    return PoolPlan(
        name=pool.name, gpu=pool.spec.gpu, strategy=pool.spec.strategy, gpus_per_node=node.gpus, devices_per_node=devices,
        min_nodes=node.min_nodes, max_nodes=most, capacity={name: count * most for name, count in devices.items()},
        vcpus_per_node=node.vcpus, memory_gib_per_node=node.memory_gib, node_labels=node.labels,
        usd_per_node_hour=node.usd_per_hour, worst_case_usd_per_node_hour=node.worst_usd_per_hour,
        price_source=node.price_source, price_as_of=node.price_as_of, price_basis=node.price_basis, committed_nodes=committed,
        committed_usd_per_month=month(node.usd_per_hour, committed),
        worst_case_usd_per_month=month(node.worst_usd_per_hour, most),
        allocatable=node_allocatable(pool.spec, settings, catalog))


def with_committed(pool: PoolPlan, nodes: int) -> PoolPlan:
    """The pool with so many nodes always running, or ``min_nodes`` where that is more."""
    committed = max(pool.min_nodes, nodes)
    return replace(pool, committed_nodes=committed, committed_usd_per_month=month(pool.usd_per_node_hour, committed))


def month(usd_per_node_hour: Decimal | None, nodes: int) -> Decimal | None:
    """US dollars that so many nodes cost in a month; None where the price is unknown."""
    return None if usd_per_node_hour is None else cents(usd_per_node_hour * nodes * HOURS_PER_MONTH)


def _committed_nodes(pool: NodePool, devices: Mapping[str, int], busy: Mapping[str, int], min_nodes: int) -> int:
    """min_nodes, or what the minimum replicas fill: every device type by itself, as if replicas packed perfectly."""
    filled = [math.ceil(busy.get(key, 0) / devices[key_resource(key)]) for key in _keys(pool) if devices[key_resource(key)]]
    return max([min_nodes, *filled])


def _keys(pool: NodePool) -> list[str]:
    sharing = pool.spec.sharing
    return [f"{pool.name}/{profile}" for profile in sorted(sharing.mig.layout)] if sharing and sharing.mig else [pool.name]


def _devices(pool: NodePool, gpus: int) -> dict[str, int]:
    sharing = pool.spec.sharing
    if sharing is not None and sharing.mig is not None:
        return {mig_resource(profile): gpus * count for profile, count in sorted(sharing.mig.layout.items())}
    replicas = sharing.time_slicing.replicas if sharing is not None and sharing.time_slicing is not None else 1
    return {GPU: gpus * replicas}


def _existing(pool: NodePool) -> _Node:
    nodes = pool.spec.existing_nodes
    assert nodes is not None
    return _Node(
        nodes.gpus_per_node, nodes.vcpus_per_node, nodes.memory_gib_per_node, dict(sorted(nodes.node_selector.items())),
        nodes.max_nodes,  # they are there, so all of them cost
        nodes.usd_per_node_hour, nodes.usd_per_node_hour, nodes.price_source, None, "as the pool's document says")


def _created(pool: NodePool, region: str | None, catalog: Catalog) -> _Node:
    group = pool.spec.eks_managed_node_group
    assert group is not None
    facts = hardware(pool.spec, catalog)
    size = (facts.gpus, facts.vcpus, facts.memory_gib) if facts is not None else (0, 0, 0)
    price, worst = (catalog.hourly_price(group.instance_type, region, capacity) if region is not None and facts is not None else None
                    for capacity in (group.capacity_type, "on_demand"))
    return _Node(
        *size, {POOL: pool.name}, group.min_nodes,
        price.usd_per_hour if price else None, worst.usd_per_hour if worst else None,
        price.source if price else "", price.as_of if price else None, price.basis if price else "unknown")
