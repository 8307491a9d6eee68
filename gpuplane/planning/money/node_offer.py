"""What a node of a pool costs in an hour, as it may be bought: of several instance types and purchase options the dearest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from gpuplane.catalog.catalog import Catalog
from gpuplane.spec.aws_nodes import AwsNodes
from gpuplane.spec.tpu_nodes import TpuNodes


@dataclass(frozen=True)
class NodeOffer:
    """A price of one node, in US dollars an hour.

    Attributes:
        usd_per_hour: None: unknown, which is never 0.
        source, as_of, basis: where it comes from, of which day, and how it was got.
    """

    usd_per_hour: Decimal | None = None
    source: str = ""
    as_of: date | None = None
    basis: str = "unknown"


def bought(nodes: AwsNodes, region: str | None, catalog: Catalog) -> NodeOffer:
    """The price that budgets reckon with; unknown where one of the types has no price in one of the ways it may be bought."""
    if nodes.block is not None:
        basis = f"capacity block {nodes.block.starts} to {nodes.block.ends}, paid in advance: {nodes.block.upfront_usd} USD"
        return NodeOffer(nodes.block.usd_per_node_hour, "the pool's document", None, basis)
    return _dearest(nodes.types, nodes.purchases, region, catalog)


def at_worst(nodes: AwsNodes, region: str | None, catalog: Catalog) -> NodeOffer:
    """The price that the worst case reckons with: on demand; of a capacity block its own, for nothing else is in it."""
    return bought(nodes, region, catalog) if nodes.block is not None else _dearest(nodes.types, ("on_demand",), region, catalog)


def of_tpu(nodes: TpuNodes, region: str | None, catalog: Catalog) -> NodeOffer:
    """The price of one TPU host: a row of the price book by its machine type, which users bring; none ships with gpuplane."""
    return _dearest((nodes.machine_type,), ("on_demand",), region, catalog)


def _dearest(types: Sequence[str], purchases: Sequence[str], region: str | None, catalog: Catalog) -> NodeOffer:
    found = []
    for name in types:
        for purchase in purchases:
            price = catalog.hourly_price(name, region, purchase) if region is not None else None
            if price is None:
                return NodeOffer()
            found.append((price.usd_per_hour, name, price))
    usd, name, price = max(found, key=lambda row: row[0])
    basis = price.basis if len(found) == 1 else f"{price.basis}, {name} being the dearest of {len(found)} offers"
    return NodeOffer(usd, price.source, price.as_of, basis)
