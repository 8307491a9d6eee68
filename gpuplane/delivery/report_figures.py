"""The figures that every report shows, worked out once: who has which GPUs, and what it costs.

Text, Markdown and HTML only differ in layout; what they say comes from here, so they cannot disagree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.graph.resource_view import Unknown
from gpuplane.planning.environment_plan import PoolPlan, QuotaPlan, TenantPlan
from gpuplane.planning.money.ledger import TenantMoney
from gpuplane.policies.finding import JUDGE_CHANGE, Finding
from gpuplane.spec.vocabulary import DATA_CLASSIFICATION, MIG_PREFIX

EXPIRES_SOON_DAYS = 30
"""A waiver that ends within so many days is named in the report."""

@dataclass(frozen=True)
class Money:
    """A month's cost in US dollars, here and at the other ref; None: not known (or there is no other ref)."""

    now: Decimal | None
    before: Decimal | None = None

    @property
    def delta(self) -> Decimal | None:
        """How much more than before; None where one side is not known."""
        return None if self.now is None or self.before is None else self.now - self.before


@dataclass(frozen=True)
class GpuRow:
    """One tenant's devices of one quota key; ``peak`` includes the surge of rollouts."""

    tenant: str
    key: str
    nominal: int
    borrowing: int
    committed: int
    peak: int


@dataclass(frozen=True)
class TenantRow:
    """One tenant on one screen; costs are a month's in US dollars, and the status is that of its budget."""

    name: str
    data_class: str
    gpus: tuple[GpuRow, ...]
    services: int
    committed: Money
    expected: Money
    worst_case: Decimal | None
    budget: Decimal | None
    status: str


@dataclass(frozen=True)
class PoolRow:
    """One device type of one pool: what there is, what is promised and what would be used (devices)."""

    key: str
    pool: PoolPlan
    first: bool
    capacity: int
    quota: int
    committed: int
    peak: int
    tenants: tuple[GpuRow, ...]

    @property
    def unallocated(self) -> int:
        """Devices that are nobody's; 0 where more is promised than there is."""
        return max(0, self.capacity - self.quota)


@dataclass(frozen=True)
class Waiver:
    """A waived finding with its last day, where that can be read."""

    finding: Finding
    until: date | None


def tenant_rows(report: PreviewReport) -> tuple[TenantRow, ...]:
    """Every tenant of the plan and, with a comparison, those that are gone; sorted by name."""
    before = _tenants_before(report)
    gone = (_gone(name, before[name]) for name in before.keys() - report.plan.tenants.keys())
    classes = _data_classes(report)
    rows = [_tenant_row(report, plan, before, classes.get(plan.name, "")) for plan in report.plan.tenants.values()]
    return tuple(sorted((*rows, *gone), key=lambda row: row.name))


def pool_rows(report: PreviewReport) -> tuple[PoolRow, ...]:
    """Every device type of every pool, also those that only quotas speak of; by pool and resource."""
    return tuple(row for name in sorted(report.plan.pools) for row in _rows_of(report, report.plan.pools[name]))


def total(report: PreviewReport) -> Money:
    """What the environment commits."""
    return Money(report.plan.committed_usd_per_month, _decimal((_plan_before(report) or {}).get("committed_usd_per_month")))


def expected_total(report: PreviewReport) -> Money:
    """What the environment is expected to cost."""
    return Money(report.plan.money.month.expected_usd_per_month, _expected_before(_plan_before(report), ""))


def idle(report: PreviewReport) -> Money:
    """What of it no tenant asked for: committed nodes that stand empty."""
    return Money(report.plan.idle_usd_per_month, _decimal((_plan_before(report) or {}).get("idle_usd_per_month")))


def advisory(report: PreviewReport) -> tuple[Finding, ...]:
    """Findings worth reading that neither block nor are waived."""
    return tuple(finding for finding in report.findings if not finding.blocks and not finding.waived and finding.rule != JUDGE_CHANGE)


def waivers(report: PreviewReport) -> tuple[Waiver, ...]:
    """All waived findings, those that end first in front."""
    found = [Waiver(finding, _until(finding.waived)) for finding in report.findings if finding.waived]
    return tuple(sorted(found, key=lambda waiver: (waiver.until or date.max, waiver.finding.sort_key)))


