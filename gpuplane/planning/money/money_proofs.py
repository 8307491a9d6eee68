"""Proofs of the money: every pool, tenant and the environment at its minimum, as expected and at worst."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from gpuplane.planning.environment_plan import PoolPlan, ServicePlan, TenantPlan, device_share
from gpuplane.planning.money.ledger import EnvironmentMoney, OtherCost, PoolMoney
from gpuplane.planning.money.month import HOURS_PER_MONTH, LEVELS, UNKNOWN, Level
from gpuplane.planning.proof import Proof

WORDS: dict[Level, str] = {"minimum": "committed cost", "expected": "expected cost", "worst_case": "worst-case cost"}
"""What a proof calls the levels."""

_USD = "USD a month"


def money_proofs(environment: str, pools: Mapping[str, PoolPlan], tenants: Mapping[str, TenantPlan],
                 money: EnvironmentMoney) -> Iterator[Proof]:
    """Every proof of an amount."""
    for name, pool in pools.items():
        for level in LEVELS:
            yield _pool(pool, money.pools[name], level)
    declared: dict[str, list[OtherCost]] = defaultdict(list)
    for other in money.others:
        declared[other.tenant].append(other)
    for tenant in tenants.values():
        yield from _tenant(tenant, pools, money, declared[tenant.name])
    for other in money.others:
        yield Proof(
            f"{other.name} of {f'tenant {other.tenant}' if other.tenant else 'the platform'}", "quantity × usd_per_unit, down to the cent",
            (("quantity", f"{other.quantity:f} × {other.unit}"), ("usd_per_unit", _text(other.usd_per_unit))),
            _text(other.month.minimum_usd_per_month), _USD,
            (f"{other.price_source}, as of {other.price_as_of}",) if other.price_source else ())
    for level in LEVELS:
        yield Proof(
            f"environment {environment}: {WORDS[level]}", "sum of the pools and of what is declared beside them",
            (*((name, _text(pool.month.at(level))) for name, pool in money.pools.items()),
             *((f"{other.name}{f' of {other.tenant}' if other.tenant else ''}", _text(other.month.at(level))) for other in money.others)),
            _text(money.month.at(level)), _USD)


def _pool(pool: PoolPlan, money: PoolMoney, level: Level) -> Proof:
    nodes = {"minimum": money.nodes.minimum, "expected": money.nodes.expected, "worst_case": money.nodes.worst_case}[level]
    hourly = pool.worst_case_usd_per_node_hour if level == "worst_case" else pool.usd_per_node_hour
    formula = "nodes × usd_per_node_hour × hours_per_month"
    inputs = [("nodes", str(nodes)), ("usd_per_node_hour", _text(hourly)), ("hours_per_month", str(HOURS_PER_MONTH))]
    sources = [f"{pool.price_source}{f', as of {pool.price_as_of}' if pool.price_as_of else ''}: {pool.price_basis}"]
    reserved = money.reservation
    if reserved is not None:
        formula = "(max(0, nodes − reserved_nodes) × usd_per_node_hour + reserved_nodes × reserved_usd_per_node_hour) × hours_per_month"
        inputs += [("reserved_nodes", str(reserved.nodes)), ("reserved_usd_per_node_hour", _text(reserved.usd_per_node_hour))]
        if reserved.hours_per_month != HOURS_PER_MONTH:
            formula = formula.replace("× reserved_usd_per_node_hour)", "× reserved_usd_per_node_hour × reserved_hours ÷ hours_per_month)")
            inputs.append(("reserved_hours", str(reserved.hours_per_month)))
        as_of = f", as of {reserved.price_as_of}" if reserved.price_as_of is not None else ""
        sources.append(f"{reserved.price_source}{as_of}: {reserved.price_basis}")
    if money.disk is not None:
        sources.append(f"{money.disk.price_source}, as of {money.disk.price_as_of}: {money.disk.gib} GiB of gp3")
        formula += " + nodes × disk_usd_per_node_month"
        inputs.append(("disk_usd_per_node_month", _text(money.disk.usd_per_node_month)))
    return Proof(f"pool {pool.name}: {WORDS[level]}", f"{formula}, down to the cent", tuple(inputs), _text(money.month.at(level)), _USD,
                 tuple(sources) if pool.price_source else ())


def _tenant(tenant: TenantPlan, pools: Mapping[str, PoolPlan], money: EnvironmentMoney, declared: Sequence[OtherCost]) -> Iterator[Proof]:
    held = [_Held(service, pools[service.quota_key.partition("/")[0]], money) for service in tenant.services]
    names, month = sorted({each.pool for each in held}), money.tenants[tenant.name].month
    for level in LEVELS:
        yield Proof(
            f"tenant {tenant.name}: {WORDS[level]}",
            "sum of replicas × devices_per_replica × share of a node × the pool's cost ÷ its paid nodes, in cents by largest remainder, "
            "and of what the tenant declares beside them",
            (*((each.name, each.amount(level)) for each in held), *((other.name, _text(other.month.at(level))) for other in declared)),
            _text(month.at(level)), _USD, tuple(f"pool {name}: {WORDS[level]}" for name in names))


class _Held:
    """What a service holds of its pool, in words, for each level."""

    def __init__(self, service: ServicePlan, pool: PoolPlan, money: EnvironmentMoney) -> None:
        found = money.pools[pool.name].services.get(f"{service.tenant}/{service.name}")
        self.name, self.pool, self._month = service.name, pool.name, found.month if found is not None else UNKNOWN
        self._replicas = {"minimum": str(service.min_replicas), "expected": f"{found.expected.replicas:f}" if found else "",
                          "worst_case": f"({service.max_replicas} + {service.surge})"}
        self._devices = f"{service.devices_per_replica} × {device_share(pool, service.resource)} of a node of {pool.name}"

    def amount(self, level: Level) -> str:
        return f"{self._replicas[level]} × {self._devices} = {_text(self._month.at(level))}"


def _text(amount: Decimal | None) -> str:
    return "unknown" if amount is None else format(amount, "f")
