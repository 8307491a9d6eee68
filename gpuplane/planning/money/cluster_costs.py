"""What a cluster costs that gpuplane creates: control plane, nodes without GPUs and their disks, NAT gateways, endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.prices import Price
from gpuplane.catalog.service_prices import ServicePrice
from gpuplane.planning.json_value import cents
from gpuplane.planning.money.ledger import OtherCost
from gpuplane.planning.money.month import HOURS_PER_MONTH, Month
from gpuplane.spec.aws import Aws
from gpuplane.spec.eks import Eks
from gpuplane.spec.vpc import Vpc

CONTROL_PLANES = {"standard": "eks_cluster_hour", "extended": "eks_cluster_extended_hour"}
"""Kind of price by support."""


def cluster_costs(aws: Aws, catalog: Catalog) -> Iterator[OtherCost]:
    """One row for each thing, the platform's; nothing where the cluster is there already."""
    if aws.eks is not None:
        price = catalog.service_price(CONTROL_PLANES[aws.eks.support], aws.region)
        yield _row(f"the EKS control plane ({aws.eks.support} support)", 1, 1, "cluster", price, HOURS_PER_MONTH, "spec.aws.eks.support")
        yield from _system_nodes(aws.eks, aws.region, catalog)
    if aws.vpc is not None:
        yield from _network(aws.vpc, aws.region, catalog)


def _system_nodes(eks: Eks, region: str, catalog: Catalog) -> Iterator[OtherCost]:
    nodes = eks.system_nodes
    # Any of the types may come: the dearest counts, and one that is unknown makes all unknown.
    prices = [catalog.hourly_price(kind, region, "on_demand") for kind in nodes.instance_types]
    known = [price for price in prices if price is not None]
    dearest = max(known, key=lambda price: price.usd_per_hour) if len(known) == len(prices) else None
    of = " or ".join(nodes.instance_types)
    yield _row(f"system nodes ({of})", nodes.min_nodes, nodes.max_nodes, "node", dearest, HOURS_PER_MONTH,
               "spec.aws.eks.system_nodes.instance_types")
    yield _row(f"root volumes of system nodes ({nodes.disk_gib} GiB each)", nodes.min_nodes, nodes.max_nodes, "volume",
               catalog.service_price("ebs_gp3_gib_month", region), nodes.disk_gib, "spec.aws.eks.system_nodes.disk_gib")


def _network(vpc: Vpc, region: str, catalog: Catalog) -> Iterator[OtherCost]:
    gateways = {"none": 0, "one": 1, "one_per_zone": len(vpc.zones)}[vpc.nat_gateways]
    endpoints = len(vpc.interface_endpoints) * len(vpc.zones)
    if gateways:
        yield _row("NAT gateways of the network", gateways, gateways, "gateway", catalog.service_price("nat_gateway_hour", region),
                   HOURS_PER_MONTH, "spec.aws.vpc.nat_gateways")
    if endpoints:
        yield _row("interface endpoints of the network", endpoints, endpoints, "endpoint and zone",
                   catalog.service_price("interface_endpoint_hour", region), HOURS_PER_MONTH, "spec.aws.vpc.interface_endpoints")


def _row(name: str, low: int, high: int, unit: str, price: Price | ServicePrice | None, each: int, path: str) -> OtherCost:
    """A cost of ``low`` to ``high`` pieces; ``each``: how many of the priced units one piece is in a month."""
    if price is None:
        return OtherCost(name, "", Decimal(low), unit, None, "", None, Month(None, None, None), path)
    usd = (price.usd if isinstance(price, ServicePrice) else price.usd_per_hour) * each
    source: tuple[str, date | None] = (price.source, price.as_of)
    least, most = (cents(Fraction(usd) * count) for count in (low, high))
    return OtherCost(name, "", Decimal(low), unit, usd, *source, Month(least, least, most), path)
