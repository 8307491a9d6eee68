"""CB-05 beside the nodes' hours: root volumes, reservations and declared use whose price nobody knows."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.planning.money.ledger import EnvironmentMoney
from gpuplane.planning.money.others import FIELDS
from gpuplane.planning.refusal import UNKNOWN_PRICE, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec


def price_refusals(spec: EnvironmentSpec, money: EnvironmentMoney) -> Iterator[Refusal]:
    """Everything that is declared has a price, or is refused: unknown is never 0."""
    settings = spec.environment.spec
    where = f"in {settings.region}" if settings.region is not None else "where no region is known"
    add = "Add its row to service_prices of catalog.yaml"
    for name, pool in money.pools.items():
        nodes, place, path = spec.pools[name].spec.aws_nodes, spec.places[("NodePool", name)], spec.pools[name].spec.path
        if nodes is None:
            continue
        if pool.disk is not None and pool.disk.usd_per_node_month is None:
            yield refused(UNKNOWN_PRICE, place, f"{path}.disk_gib",
                          f"the price of {nodes.disk_gib} GiB of gp3 root volume {where} is unknown, and unknown is not 0.", f"{add}.",
                          "a price", "none")
        if nodes.reserved is not None and pool.reservation is not None and pool.reservation.usd_per_node_hour is None:
            yield refused(UNKNOWN_PRICE, place, f"{path}.reserved",
                          f"the price of {nodes.types[0]} reserved for {nodes.reserved.term} {where} is unknown, and unknown is not "
                          "0 (a reserved price that is not below on demand is of before a price cut, and counts as unknown).",
                          f"Add its row (offer reserved_{nodes.reserved.term}) to prices of catalog.yaml.", "a price", "none")
    for other in money.others:
        if other.usd_per_unit is None:
            key = ("Tenant", other.tenant) if other.tenant else ("Environment", spec.name)
            reason = f"the price of {other.name} {where} is unknown, and unknown is not 0."
            if settings.cloud != "aws":
                reason = f"{other.name} {'have' if other.name.endswith('s') else 'has'} a price only where cloud is aws."
            yield refused(UNKNOWN_PRICE, spec.places[key], f"spec.cloud_use.{FIELDS[other.name]}", reason,
                          f"{add}, or remove it here." if settings.cloud == "aws" else "Remove it here.", "a price", "none", other.tenant)
