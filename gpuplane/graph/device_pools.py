"""GPU capacity and prices that the planned objects declare: ResourceFlavors, and the nodes behind them.

Nothing here reads the wish. Where a node group, a Karpenter NodePool or Node objects stand behind a flavor they
are believed before the flavor's own annotations, so a changed instance type changes the verdict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from gpuplane.catalog.catalog import Catalog
from gpuplane.graph.gpu_sharing import MIG_CONFIG, SHARED_STRATEGIES, UNRESOLVED, SharingConfigs, sharing_configs
from gpuplane.graph.json_text import json_in
from gpuplane.graph.node_sources import NodeSource, node_sources
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, mapping
from gpuplane.spec.vocabulary import DEVICES_PER_NODE, MAX_NODES, MIG_PREFIX, RESERVED_USD_PER_NODE_HOUR, SHARING, USD_PER_NODE_HOUR

SHARING_STRATEGY = "nvidia.com/gpu.sharing-strategy"
"""Node label by which GPU feature discovery tells how a node's GPUs are shared."""
GPU_WEIGHT = 7
"""Compute slices of a whole GPU: the measure by which MIG devices share a node's price (NVIDIA MIG user guide)."""


@dataclass(frozen=True)
class DevicePool:
    """Nodes of one shape.

    Attributes:
        name: of the ResourceFlavor, or of the node source where no flavor selects it.
        node_labels: labels that select the nodes.
        max_nodes: most nodes there can be; None where nothing says so.
        devices_per_node: device resource to devices on one node; empty where nothing says so.
        usd_per_node_hour: None where it is unknown; an unknown price is never 0.
        price_basis: where the price comes from, or why there is none.
        sharing: ``dedicated``, ``mig``, ``time-slicing`` or ``mps``; ``unresolved`` where its nodes pick a config
            that the graph does not hold; None where nothing says so.
        view: the flavor, or the node source.
        reserved_usd_per_node_hour: of its reserved nodes; None where none are.
        total_devices: devices of all nodes together, where they are listed one by one.
    """

    name: str
    node_labels: Mapping[str, Any]
    max_nodes: int | None
    devices_per_node: Mapping[str, int]
    usd_per_node_hour: Decimal | None
    price_basis: str
    sharing: str | None
    view: ResourceView
    total_devices: Mapping[str, int] | None = None
    reserved_usd_per_node_hour: Decimal | None = None

    @property
    def least_usd_per_node_hour(self) -> Decimal | None:
        """What a node costs at least, reserved or not; None where its price is unknown."""
        prices = (self.usd_per_node_hour, self.reserved_usd_per_node_hour)
        return None if self.usd_per_node_hour is None else min(price for price in prices if price is not None)

    def capacity(self, resource: str) -> int | None:
        """Most devices of a resource there can be; None where that is unknown."""
        if self.total_devices is not None:
            return self.total_devices.get(resource, 0)
        if self.max_nodes is None or not self.devices_per_node:
            return None
        return self.max_nodes * self.devices_per_node.get(resource, 0)

    def node_share(self, resource: str) -> Decimal | None:
        """Share of a node's price that one device bears; None where the pool has no such device."""
        whole = sum(_weight(name) * count for name, count in self.devices_per_node.items())
        return Decimal(_weight(resource)) / whole if self.devices_per_node.get(resource) else None


def device_pools(graph: PlannedGraph, catalog: Catalog | None = None) -> tuple[DevicePool, ...]:
    """Every pool the graph declares, sorted by name.

    Args:
        graph: the planned objects.
        catalog: instance types and prices; the graph's own where it is left out.
    """
    return _own_pools(graph) if catalog is None else _pools(graph, catalog)


@lru_cache(maxsize=4)
def _own_pools(graph: PlannedGraph) -> tuple[DevicePool, ...]:
    return _pools(graph, graph.catalog)


def _pools(graph: PlannedGraph, catalog: Catalog) -> tuple[DevicePool, ...]:
    configs, sources = sharing_configs(graph), node_sources(graph, catalog)
    flavors = graph.objects("ResourceFlavor")
    taken = {source.view.urn for view in flavors for source in _behind(view, sources)}
    pools = [_flavor(view, _behind(view, sources), configs) for view in flavors]
    pools += [_combined(source.view.name, source.labels, source.view, [source], configs) for source in sources
              if source.view.urn not in taken]
    return tuple(sorted(pools, key=lambda pool: pool.name))


def _behind(flavor: ResourceView, sources: tuple[NodeSource, ...]) -> list[NodeSource]:
    """Sources whose nodes bear the flavor's labels; what makes nodes counts before nodes that are listed."""
    wanted = mapping(flavor.get("spec", "nodeLabels"))
    found = [source for source in sources if all(str(source.labels.get(key)) == str(value) for key, value in wanted.items())]
    making = [source for source in found if not source.listed]
    return making or ([] if MAX_NODES in flavor.annotations else found)


