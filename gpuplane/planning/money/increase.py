"""CB-03: a change that costs more than a budget allows for one change needs an approval, written into the budget itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gpuplane.planning.money.budget_rules import WORDS
from gpuplane.planning.money.ledger import EnvironmentMoney
from gpuplane.planning.money.month import Month, usd
from gpuplane.planning.refusal import INCREASE_OVER_LIMIT, Refusal, refused
from gpuplane.spec.budget import Budget
from gpuplane.spec.environment_spec import EnvironmentSpec, Place


def increase_refusals(spec: EnvironmentSpec, money: EnvironmentMoney, before: Mapping[str, Month]) -> Iterator[Refusal]:
    """Every increase over a limit that nobody approved.

    Args:
        spec: the wish, with its budgets.
        money: what it costs now.
        before: what it cost, by tenant; ``""`` is the environment. Whoever is not in it is new.
    """
    holders: list[tuple[str, Place, Budget, Month]] = [
        ("", spec.places[("Environment", spec.name)], spec.environment.spec.monthly_budget, money.month)]
    holders += [(name, spec.places[("Tenant", name)], spec.tenants[name].spec.monthly_budget, tenant.month)
                for name, tenant in money.tenants.items()]
    for tenant, place, budget, month in holders:
        if tenant in before:
            yield from _judged(tenant, place, budget, before[tenant], month)


def _judged(tenant: str, place: Place, budget: Budget, before: Month, month: Month) -> Iterator[Refusal]:
    limits, was, now = budget.increase, before.at(budget.basis), month.at(budget.basis)
    if limits is None or was is None or now is None or now <= was:
        return
    if limits.approved_usd_per_month is not None and now <= limits.approved_usd_per_month:
        return
    allowed = {
        "max_percent": None if limits.max_percent is None else (was * limits.max_percent / 100, f"{limits.max_percent} % of {usd(was)}"),
        "max_usd_per_month": None if limits.max_usd_per_month is None else (limits.max_usd_per_month, usd(limits.max_usd_per_month))}
    for field, limit in allowed.items():
        if limit is not None and now - was > limit[0]:
            yield refused(
                INCREASE_OVER_LIMIT, place, f"spec.budget.increase.{field}",
                f"this change raises the {WORDS[budget.basis]} of {f'tenant {tenant}' if tenant else 'the environment'} from {usd(was)} to "
                f"{usd(now)} a month, by {usd(now - was)}: more than the {limit[1]} that one change may cost.",
                f"Take smaller steps, or have approved_usd_per_month raised to {usd(now)} by those who may.", now - was, limit[0], tenant)
            return
