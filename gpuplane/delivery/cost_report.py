"""What ``gpuplane cost`` says, as one frozen value: three months for every tenant, service and pool, here and at another ref."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Literal

from gpuplane.catalog.prices import STALE_AFTER_DAYS
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.planning.json_value import json_value
from gpuplane.planning.money.budget import BudgetUse
from gpuplane.planning.money.expected import ExpectedReplicas
from gpuplane.planning.money.increase import increase_refusals
from gpuplane.planning.money.month import LEVELS, NOTHING, UNKNOWN, Month
from gpuplane.planning.money.unit_costs import UnitCosts
from gpuplane.planning.refusal import Refusal
from gpuplane.spec.environment_spec import EnvironmentSpec

SCHEMA_VERSION = 1
"""Version of the JSON form; it grows by one when a field changes its meaning or goes."""

SECTIONS = ("tenants", "services", "pools", "others", "idle", "beyond", "total")
Kind = Literal["tenants", "services", "pools", "others", "idle", "beyond", "total"]
"""What a row is about. ``idle`` and ``beyond`` are of a pool, or of all of them (name: empty)."""


@dataclass(frozen=True)
class Amount:
    """US dollars a month, here and at the other ref.

    Attributes:
        now_usd_per_month: None: unknown.
        before_usd_per_month: None: unknown, or there is no other ref; 0 for what is new.
        change_usd_per_month: None where one of them is.
        change_percent: of what it was, to a tenth; None where that is 0 or unknown.
    """

    now_usd_per_month: Decimal | None
    before_usd_per_month: Decimal | None
    change_usd_per_month: Decimal | None
    change_percent: Decimal | None


@dataclass(frozen=True)
class CostRow:
    """One line: a month at three levels, the budget where there is one, and what a service's requests cost where that is known."""

    kind: Kind
    name: str
    minimum: Amount
    expected: Amount
    worst_case: Amount
    budget: BudgetUse | None
    expected_replicas: ExpectedReplicas | None
    unit_costs: UnitCosts | None = None


@dataclass(frozen=True)
class PriceLine:
    """A price that the figures rest on.

    Attributes:
        of: what it is the price of.
        usd: per ``unit``; None: unknown.
        as_of: the day it speaks of; None where its document says no day.
        age_days: at the report's date.
        stale: older than 90 days.
    """

    of: str
    usd: Decimal | None
    unit: str
    basis: str
    source: str
    as_of: date | None
    age_days: int | None
    stale: bool


@dataclass(frozen=True)
class Against:
    """The other ref: as it was named, its commit, and why there is nothing to compare with (empty: there is)."""

    ref: str
    commit: str
    note: str


@dataclass(frozen=True)
class CostReport:
    """The cost of one environment.

    Attributes:
        verdict: ``fail`` where a budget is broken, an increase is not approved or a price is unknown.
        rows: by kind and name.
        refusals: of the rules on cost, sorted.
        other_refusals: how many refusals of other rules the plan has.
        notes: of the plan.
        not_in_figure: what may cost money and is in no figure.
    """

    schema_version: int
    environment: str
    as_of: date
    verdict: Literal["pass", "fail"]
    rows: tuple[CostRow, ...]
    prices: tuple[PriceLine, ...]
    refusals: tuple[Refusal, ...]
    other_refusals: int
    notes: tuple[str, ...]
    not_in_figure: tuple[str, ...]
    against: Against | None

    def of(self, kind: Kind) -> tuple[CostRow, ...]:
        """The rows of one kind."""
        return tuple(row for row in self.rows if row.kind == kind)

    def to_json_value(self) -> dict[str, Any]:
        """Plain JSON values with sorted keys."""
        value: dict[str, Any] = json_value(self)
        return value


Key = tuple[Kind, str]
Before = Mapping[Key, Month]
"""Months at the other ref by kind and name."""


def cost_report(spec: EnvironmentSpec, plan: EnvironmentPlan, against: Against | None = None, before: Before | None = None) -> CostReport:
    """The report on one plan.

    Args:
        spec: the wish that was planned.
        plan: what follows from it.
        against: the other ref, if one was asked for.
        before: its months; None where there is nothing to compare with.
    """
    months = dict(_months(plan))
    rows = tuple(_row(plan, key, months.get(key, NOTHING), before) for key in sorted({*months, *(before or {})}, key=_order))
    steps: tuple[Refusal, ...] = ()
    if before is not None:
        of_holders = {name if kind == "tenants" else "": month for (kind, name), month in before.items() if kind in ("tenants", "total")}
        steps = tuple(increase_refusals(spec, plan.money, of_holders))
    money = tuple(sorted({refusal for refusal in (*plan.refusals, *steps) if refusal.rule.startswith("CB-")}))
    return CostReport(
        SCHEMA_VERSION, plan.environment, plan.as_of, "fail" if money else "pass", rows, tuple(_prices(plan)), money,
        sum(not refusal.rule.startswith("CB-") for refusal in plan.refusals), tuple(plan.notes), plan.money.not_in_figure, against)


