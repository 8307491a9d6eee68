"""CB-05: nodes' hours, root volumes, reservations and declared use whose price nobody knows. One missing price, one refusal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gpuplane.catalog.catalog import Catalog
from gpuplane.planning.environment_plan import PoolPlan, Pools
from gpuplane.planning.money.ledger import EnvironmentMoney, PoolMoney
from gpuplane.planning.refusal import UNKNOWN_PRICE, Refusal, refused
from gpuplane.spec.aws_nodes import AwsNodes
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.errors import listed
from gpuplane.spec.node_pool import NodePool

_ADD = "Add its row to service_prices of catalog.yaml"


@dataclass(frozen=True)
class _Gap:
    """One price that is missing.

    Attributes:
        what: of what.
        document, path: where the first of those that need it says so.
        reason, remedy: sentences, without what it is the price of.
        pools: that need it.
        tenant: whom it concerns; empty for the environment.
    """

    what: str
    document: tuple[str, str]
    path: str
    reason: str
    remedy: str
    pools: tuple[str, ...] = ()
    tenant: str = ""


def price_refusals(spec: EnvironmentSpec, pools: Pools, money: EnvironmentMoney, catalog: Catalog) -> Iterator[Refusal]:
    """Everything that is declared has a price, or is refused: unknown is never 0.

    A region that no price is known of is one mistake, and so is a price that several pools lack.
    """
    region, gaps = spec.environment.spec.region, tuple(_joined(_gaps(spec, pools, money, catalog)))
    if spec.environment.spec.cloud == "aws" and len(gaps) > 1 and region not in catalog.priced_regions():
        yield refused(
            UNKNOWN_PRICE, spec.places[("Environment", spec.name)], "spec.aws.region",
            f"the price book knows no price in {region}, and unknown is not 0; needed are those of {listed(_named(gap) for gap in gaps)}.",
            f"Choose a region with known prices ({', '.join(catalog.priced_regions())}), or add rows to prices and service_prices of "
            "catalog.yaml.", "prices", "none")
        return
    for gap in gaps:
        others = f"; pools {listed(gap.pools)} need it" if len(gap.pools) > 1 else ""
        yield refused(UNKNOWN_PRICE, spec.places[gap.document], gap.path, f"{gap.reason}{others}.", gap.remedy, "a price", "none",
                      gap.tenant)


def _named(gap: _Gap) -> str:
    return f"{gap.what} (pool{'s' if len(gap.pools) > 1 else ''} {listed(gap.pools)})" if gap.pools else gap.what


def _joined(gaps: Iterable[_Gap]) -> Iterator[_Gap]:
    """Gaps of one thing as one, where the first of them stands."""
    found: dict[str, _Gap] = {}
    for gap in gaps:
        known = found.get(gap.what)
        found[gap.what] = gap if known is None else replace(known, pools=(*known.pools, *gap.pools))
    yield from found.values()


def _gaps(spec: EnvironmentSpec, pools: Pools, money: EnvironmentMoney, catalog: Catalog) -> Iterator[_Gap]:
    settings = spec.environment.spec
    where = f"in {settings.region}" if settings.region is not None else "where no region is known"
    for name, pool in money.pools.items():
        nodes, tpu = spec.pools[name].spec.aws_nodes, spec.pools[name].spec.tpu
        if not pools[name].gpus_per_node:  # the hardware is unknown, which is refused by itself
            continue
        if nodes is not None:
            yield from _of_pool(spec.pools[name], nodes, pools[name], pool, settings.region, catalog)
        if tpu is not None and pools[name].usd_per_node_hour is None:
            yield _of_tpu(name, tpu.machine_type, settings.region, where)
    yield from _others(spec, money, where)


def _of_pool(pool: NodePool, nodes: AwsNodes, plan: PoolPlan, money: PoolMoney, region: str | None, catalog: Catalog) -> Iterator[_Gap]:
    document, pools, path, where = ("NodePool", pool.name), (pool.name,), pool.spec.path, f"in {region}"
    unpriced = plan.usd_per_node_hour is None or plan.worst_case_usd_per_node_hour is None
    for type_ in nodes.types if unpriced else ():
        lacking = _lacking(type_, nodes, region, catalog)
        if lacking:
            priced, what = ", ".join(catalog.priced_regions(type_)) or "none", f"{type_} {lacking}"
            yield _Gap(what, document, f"{path}.{nodes.types_path}",
                       f"the price of {what} {where} is unknown, and unknown is not 0 (on-demand prices are known in: {priced})",
                       "Choose an instance type, region or capacity type with a known price, or add its row to the price book.", pools)
    if money.disk is not None and money.disk.usd_per_node_month is None:
        yield _Gap("gp3 root volumes", document, f"{path}.disk_gib",
                   f"the price of {nodes.disk_gib} GiB of gp3 root volume {where} is unknown, and unknown is not 0", f"{_ADD}.", pools)
    paid = money.reservation
    if nodes.reserved is not None and paid is not None and paid.usd_per_node_hour is None and not unpriced:
        term = nodes.reserved.term
        yield _Gap(f"{nodes.types[0]} reserved for {term}", document, f"{path}.reserved",
                   f"the price of {nodes.types[0]} reserved for {term} {where} is unknown, and unknown is not 0 "
                   "(a reserved price that is not below on demand is of before a price cut, and counts as unknown)",
                   f"Add its row (offer reserved_{term}) to prices of catalog.yaml.", pools)


def _lacking(type_: str, nodes: AwsNodes, region: str | None, catalog: Catalog) -> str:
    """The ways of buying that a type has no price for, in words: those that the pool names, or else on demand, the worst case's."""
    ways = [way for way in nodes.purchases if region is None or catalog.hourly_price(type_, region, way) is None]
    if not ways and region is not None and catalog.hourly_price(type_, region, "on_demand") is None:
        ways = ["on_demand"]
    return " or ".join(way.replace("_", " ") for way in ways)


def _of_tpu(pool: str, machine: str, region: str | None, where: str) -> _Gap:
    add = f"Add its row to prices of catalog.yaml (instance: {machine}, region: {region or 'europe-west4'}, offer: on_demand)"
    return _Gap(f"{machine} hosts", ("NodePool", pool), "spec.tpu.machine_type",
                f"the price of a {machine} host {where} is unknown, and unknown is not 0",
                f"{add}." if region is not None else f"{add}, and say cluster.region in environment.yaml.", (pool,))


def _others(spec: EnvironmentSpec, money: EnvironmentMoney, where: str) -> Iterator[_Gap]:
    aws = spec.environment.spec.cloud == "aws"
    for other in money.others:
        if other.usd_per_unit is None:
            reason = f"the price of {other.name} {where} is unknown, and unknown is not 0"
            if not aws:
                reason = f"{other.name} {'have' if other.name.endswith('s') else 'has'} a price only where cloud is aws"
            document = ("Tenant", other.tenant) if other.tenant else ("Environment", spec.name)
            yield _Gap(f"{other.name} of {other.tenant or 'the platform'}", document, other.path, reason,
                       f"{_ADD}, or remove it here." if aws else "Remove it here.", tenant=other.tenant)
