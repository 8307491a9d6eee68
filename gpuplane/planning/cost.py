"""A tenant's month: its replicas' shares of nodes at the nodes' price. What is left of committed nodes is idle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

from gpuplane.planning.demand import Demand
from gpuplane.planning.environment_plan import EnvironmentPlan, PoolPlan, ServicePlan, TenantPlan, device_share, quota_resource
from gpuplane.planning.json_value import cents
from gpuplane.planning.pools import HOURS_PER_MONTH
from gpuplane.planning.refusal import OVER_BUDGET, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec


def service_plan(demand: Demand, pool: PoolPlan) -> ServicePlan:
    """One service's replicas, devices and month."""
    spec, resource = demand.entry.document.spec, quota_resource(pool, demand.quota_key)
    return ServicePlan(
        name=demand.name, tenant=demand.entry.tenant, quota_key=demand.quota_key, resource=resource,
        devices_per_replica=demand.per_replica, min_replicas=spec.scaling.min_replicas, max_replicas=spec.scaling.max_replicas,
        surge=spec.rollout.max_surge,
        committed_usd_per_month=_month(pool.usd_per_node_hour, pool, resource, demand.minimum),
        worst_case_usd_per_month=_month(pool.worst_case_usd_per_node_hour, pool, resource, demand.peak_with_surge))


def total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum; unknown as soon as one of them is."""
    result = Decimal("0.00")
    for amount in amounts:
        if amount is None:
            return None
        result += amount
    return result


def budget_refusals(spec: EnvironmentSpec, tenants: Mapping[str, TenantPlan], committed: Decimal | None) -> Iterator[Refusal]:
    """CB-01: what is committed costs at most the budget, of each tenant and of the environment."""
    field = "spec.budget_usd_per_month"
    for name, tenant in tenants.items():
        if tenant.committed_usd_per_month is not None and tenant.committed_usd_per_month > tenant.budget_usd_per_month:
            yield refused(
                OVER_BUDGET, spec.places[("Tenant", name)], field,
                f"the minimum replicas cost {usd(tenant.committed_usd_per_month)} a month, more than the budget of "
                f"{usd(tenant.budget_usd_per_month)} ({_largest(tenant)}).",
                "Lower min_replicas, choose cheaper GPUs, or raise the budget.",
                tenant.committed_usd_per_month, tenant.budget_usd_per_month, name)
    budget = spec.environment.spec.budget_usd_per_month
    if committed is not None and committed > budget:
        yield refused(
            OVER_BUDGET, spec.places[("Environment", spec.name)], field,
            f"the nodes that always run cost {usd(committed)} a month, more than the budget of {usd(budget)}.",
            "Lower min_nodes or min_replicas, choose cheaper nodes, or raise the budget.", committed, budget)


def worst_case_notes(plan: EnvironmentPlan) -> Iterator[str]:
    """Budgets that hold at the minimum, but not with everything at its maximum."""
    rows: list[tuple[str, EnvironmentPlan | TenantPlan]] = [("the environment", plan)]
    rows += [(f"tenant {name}", tenant) for name, tenant in plan.tenants.items()]
    for who, row in rows:
        worst, budget = row.worst_case_usd_per_month, row.budget_usd_per_month
        if worst is not None and worst > budget:
            yield f"At its maximum {who} would cost {usd(worst)} a month; its budget is {usd(budget)}."


def usd(amount: Decimal) -> str:
    """An amount for people: ``30 000.00 USD``."""
    return f"{amount:,.2f}".replace(",", " ") + " USD"


def _month(usd_per_node_hour: Decimal | None, pool: PoolPlan, resource: str, devices: int) -> Decimal | None:
    if usd_per_node_hour is None or not pool.gpus_per_node:
        return None
    return cents(Fraction(usd_per_node_hour) * HOURS_PER_MONTH * devices * device_share(pool, resource))


def _largest(tenant: TenantPlan) -> str:
    known = [(service.committed_usd_per_month or Decimal(0), service.name) for service in tenant.services]
    amount, name = max(known, key=lambda row: (row[0], row[1]))
    return f"the largest is {name}, {usd(amount)}"
