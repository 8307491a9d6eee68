"""Who is affected by a change, and how: restarts, minutes down, GPUs and money before and after, and what is lost.

A figure of the other ref that is not known is None, which is never 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Any, Literal

from gpuplane.delivery.change_summary import changes_by_tenant
from gpuplane.delivery.changes import Action, Change
from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.pull_request.losses import loss
from gpuplane.delivery.pull_request.restarts import Restart, restarts
from gpuplane.delivery.wording import usd
from gpuplane.planning.environment_plan import QuotaPlan, ServicePlan, TenantPlan
from gpuplane.planning.memory.load_time import LoadTime
from gpuplane.planning.money.month import LEVELS, Month

Room = Literal["own", "borrowed", "none", ""]
"""Where a rollout's surge finds its GPUs in the queue, while services stand at their minimum; empty: it needs none."""


@dataclass(frozen=True)
class ServiceImpact:
    """One service whose pods change.

    Attributes:
        name: ``tenant/service``.
        action: of its object.
        causes: fields, or sentences, that make its pods anew.
        replicas: that always run.
        surge, surge_devices: replicas above them in a rollout, and the GPUs those need.
        room: where these come from.
        at_a_time: replicas that are down or new at once; 0 where the rollout has to wait for a GPU.
        load: of one replica; None where it is not known.
        down: whether no replica answers for as long as one loads.
        rollout_seconds: until all replicas are new; None where that is not known, or it waits.
    """

    name: str
    action: Action
    causes: tuple[str, ...]
    replicas: int
    surge: int
    surge_devices: int
    room: Room
    at_a_time: int
    load: LoadTime | None
    down: bool
    rollout_seconds: int | None


@dataclass(frozen=True)
class Figure:
    """A number of devices, there and here; None: not there, or not known."""

    before: int | None
    after: int | None


@dataclass(frozen=True)
class QuotaImpact:
    """A tenant's quota of one device type, where it differs: its own, what it can use at most, at minimum, and in rollouts at peak."""

    key: str
    nominal: Figure
    maximum: Figure
    committed: Figure
    peak: Figure


@dataclass(frozen=True)
class Loss:
    """An object that goes or is made anew, and what goes with it."""

    action: Action
    kind: str
    namespace: str
    name: str
    protected: bool
    lost: str
    reason: str


@dataclass(frozen=True)
class TenantImpact:
    """One tenant (empty name: the platform) that something changes for.

    Attributes:
        before, after: its month; None where it is not there, or not known.
        objects: how many of each action.
    """

    tenant: str
    services: tuple[ServiceImpact, ...]
    quotas: tuple[QuotaImpact, ...]
    before: Month | None
    after: Month | None
    objects: Mapping[Action, int]
    losses: tuple[Loss, ...]


@dataclass(frozen=True)
class Impact:
    """What a change does to an environment: its month at both refs, and the tenants that it touches, the platform last."""

    before: Month | None
    after: Month
    tenants: tuple[TenantImpact, ...]


def impact(report: PreviewReport) -> Impact | None:
    """The impact of a report's comparison; None where it has none, or the other ref could not be read."""
    if report.comparison is None or (report.comparison.plan is None and report.comparison.edges is None):
        return None
    plans, there = report.plan.tenants, report.comparison.plan or {}
    moved: dict[str, list[Restart]] = {}
    for restart in restarts(report.comparison.changes, report.resources, plans):
        moved.setdefault(restart.service.partition("/")[0], []).append(restart)
    groups = {group.tenant: group for group in changes_by_tenant(report)}
    found = [TenantImpact(
        name, tuple(_service(plans.get(name), restart) for restart in moved.get(name, ())),
        _quotas(there.get("tenants", {}).get(name), plans.get(name)), month_of(_money(there, name)),
        report.plan.money.tenants[name].month if name in report.plan.money.tenants else None,
        groups[name].counts if name in groups else {},
        tuple(_loss(change) for change in groups[name].changes if change.action in ("delete", "replace")) if name in groups else ())
        for name in sorted({*groups, *moved, *plans, *there.get("tenants", {})}, key=lambda name: (not name, name))]
    return Impact(month_of(there.get("money")), report.plan.money.month, tuple(each for each in found if _touched(each)))


