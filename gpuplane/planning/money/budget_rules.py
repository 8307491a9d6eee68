"""Months against budgets: what is refused (CB-01, CB-02), and what is only worth a word."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.planning.money.budget import BudgetUse
from gpuplane.planning.money.ledger import EnvironmentMoney
from gpuplane.planning.money.month import Level, Month, usd
from gpuplane.planning.refusal import OVER_BUDGET, WORST_CASE_OVER_LIMIT, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec, Place
from gpuplane.spec.errors import listed

WORDS: dict[Level, str] = {"minimum": "minimum", "expected": "expected month", "worst_case": "worst case"}
_CHEAPER: dict[Level, str] = {
    "minimum": "Lower min_replicas or min_nodes", "expected": "Expect fewer replicas", "worst_case": "Lower max_replicas or max_nodes"}


@dataclass(frozen=True)
class _Held:
    """Somebody with a budget."""

    who: str
    tenant: str
    place: Place
    use: BudgetUse
    month: Month
    largest: str

    @property
    def path(self) -> str:
        """The field that the budget is written in."""
        return "spec.budget" if "spec.budget" in self.place.lines else "spec.budget_usd_per_month"


def budget_refusals(spec: EnvironmentSpec, money: EnvironmentMoney) -> Iterator[Refusal]:
    """CB-01: the month that a budget is about costs at most what it blocks at. CB-02: the worst case keeps the limit set to it."""
    for held in _held(spec, money):
        use, used = held.use, held.use.used_usd_per_month
        if use.status == "over" and used is not None:
            level, limit = use.basis, use.limit_usd_per_month * use.block_percent / 100
            yield refused(
                OVER_BUDGET, held.place, held.path,
                f"{_costs(held, level)} {usd(used)} a month, more than {_limit(use, use.block_percent)}{held.largest}.",
                f"{_CHEAPER[level]}, choose cheaper GPUs, or raise the budget.", used, limit, held.tenant)
        worst = held.month.worst_case_usd_per_month
        if worst is not None and use.worst_case_percent is not None:
            limit = use.limit_usd_per_month * use.worst_case_percent / 100
            if worst > limit:
                yield refused(
                    WORST_CASE_OVER_LIMIT, held.place, f"{held.path}.worst_case_percent",
                    f"with everything at its maximum {held.who} would cost {usd(worst)} a month, more than "
                    f"{_limit(use, use.worst_case_percent)}.",
                    f"{_CHEAPER['worst_case']}, choose cheaper GPUs, or raise the limit.", worst, limit, held.tenant)


def budget_notes(spec: EnvironmentSpec, plan: EnvironmentPlan) -> Iterator[str]:
    """Budgets that hold, but not by much, or not with everything at its maximum."""
    for held in _held(spec, plan.money):
        use, used, worst = held.use, held.use.used_usd_per_month, held.month.worst_case_usd_per_month
        if use.status == "warn" and used is not None:
            yield (f"The {WORDS[use.basis]} of {held.who} costs {usd(used)} a month, {use.used_percent} % of its budget of "
                   f"{usd(use.limit_usd_per_month)} (a warning from {use.warn_percent} % on).")
        if worst is not None and use.basis != "worst_case" and worst > use.limit_usd_per_month:
            yield f"At its maximum {held.who} would cost {usd(worst)} a month; its budget is {usd(use.limit_usd_per_month)}."


def _held(spec: EnvironmentSpec, money: EnvironmentMoney) -> Iterator[_Held]:
    if money.budget is not None:
        yield _Held("the environment", "", spec.places[("Environment", spec.name)], money.budget, money.month, "")
    months = _months(money)
    for name, tenant in money.tenants.items():
        yield _Held(f"tenant {name}", name, spec.places[("Tenant", name)], tenant.budget, tenant.month,
                    _largest(months.get(name, ()), tenant.budget.basis))


def _costs(held: _Held, level: Level) -> str:
    always = "the minimum replicas cost" if held.tenant else "the nodes that always run, and what is declared beside them, cost"
    subject = {"minimum": always,
               "expected": "what is expected to run costs", "worst_case": "everything at its maximum, on demand, costs"}
    return subject[level]


def _limit(use: BudgetUse, percent: int) -> str:
    limit = usd(use.limit_usd_per_month)
    return f"the budget of {limit}" if percent == 100 else f"{percent} % of the budget of {limit}"


def _months(money: EnvironmentMoney) -> Mapping[str, list[tuple[str, Month]]]:
    """Services and their months by tenant."""
    found: dict[str, list[tuple[str, Month]]] = defaultdict(list)
    for pool in money.pools.values():
        for service, of_service in pool.services.items():
            tenant, _, name = service.partition("/")
            found[tenant].append((name, of_service.month))
    return found


def _largest(months: Iterable[tuple[str, Month]], level: Level) -> str:
    known = [(amount, name) for name, month in months if (amount := month.at(level)) is not None]
    amount, name = max(known, default=(Decimal(0), ""))
    return f" (the largest is {name}, {usd(amount)})" if name else ""


def expectation_notes(money: EnvironmentMoney) -> Iterator[str]:
    """Where the expected month is no better known than the minimum."""
    silent = [name for pool in money.pools.values() for name, service in pool.services.items() if service.expected.said_by == "nobody"]
    if silent:
        yield (f"Nobody says how many replicas are expected of {listed(sorted(silent))}: their minimum counts. Say expected_replicas in "
               "the service, or expected_scale_percent in the pool.")
