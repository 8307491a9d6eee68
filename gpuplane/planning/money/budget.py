"""A month held against its budget: what is used, what is left, and whether that is worth a word or a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

from gpuplane.planning.money.month import Level, Month
from gpuplane.spec.budget import Budget

Status = Literal["ok", "warn", "over", "unknown"]


@dataclass(frozen=True)
class BudgetUse:
    """One budget and what is used of it.

    Attributes:
        basis: the level of the month that is held to it.
        limit_usd_per_month: what may be spent.
        warn_percent, block_percent: of it; the use from which on it is noted, and over which it is refused.
        worst_case_percent: of it; over which the worst case is refused, whatever the basis. None: no such limit.
        used_usd_per_month: the month's cost at the basis; None: unknown.
        head_room_usd_per_month: what is left of the limit, negative where it is broken.
        used_percent: to a tenth; None: unknown, or the limit is 0.
        status: ``over`` is refused.
    """

    basis: Level
    limit_usd_per_month: Decimal
    warn_percent: int
    block_percent: int
    worst_case_percent: int | None
    used_usd_per_month: Decimal | None
    head_room_usd_per_month: Decimal | None
    used_percent: Decimal | None
    status: Status


def budget_use(budget: Budget, month: Month) -> BudgetUse:
    """A month held against a budget."""
    limit, used = budget.usd_per_month, month.at(budget.basis)
    percent = (100 * used / limit).quantize(Decimal("0.1"), ROUND_HALF_EVEN) if used is not None and limit else None
    return BudgetUse(
        budget.basis, limit, budget.warn_percent, budget.block_percent, budget.worst_case_percent, used,
        None if used is None else limit - used, percent, _status(budget, used))


def _status(budget: Budget, used: Decimal | None) -> Status:
    if used is None:
        return "unknown"
    if used * 100 > budget.usd_per_month * budget.block_percent:
        return "over"
    return "warn" if used and used * 100 >= budget.usd_per_month * budget.warn_percent else "ok"
