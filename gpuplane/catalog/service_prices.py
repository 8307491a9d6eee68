"""What a cloud charges beside the nodes: disks, buckets, load balancers, traffic. An unknown price is None and never 0.

Prices are of the first tier, without free allowances; the cloud's GB is 2^30 bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType

from gpuplane.catalog.data_files import read_rows, sources

KINDS: Mapping[str, str] = MappingProxyType({
    "alb_hour": "USD per hour of an Application Load Balancer, without capacity units",
    "ebs_gp3_gib_month": "USD per GiB-month of an EBS gp3 volume, with the 3,000 IOPS and 125 MB/s that go with it",
    "egress_gb": "USD per GiB out to the internet, first 10 TB of a month",
    "eks_cluster_extended_hour": "USD per hour of an EKS control plane in extended support",
    "eks_cluster_hour": "USD per hour of an EKS control plane in standard support",
    "inter_az_gb": "USD per GiB between zones of a region, in each direction: what crosses once is charged twice",
    "interface_endpoint_hour": "USD per hour of an interface endpoint (AWS PrivateLink) in one zone, without what passes through it",
    "nat_gateway_gb": "USD per GiB through a NAT gateway",
    "nat_gateway_hour": "USD per hour of a NAT gateway",
    "nlb_hour": "USD per hour of a Network Load Balancer, without capacity units",
    "s3_standard_gib_month": "USD per GiB-month of S3 Standard, first 50 TB",
})
"""What can be priced, and the unit it is priced in."""

ServicePriceBook = Mapping[tuple[str, str], "ServicePrice"]
"""Prices by kind and region."""


@dataclass(frozen=True)
class ServicePrice:
    """What one unit of something costs in one region.

    Attributes:
        kind: a key of :data:`KINDS`.
        region: e.g. ``eu-central-1``.
        usd: US dollars a unit.
        source, as_of: where the row comes from, and of which day it speaks.
    """

    kind: str
    region: str
    usd: Decimal
    source: str
    as_of: date

    @property
    def unit(self) -> str:
        """What the price is for, in words."""
        return KINDS[self.kind]


@cache
def load_service_prices() -> ServicePriceBook:
    """The newest row of every kind and region."""
    found: dict[tuple[str, str], ServicePrice] = {}
    for row in read_rows("service_prices.tsv"):
        source = sources()[row["source"]]
        price = ServicePrice(row["kind"], row["region"], Decimal(row["usd"]), source.text, source.as_of)
        known = found.get((price.kind, price.region))
        if known is None or known.as_of < price.as_of:
            found[price.kind, price.region] = price
    return MappingProxyType(found)


def service_price(kind: str, region: str) -> ServicePrice | None:
    """What one unit costs in a region; None where no row says so.

    Args:
        kind: a key of :data:`KINDS`.
        region: e.g. ``eu-central-1``.

    Raises:
        ValueError: there is no such kind.
    """
    return service_price_in(load_service_prices(), kind, region)


def service_price_in(book: ServicePriceBook, kind: str, region: str) -> ServicePrice | None:
    """:func:`service_price` in a given book."""
    if kind not in KINDS:
        raise ValueError(f"{kind!r} has no price; allowed: {', '.join(KINDS)}")
    return book.get((kind, region))
