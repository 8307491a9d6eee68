"""What documents declare beside the nodes (``cloud_use``), at the cloud's prices. A declared amount counts in full at each level."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from gpuplane.catalog.catalog import Catalog
from gpuplane.planning.json_value import cents
from gpuplane.planning.money.cluster_costs import cluster_costs
from gpuplane.planning.money.ledger import OtherCost
from gpuplane.planning.money.month import HOURS_PER_MONTH, Month
from gpuplane.spec.cloud_use import CloudUse
from gpuplane.spec.environment_spec import EnvironmentSpec

_RATES: tuple[tuple[str, str, str, int], ...] = (
    ("application_load_balancers", "alb_hour", "load balancer", HOURS_PER_MONTH),
    ("network_load_balancers", "nlb_hour", "load balancer", HOURS_PER_MONTH),
    ("nat_gateways", "nat_gateway_hour", "gateway", HOURS_PER_MONTH),
    ("nat_gib_per_month", "nat_gateway_gb", "GiB", 1),
    ("egress_gib_per_month", "egress_gb", "GiB", 1),
    ("inter_zone_gib_per_month", "inter_az_gb", "GiB", 2),  # charged where it leaves and where it arrives
    ("object_storage_gib", "s3_standard_gib_month", "GiB", 1),
)
"""Field of ``cloud_use``, kind of price, unit, and how many of the priced units a declared one is in a month."""

_NAMES = {"application_load_balancers": "application load balancers", "network_load_balancers": "network load balancers",
          "nat_gateways": "NAT gateways", "nat_gib_per_month": "traffic through NAT gateways",
          "egress_gib_per_month": "traffic out to the internet", "inter_zone_gib_per_month": "traffic between zones",
          "object_storage_gib": "object storage"}

def other_costs(spec: EnvironmentSpec, catalog: Catalog) -> tuple[OtherCost, ...]:
    """The cluster that gpuplane creates, then every declared use, the platform's first; what is 0 or left out has no row."""
    settings = spec.environment.spec
    region = settings.region if settings.cloud == "aws" else None  # the prices are AWS's
    rows = [*(cluster_costs(settings.aws, catalog) if settings.aws is not None else ()), *_rows("", settings.cloud_use, region, catalog)]
    for name in sorted(spec.tenants):
        rows += _rows(name, spec.tenants[name].spec.cloud_use, region, catalog)
    return tuple(rows)


def not_declared(spec: EnvironmentSpec) -> tuple[str, ...]:
    """What may cost money and is in no figure, because nobody declares it or because it is not reckoned at all."""
    uses = (spec.environment.spec.cloud_use, *(tenant.spec.cloud_use for tenant in spec.tenants.values()))
    aws = spec.environment.spec.aws
    counted = {"nat_gateways"} if aws is not None and aws.vpc is not None else set()
    missing = tuple(_NAMES[field] for field, *_ in _RATES if field not in counted and not any(getattr(use, field) for use in uses))
    created = aws is not None and aws.eks is not None
    nodes = any(pool.spec.existing_nodes is not None for pool in spec.pools.values())
    return (*(missing if spec.environment.spec.cloud == "aws" else ()), *(() if created else ("the control plane and nodes without GPUs",)),
            "logs, metrics and their storage", "capacity units of load balancers, public addresses, requests to object storage",
            *(("disks of existing nodes, beyond what their price says",) if nodes else ()), "taxes, support and negotiated discounts")


def _rows(tenant: str, use: CloudUse, region: str | None, catalog: Catalog) -> Iterator[OtherCost]:
    for field, kind, unit, each in _RATES:
        count = getattr(use, field)
        if not count:
            continue
        price = catalog.service_price(kind, region) if region is not None else None
        per_unit = price.usd * each if price is not None else None
        amount = cents(Fraction(per_unit) * count) if per_unit is not None else None
        yield OtherCost(_NAMES[field], tenant, Decimal(count), unit, per_unit, price.source if price else "",
                        price.as_of if price else None, Month(amount, amount, amount), f"spec.cloud_use.{field}")
