"""Where nodes come from: EKS node groups, Karpenter NodePools, or Node objects that are listed one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from gpuplane.catalog.catalog import Catalog
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.quantities import quantity
from gpuplane.graph.resource_view import ResourceView, items, lookup, mapping
from gpuplane.spec.vocabulary import GPU, is_device_resource

NODE_GROUP_TYPE = "aws:eks/nodeGroup:NodeGroup"
INSTANCE_TYPE = "node.kubernetes.io/instance-type"
REGION = "topology.kubernetes.io/region"
CAPACITY_TYPES = ("karpenter.sh/capacity-type", "eks.amazonaws.com/capacityType")
"""Node labels that say on demand or spot."""


@dataclass(frozen=True)
class NodeSource:
    """Something that brings nodes.

    Attributes:
        view: the object.
        labels: labels of its nodes.
        listed: True for a Node that exists, False for what makes nodes.
        max_nodes: most nodes; None where it is open or unknown.
        gpus: GPUs of one node by its instance type; None where that is not in the catalogue.
        devices: devices of one node as its status says; None where nothing does.
        total: limits on devices of all its nodes together; None where there are none.
        usd_per_node_hour, price_basis: price of a node, None where unknown, and where it comes from.
        price_as_of: the day that price speaks of; None where it is unknown.
    """

    view: ResourceView
    labels: Mapping[str, Any]
    listed: bool
    max_nodes: int | None
    gpus: int | None
    devices: Mapping[str, int] | None
    total: Mapping[str, int] | None
    usd_per_node_hour: Decimal | None
    price_basis: str
    price_as_of: date | None = None


def node_sources(graph: PlannedGraph, catalog: Catalog) -> tuple[NodeSource, ...]:
    """Every source of GPU nodes in the graph, in its order."""
    return tuple(_sources(graph, catalog))


def _sources(graph: PlannedGraph, catalog: Catalog) -> Iterator[NodeSource]:
    for view in graph.resources:
        if view.type == NODE_GROUP_TYPE:
            yield _node_group(view, catalog)
        elif view.kind == "NodePool" and view.group == "karpenter.sh":
            yield _karpenter(view, catalog)
        elif view.kind == "Node" and view.api_version == "v1":
            yield _node(view, catalog)


def _node_group(view: ResourceView, catalog: Catalog) -> NodeSource:
    types, capacity = [str(item) for item in items(view.get("instanceTypes"))], str(view.get("capacityType") or "ON_DEMAND")
    labels = {"eks.amazonaws.com/capacityType": capacity, **mapping(view.get("labels"))}
    most = quantity(view.get("scalingConfig", "maxSize"))
    price, basis, day = _price(catalog, types, str(view.get("region") or ""), [capacity])
    return NodeSource(view, labels, False, None if most is None else int(most), _gpus(catalog, types), None, None, price, basis, day)


def _karpenter(view: ResourceView, catalog: Catalog) -> NodeSource:
    wanted = {str(lookup(item, "key")): [str(value) for value in items(lookup(item, "values"))]
              for item in items(view.get("spec", "template", "spec", "requirements")) if lookup(item, "operator") == "In"}
    labels = {key: values[0] for key, values in wanted.items() if len(values) == 1}
    labels |= {"karpenter.sh/nodepool": view.name, **mapping(view.get("spec", "template", "metadata", "labels"))}
    limits = mapping(view.get("spec", "limits"))
    types = wanted.get(INSTANCE_TYPE, [])
    gpus = _gpus(catalog, types)
    same = len({found.gpus for name in types if (found := catalog.instance(name)) is not None}) == 1
    nodes = _most_nodes(limits, gpus if same else None)
    capacities = [value for key in CAPACITY_TYPES for value in wanted.get(key, [])] or ["on-demand"]
    price, basis, day = _price(catalog, types, _region(wanted), capacities)
    return NodeSource(view, labels, False, nodes, gpus, None,
                      None if nodes is not None else _devices(limits) or None, price, basis, day)


def _most_nodes(limits: Mapping[str, Any], gpus: int | None) -> int | None:
    """Nodes within the limits of a NodePool: by number, or by the GPUs of a node, which Karpenter counts whole, shared or not."""
    by_number, by_gpus = quantity(limits.get("nodes")), quantity(limits.get(GPU))
    if by_gpus is not None and gpus:
        by_number = by_gpus // gpus if by_number is None else min(by_number, by_gpus // gpus)
    return None if by_number is None else int(by_number)


def _node(view: ResourceView, catalog: Catalog) -> NodeSource:
    labels = view.labels
    capacity = next((str(labels[key]) for key in CAPACITY_TYPES if key in labels), "on-demand")
    types = [str(labels[INSTANCE_TYPE])] if INSTANCE_TYPE in labels else []
    price, basis, day = _price(catalog, types, str(labels.get(REGION, "")), [capacity])
    devices = _devices(view.get("status", "allocatable")) or _devices(view.get("status", "capacity"))
    return NodeSource(view, labels, True, 1, None, devices, None, price, basis, day)


def _region(wanted: Mapping[str, list[str]]) -> str:
    zone = next(iter(wanted.get("topology.kubernetes.io/zone", [])), "")
    return next(iter(wanted.get(REGION, [])), zone.rstrip("abcdefgh"))


def _devices(amounts: Any) -> dict[str, int]:
    found = {str(name): quantity(value) for name, value in mapping(amounts).items() if is_device_resource(str(name))}
    return {name: int(amount) for name, amount in sorted(found.items()) if amount is not None}


def _gpus(catalog: Catalog, types: list[str]) -> int | None:
    """GPUs of one node; of several instance types the fewest, for any of them may come."""
    known = [catalog.instance(name) for name in types]
    return min((found.gpus for found in known if found is not None), default=None) if all(known) else None


def _price(catalog: Catalog, types: list[str], region: str, capacities: list[str]) -> tuple[Decimal | None, str, date | None]:
    """The dearest of the instance types and purchase options that may come, unknown if any of them is."""
    dearest, basis, day = None, "no instance type is named", None
    for name in types:
        for capacity in capacities:
            try:  # capacity of a reservation is paid for at the on-demand price
                price = catalog.hourly_price(name, region, "on_demand" if capacity == "reserved" else capacity)
            except ValueError:
                price = None
            if price is None:
                return None, f"the price book has no row for {name} ({capacity.lower()}) in {region or 'an unknown region'}", None
            if dearest is None or price.usd_per_hour > dearest:
                dearest, day = price.usd_per_hour, price.as_of
                basis = f"{name} in {region}, {price.basis}, as of {price.as_of} ({price.source})"
    return dearest, basis, day