def expiring(report: PreviewReport) -> tuple[Waiver, ...]:
    """Waivers that end within :data:`EXPIRES_SOON_DAYS`, first ones first."""
    return tuple(waiver for waiver in waivers(report)
                 if waiver.until is not None and (waiver.until - report.as_of).days <= EXPIRES_SOON_DAYS)


def _tenant_row(report: PreviewReport, plan: TenantPlan, before: Mapping[str, Mapping[str, object]], data_class: str) -> TenantRow:
    gpus = tuple(_gpu_row(plan.name, key, plan.quotas[key]) for key in sorted(plan.quotas))
    found = report.plan.money.tenants.get(plan.name)
    likely = found.month.expected_usd_per_month if found is not None else None
    money = Money(plan.committed_usd_per_month, _decimal(before.get(plan.name, {}).get("committed_usd_per_month")))
    expected = Money(likely, _expected_before(_plan_before(report), plan.name))
    if _plan_before(report) is not None and plan.name not in before:
        money, expected = Money(plan.committed_usd_per_month, Decimal(0)), Money(likely, Decimal(0))
    return TenantRow(plan.name, data_class, gpus, len(plan.services), money, expected,
                     plan.worst_case_usd_per_month, plan.budget_usd_per_month, _status(found, plan))


def _gone(name: str, before: Mapping[str, object]) -> TenantRow:
    money = Money(Decimal(0), _decimal(before.get("committed_usd_per_month")))
    return TenantRow(name, "", (), 0, money, Money(Decimal(0)), Decimal(0), None, "removed")


def _gpu_row(tenant: str, key: str, quota: QuotaPlan) -> GpuRow:
    return GpuRow(tenant, key, quota.nominal, quota.borrowing, quota.committed, quota.peak_with_surge)


def _status(money: TenantMoney | None, plan: TenantPlan) -> str:
    """What there is to say of a budget; what else stands in a tenant's way is said elsewhere."""
    status = money.budget.status if money is not None else "unknown"
    if status in ("over", "warn"):
        return {"over": "over budget", "warn": "near budget"}[status]
    worst = plan.worst_case_usd_per_month
    return f"{status}; over budget at peak" if worst is not None and worst > plan.budget_usd_per_month else status


def _data_classes(report: PreviewReport) -> Mapping[str, str]:
    """Data class of each tenant, as its namespace says it: the objects are what is applied."""
    found: dict[str, str] = {}
    for view in report.namespaces:
        if view.name not in found:
            word = view.labels.get(DATA_CLASSIFICATION, "")
            found[view.name] = "unknown" if isinstance(word, Unknown) else str(word)
    return found


def _rows_of(report: PreviewReport, pool: PoolPlan) -> Iterator[PoolRow]:
    quotas = [(_gpu_row(name, key, tenant.quotas[key]), tenant.quotas[key].resource)
              for name, tenant in sorted(report.plan.tenants.items()) for key in sorted(tenant.quotas)
              if tenant.quotas[key].pool == pool.name]
    resources = sorted({*pool.capacity, *(resource for _, resource in quotas)})
    for resource in resources:
        rows = tuple(row for row, asked in quotas if asked == resource)
        key = rows[0].key if rows else pool.name if len(resources) == 1 else f"{pool.name}/{resource.removeprefix(MIG_PREFIX)}"
        yield PoolRow(key, pool, resource == resources[0], pool.capacity.get(resource, 0), sum(row.nominal for row in rows),
                      sum(row.committed for row in rows), sum(row.peak for row in rows), rows)


def _plan_before(report: PreviewReport) -> Mapping[str, object] | None:
    return report.comparison.plan if report.comparison else None


def _tenants_before(report: PreviewReport) -> Mapping[str, Mapping[str, object]]:
    found = (_plan_before(report) or {}).get("tenants")
    return found if isinstance(found, dict) else {}


def _expected_before(plan: Mapping[str, Any] | None, tenant: str) -> Decimal | None:
    """The expected month of a tenant (empty: of all) in a plan's JSON form; None in one of before there was any."""
    money: Any = (plan or {}).get("money", {})
    found = money.get("tenants", {}).get(tenant, {}) if tenant else money
    return _decimal(found.get("month", {}).get("expected_usd_per_month"))


def _decimal(text: object) -> Decimal | None:
    return Decimal(text) if isinstance(text, str) else None


def _until(waived: str) -> date | None:
    found = re.findall(r"\(until (\d{4}-\d{2}-\d{2})\b", waived)
    return date.fromisoformat(found[-1]) if found else None