def before_from_json(data: Mapping[str, Any]) -> Before:
    """The months of a report in its JSON form.

    Raises:
        KeyError, TypeError: it is no such report.
    """
    return {(row["kind"], row["name"]): Month(*(_decimal(row[level]["now_usd_per_month"]) for level in LEVELS)) for row in data["rows"]}


def _months(plan: EnvironmentPlan) -> Iterator[tuple[Key, Month]]:
    money = plan.money
    for name, tenant in money.tenants.items():
        yield ("tenants", name), tenant.month
    for planned in plan.tenants.values():
        for service in planned.services:
            key = f"{planned.name}/{service.name}"
            found = money.pools[service.quota_key.partition("/")[0]].services.get(key)
            yield ("services", key), found.month if found is not None else UNKNOWN
    for name, pool in money.pools.items():
        yield ("pools", name), pool.month
        yield ("idle", name), pool.idle
        yield ("beyond", name), pool.beyond
    for other in money.others:
        yield ("others", f"{other.name}{f' of {other.tenant}' if other.tenant else ''}"), other.month
    yield ("idle", ""), money.idle
    yield ("beyond", ""), money.beyond
    yield ("total", ""), money.month


def _row(plan: EnvironmentPlan, key: Key, now: Month, before: Before | None) -> CostRow:
    kind, name = key
    was = before.get(key, NOTHING) if before is not None else UNKNOWN
    tenant = plan.money.tenants.get(name) if kind == "tenants" else None
    budget = plan.money.budget if kind == "total" else tenant.budget if tenant is not None else None
    expected = next((pool.services[name].expected for pool in plan.money.pools.values() if name in pool.services), None)
    units = {f"{row.tenant}/{row.name}": row.unit_costs for planned in plan.tenants.values() for row in planned.services}
    minimum, likely, worst = (_amount(now.at(level), was.at(level)) for level in LEVELS)
    return CostRow(kind, name, minimum, likely, worst, budget, expected if kind == "services" else None,
                   units.get(name) if kind == "services" else None)


def _amount(now: Decimal | None, before: Decimal | None) -> Amount:
    if now is None or before is None:
        return Amount(now, before, None, None)
    percent = (100 * (now - before) / before).quantize(Decimal("0.1"), ROUND_HALF_EVEN) + 0 if before else None
    return Amount(now, before, now - before, percent)


def _order(key: Key) -> tuple[int, str]:
    return SECTIONS.index(key[0]), key[1]


def _prices(plan: EnvironmentPlan) -> Iterable[PriceLine]:
    for name, pool in plan.pools.items():
        money = plan.money.pools[name]
        yield _price(plan, f"a node of pool {name}", pool.usd_per_node_hour, "hour", pool.price_basis, pool.price_source, pool.price_as_of)
        reserved = money.reservation
        if reserved is not None:
            yield _price(plan, f"{reserved.nodes} reserved of pool {name}", reserved.usd_per_node_hour, "node hour", reserved.price_basis,
                         reserved.price_source, reserved.price_as_of)
        disk = money.disk
        if disk is not None:
            yield _price(plan, f"a root volume of pool {name}", disk.usd_per_node_month, "month", f"{disk.gib} GiB of gp3",
                         disk.price_source, disk.price_as_of)
    for other in plan.money.others:
        yield _price(plan, f"{other.name}{f' of {other.tenant}' if other.tenant else ''}", other.usd_per_unit, f"{other.unit} a month",
                     f"{other.quantity:f} × {other.unit}", other.price_source, other.price_as_of)


def _price(plan: EnvironmentPlan, of: str, usd: Decimal | None, unit: str, basis: str, source: str, as_of: date | None) -> PriceLine:
    age = (plan.as_of - as_of).days if as_of is not None else None
    return PriceLine(of, usd, unit, basis, source, as_of, age, age is not None and age > STALE_AFTER_DAYS)


def _decimal(text: object) -> Decimal | None:
    return Decimal(text) if isinstance(text, str) else None
