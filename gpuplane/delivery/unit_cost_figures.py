"""What requests and output tokens of services cost, in the words of a report."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.planning.money.unit_costs import UnitCosts

HEADINGS = ("on replicas kept busy", "USD/million requests", "USD/million output tokens", "throughput")
_MILLION = 1_000_000


def unit_cells(services: Iterable[tuple[str, UnitCosts | None]]) -> tuple[tuple[str, ...], ...]:
    """One row for each service whose unit costs are known, in :data:`HEADINGS`' order."""
    return tuple((name, _millions(costs.usd_per_request), _text(costs.usd_per_million_output_tokens), costs.provenance)
                 for name, costs in services if costs is not None)


def plan_unit_cells(plan: EnvironmentPlan) -> tuple[tuple[str, ...], ...]:
    """:func:`unit_cells` of a whole plan."""
    return unit_cells((f"{tenant.name}/{service.name}", service.unit_costs)
                      for tenant in plan.tenants.values() for service in tenant.services)


def _millions(usd_per_request: Decimal | None) -> str:
    return _text(None if usd_per_request is None else (usd_per_request * _MILLION).quantize(Decimal("0.01")))


def _text(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:,f}".replace(",", " ")