def _touched(found: TenantImpact) -> bool:
    """A cent more or less, of a node that it shares with somebody who changes, affects nobody: nothing of it would be shown."""
    return bool(found.services or found.quotas or found.objects) or (bool(found.tenant) and _shown(found.before) != _shown(found.after))


def _shown(month: Month | None) -> tuple[str, ...] | None:
    return tuple(usd(month.at(level)) for level in LEVELS) if month is not None else None


def _money(plan: Mapping[str, Any], tenant: str) -> Any:
    return plan.get("money", {}).get("tenants", {}).get(tenant)


def month_of(row: Any) -> Month | None:
    """A month of a plan in JSON form; None where there is none."""
    if not isinstance(row, Mapping) or not isinstance(row.get("month"), Mapping):
        return None
    amounts = [row["month"].get(f"{level}_usd_per_month") for level in LEVELS]
    return Month(*(None if amount is None else Decimal(amount) for amount in amounts))


def _service(tenant: TenantPlan | None, restart: Restart) -> ServiceImpact:
    plan = next((each for each in tenant.services if f"{tenant.name}/{each.name}" == restart.service), None) if tenant is not None else None
    action: Any = restart.action
    if plan is None or tenant is None:
        return ServiceImpact(restart.service, action, restart.causes, 0, 0, 0, "", 0, None, action in ("replace", "delete"), None)
    replicas, room = plan.min_replicas, _room(tenant.quotas.get(plan.quota_key), plan)
    surge = plan.surge if room != "none" else 0
    at_a_time = replicas if action != "update" else min(replicas, surge + min(plan.max_unavailable, replicas))
    down = bool(replicas) and (action in ("replace", "delete") or (
        action == "update" and not surge and plan.max_unavailable >= replicas))
    seconds = plan.load.expected * ceil(replicas / at_a_time) if plan.load is not None and at_a_time else None
    return ServiceImpact(restart.service, action, restart.causes, replicas, plan.surge, plan.surge * plan.devices_per_replica,
                         room if action == "update" else "", at_a_time, plan.load, down, seconds)


def _room(quota: QuotaPlan | None, plan: ServicePlan) -> Room:
    """Whether the queue has GPUs for the surge of a rollout while everything stands at its minimum."""
    needed = plan.surge * plan.devices_per_replica
    if not needed or quota is None:
        return ""
    if needed <= quota.guaranteed - quota.committed:
        return "own"
    return "borrowed" if plan.may_borrow and needed <= quota.maximum - quota.committed else "none"


def _quotas(before: Mapping[str, Any] | None, after: TenantPlan | None) -> tuple[QuotaImpact, ...]:
    old, new = (before or {}).get("quotas", {}), after.quotas if after is not None else {}
    rows = (QuotaImpact(key, *(Figure(_number(old.get(key), field), getattr(new.get(key), field, None)) for field in (
        "nominal", "maximum", "committed", "peak_with_surge"))) for key in sorted({*old, *new}))
    return tuple(row for row in rows if any(each.before != each.after for each in (row.nominal, row.maximum, row.committed, row.peak)))


def _number(row: Any, field: str) -> int | None:
    found = row.get(field) if isinstance(row, Mapping) else None
    return found if isinstance(found, int) else None


def _loss(change: Change) -> Loss:
    view = change.view
    return Loss(change.action, view.kind, view.namespace, view.name, view.protect, loss(view), change.reason)


def services_of(found: Impact) -> Iterator[ServiceImpact]:
    """Every service whose pods change, tenant by tenant."""
    for tenant in found.tenants:
        yield from tenant.services
