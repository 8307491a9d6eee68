"""CB-05: nodes' hours, root volumes, reservations and declared use whose price nobody knows. One missing price, one refusal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gpuplane.catalog.catalog import Catalog
from gpuplane.planning.crossing import listed
from gpuplane.planning.environment_plan import PoolPlan, Pools
from gpuplane.planning.money.ledger import EnvironmentMoney, PoolMoney
from gpuplane.planning.refusal import UNKNOWN_PRICE, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.node_pool import EksManagedNodeGroup

_GROUP = "spec.eks_managed_node_group"
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
    if region is not None and len(gaps) > 1 and region not in catalog.priced_regions():
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
        group = spec.pools[name].spec.eks_managed_node_group
        if group is not None and pools[name].gpus_per_node:  # else the hardware is unknown, which is refused by itself
            yield from _of_pool(group, pools[name], pool, where, catalog)
    yield from _others(spec, money, where)


def _of_pool(group: EksManagedNodeGroup, plan: PoolPlan, pool: PoolMoney, where: str, catalog: Catalog) -> Iterator[_Gap]:
    document, pools = ("NodePool", plan.name), (plan.name,)
    unpriced = plan.usd_per_node_hour is None or plan.worst_case_usd_per_node_hour is None
    if unpriced:
        what = f"{group.instance_type} {group.capacity_type.replace('_', ' ')}"
        priced = ", ".join(catalog.priced_regions(group.instance_type)) or "none"
        yield _Gap(what, document, f"{_GROUP}.instance_type",
                   f"the price of {what} {where} is unknown, and unknown is not 0 (on-demand prices are known in: {priced})",
                   "Choose an instance type, region or capacity_type with a known price, or add its row to the price book.", pools)
    if pool.disk is not None and pool.disk.usd_per_node_month is None:
        yield _Gap("gp3 root volumes", document, f"{_GROUP}.disk_gib",
                   f"the price of {group.disk_gib} GiB of gp3 root volume {where} is unknown, and unknown is not 0", f"{_ADD}.", pools)
    if pool.reservation is not None and pool.reservation.usd_per_node_hour is None and not unpriced:
        term = pool.reservation.term
        yield _Gap(f"{group.instance_type} reserved for {term}", document, f"{_GROUP}.reserved",
                   f"the price of {group.instance_type} reserved for {term} {where} is unknown, and unknown is not 0 "
                   "(a reserved price that is not below on demand is of before a price cut, and counts as unknown)",
                   f"Add its row (offer reserved_{term}) to prices of catalog.yaml.", pools)


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