def _flavor(view: ResourceView, sources: list[NodeSource], configs: SharingConfigs) -> DevicePool:
    """The pool of a flavor: what its sources say, and where they say nothing its annotations."""
    said, labels = view.annotations, mapping(view.get("spec", "nodeLabels"))
    pool = _combined(view.name, labels, view, sources, configs)
    devices = pool.devices_per_node
    if not devices and not (pool.sharing == UNRESOLVED and configs.mig):
        devices = _said_devices(said.get(DEVICES_PER_NODE))
    price, basis = pool.usd_per_node_hour, pool.price_basis
    if price is None and USD_PER_NODE_HOUR in said:
        price, basis = _decimal(said[USD_PER_NODE_HOUR]), f"annotation {USD_PER_NODE_HOUR}"
    if not sources:
        most = _decimal(said.get(MAX_NODES))
        pool = replace(pool, max_nodes=None if most is None else int(most))
    sharing = pool.sharing
    if SHARING in said and (str(said[SHARING]) in SHARED_STRATEGIES or sharing in (None, "dedicated")):
        sharing = str(said[SHARING])
    reserved = _decimal(said.get(RESERVED_USD_PER_NODE_HOUR))
    return replace(pool, devices_per_node=devices, usd_per_node_hour=price, price_basis=basis, sharing=sharing,
                   reserved_usd_per_node_hour=reserved)


def _combined(name: str, labels: Mapping[str, Any], view: ResourceView, sources: list[NodeSource],
              configs: SharingConfigs) -> DevicePool:
    devices = [_devices(source, configs) for source in sources]
    total = _total(sources, devices)
    counts = [source.max_nodes for source in sources]
    most = sum(count or 0 for count in counts) if counts and None not in counts else None
    # Pods may land on any of the sources: the fewest devices and the dearest price are what can be relied on.
    per_node = min(devices, key=lambda found: sum(found.values())) if devices and all(devices) else {}
    dearest = max(sources, key=lambda source: (source.usd_per_node_hour is None, source.usd_per_node_hour or 0), default=None)
    return DevicePool(name, labels, most, per_node, dearest.usd_per_node_hour if dearest else None,
                      dearest.price_basis if dearest else "no node source and no annotation says it",
                      _sharing([labels, *(source.labels for source in sources)], per_node, configs), view, total)


def _devices(source: NodeSource, configs: SharingConfigs) -> Mapping[str, int]:
    if source.devices is not None:
        return source.devices
    return configs.devices(source.labels, source.gpus) or {} if source.gpus is not None else {}


def _total(sources: list[NodeSource], devices: list[Mapping[str, int]]) -> Mapping[str, int] | None:
    """Devices of all sources, where a limit or a difference between them makes nodes × devices wrong."""
    limits = [source.total for source in sources]
    same = all(found == devices[0] for found in devices)
    if not sources or (same and not any(limits)):
        return None
    total: Counter[str] = Counter()
    for source, found, limit in zip(sources, devices, limits, strict=True):
        if limit is None and (source.max_nodes is None or not found):
            return None
        total.update(limit if limit is not None else {name: count * (source.max_nodes or 0) for name, count in found.items()})
    return dict(total)


def _sharing(labels: list[Mapping[str, Any]], devices: Mapping[str, int], configs: SharingConfigs) -> str | None:
    found = [str(each[SHARING_STRATEGY]) for each in labels if SHARING_STRATEGY in each]
    found += [config.strategy for each in labels if (config := configs.plugin_for(each)) is not None and MIG_CONFIG not in each]
    if any(strategy in SHARED_STRATEGIES for strategy in found):
        return next(strategy for strategy in found if strategy in SHARED_STRATEGIES)
    if any(configs.unresolved(each) for each in labels):
        return UNRESOLVED
    if any(name.startswith(MIG_PREFIX) for name in devices):
        return "mig"
    return "dedicated" if found else None


def _said_devices(text: Any) -> Mapping[str, int]:
    said = json_in(text) if isinstance(text, str) else {}
    return {str(name): count for name, count in mapping(said).items() if isinstance(count, int) and count > 0}


def _decimal(text: Any) -> Decimal | None:
    try:
        number = Decimal(str(text))
    except InvalidOperation:
        return None
    return number if number.is_finite() and number >= 0 else None


def _weight(resource: str) -> int:
    slices = resource.removeprefix(MIG_PREFIX).partition("g.")[0]
    return int(slices) if resource.startswith(MIG_PREFIX) and slices.isdecimal() else GPU_WEIGHT
