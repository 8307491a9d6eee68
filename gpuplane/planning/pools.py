"""What a pool's nodes bring and cost, from the wish and the catalogue."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from gpuplane.catalog.catalog import Catalog
from gpuplane.planning.capacity_window import capacity_window
from gpuplane.planning.environment_plan import PoolPlan, device_share, key_resource
from gpuplane.planning.hardware import fitting, hardware
from gpuplane.planning.json_value import cents, micro
from gpuplane.planning.money.month import HOURS_PER_MONTH
from gpuplane.planning.money.node_offer import NodeOffer, at_worst, bought, of_tpu
from gpuplane.planning.placement.allocatable import node_allocatable
from gpuplane.planning.pool_isolation import ISOLATION
from gpuplane.spec.environment import EnvironmentSettings
from gpuplane.spec.node_pool import NodePool
from gpuplane.spec.vocabulary import GKE_TPU_ACCELERATOR, GKE_TPU_TOPOLOGY, POOL, mig_resource


@dataclass(frozen=True)
class _Node:
    """One node: hardware, labels, the nodes that always run and those there can be, and prices for budgets and the worst case."""

    gpu: str
    gpus: int
    vcpus: int
    memory_gib: int
    labels: Mapping[str, str]
    min_nodes: int
    max_nodes: int
    offer: NodeOffer
    worst: NodeOffer
    most_vcpus: int = 0
    efa_interfaces: int = 0
    slice_hosts: int = 1


def pool_plan(pool: NodePool, settings: EnvironmentSettings, catalog: Catalog, busy: Mapping[str, int], as_of: date) -> PoolPlan:
    """The plan of one pool; :func:`with_committed` puts the nodes that its minimum really needs in.

    Args:
        pool: as written.
        settings: of the environment: region, and what else runs on the nodes.
        catalog: instance types and prices.
        busy: devices of minimum replicas by quota key, of all pools.
        as_of: the day on which a capacity block is open or not.
    """
    node = _node(pool, settings.region, catalog)
    window = capacity_window(pool.spec.aws_nodes.block if pool.spec.aws_nodes is not None else None, as_of)
    devices, most = _devices(pool, node.gpus), 0 if window is not None and window.state != "open" else node.max_nodes
    committed = _committed_nodes(pool, devices, busy, node.min_nodes) if window is None or window.state == "open" else 0
    plan = PoolPlan(
        name=pool.name, gpu=node.gpu, strategy=pool.spec.strategy, gpus_per_node=node.gpus, devices_per_node=devices,
        min_nodes=node.min_nodes, max_nodes=most, capacity={name: count * most for name, count in devices.items()},
        vcpus_per_node=node.vcpus, memory_gib_per_node=node.memory_gib, node_labels=node.labels,
        usd_per_node_hour=node.offer.usd_per_hour, worst_case_usd_per_node_hour=node.worst.usd_per_hour,
        price_source=node.offer.source, price_as_of=node.offer.as_of, price_basis=node.offer.basis, committed_nodes=committed,
        committed_usd_per_month=month(node.offer.usd_per_hour, committed),
        worst_case_usd_per_month=month(node.worst.usd_per_hour, most),
        allocatable=node_allocatable(pool.spec, settings, catalog), isolation=ISOLATION[pool.spec.strategy], window=window,
        most_vcpus_per_node=node.most_vcpus or node.vcpus, efa_interfaces=node.efa_interfaces, slice_hosts=node.slice_hosts)
    return replace(plan, usd_per_device_hour={name: _of_device(plan, name) for name in devices})


def with_committed(pool: PoolPlan, nodes: int) -> PoolPlan:
    """The pool with so many nodes always running, or ``min_nodes`` where that is more."""
    committed = max(pool.min_nodes, nodes)
    return replace(pool, committed_nodes=committed, committed_usd_per_month=month(pool.usd_per_node_hour, committed))


def month(usd_per_node_hour: Decimal | None, nodes: int) -> Decimal | None:
    """US dollars that so many nodes cost in a month; None where the price is unknown."""
    return None if usd_per_node_hour is None else cents(usd_per_node_hour * nodes * HOURS_PER_MONTH)


def _of_device(pool: PoolPlan, resource: str) -> Decimal | None:
    """A device's share of its node's price, to a millionth of a dollar."""
    share = device_share(pool, resource)
    if pool.usd_per_node_hour is None or not share:
        return None
    return micro(Fraction(pool.usd_per_node_hour) * share)


def _committed_nodes(pool: NodePool, devices: Mapping[str, int], busy: Mapping[str, int], min_nodes: int) -> int:
    """min_nodes, or what the minimum replicas fill: every device type by itself, as if replicas packed perfectly."""
    each = [(busy.get(key, 0), devices[key_resource(key, pool.spec.device)]) for key in _keys(pool)]
    return max([min_nodes, *(math.ceil(count / of_node) for count, of_node in each if of_node)])


def _keys(pool: NodePool) -> list[str]:
    sharing = pool.spec.sharing
    return [f"{pool.name}/{profile}" for profile in sorted(sharing.mig.layout)] if sharing and sharing.mig else [pool.name]


def _devices(pool: NodePool, gpus: int) -> dict[str, int]:
    sharing = pool.spec.sharing
    if sharing is not None and sharing.mig is not None:
        return {mig_resource(profile): gpus * count for profile, count in sorted(sharing.mig.layout.items())}
    return {pool.spec.device: gpus * (sharing.pods_per_gpu if sharing is not None else 1)}


def _node(pool: NodePool, region: str | None, catalog: Catalog) -> _Node:
    if pool.spec.existing_nodes is not None:
        return _existing(pool)
    return _tpu(pool, region, catalog) if pool.spec.tpu is not None else _created(pool, region, catalog)


def _existing(pool: NodePool) -> _Node:
    nodes = pool.spec.existing_nodes
    assert nodes is not None
    offer = NodeOffer(nodes.usd_per_node_hour, nodes.price_source, None, "as the pool's document says")
    return _Node(
        pool.spec.gpu, nodes.gpus_per_node, nodes.vcpus_per_node, nodes.memory_gib_per_node, dict(sorted(nodes.node_selector.items())),
        nodes.max_nodes, nodes.max_nodes, offer, offer)  # they are there, so all of them cost


def _created(pool: NodePool, region: str | None, catalog: Catalog) -> _Node:
    nodes, facts = pool.spec.aws_nodes, hardware(pool.spec, catalog)
    assert nodes is not None
    if facts is None:
        return _Node(pool.spec.gpu, 0, 0, 0, {POOL: pool.name}, nodes.least_nodes, nodes.max_nodes, NodeOffer(), NodeOffer())
    asks = pool.spec.eks_managed_node_group or pool.spec.karpenter
    efa = (facts.efa_interfaces or 0) if asks is not None and asks.efa is not None else 0
    return _Node(pool.spec.gpu, facts.gpus, facts.vcpus, facts.memory_gib, {POOL: pool.name}, nodes.least_nodes, nodes.max_nodes,
                 bought(nodes, region, catalog), at_worst(nodes, region, catalog),
                 max(each.vcpus for each in fitting(pool.spec, catalog)), efa)


def _tpu(pool: NodePool, region: str | None, catalog: Catalog) -> _Node:
    """Slices are whole: their hosts are there together, so all of them cost."""
    nodes = pool.spec.tpu
    assert nodes is not None
    machine, offer = catalog.tpus.get(nodes.machine_type), of_tpu(nodes, region, catalog)
    if machine is None or nodes.topology not in machine.topologies:  # refused by itself (NP-01)
        return _Node(nodes.machine_type, 0, 0, 0, {GKE_TPU_TOPOLOGY: nodes.topology}, 0, 0, NodeOffer(), NodeOffer())
    hosts = nodes.hosts_per_slice(machine.chips)
    return _Node(
        f"TPU-{machine.generation}", machine.chips, nodes.vcpus_per_node, nodes.memory_gib_per_node,
        {GKE_TPU_ACCELERATOR: machine.accelerator, GKE_TPU_TOPOLOGY: nodes.topology}, nodes.slices * hosts, nodes.slices * hosts,
        offer, offer, slice_hosts=hosts)
