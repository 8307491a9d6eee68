"""The money of a whole environment: pools divided among services, what is declared beside them, tenants, and budgets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gpuplane.catalog.catalog import Catalog
from gpuplane.planning.demand import Demand, Demands, of_pools
from gpuplane.planning.environment_plan import PoolPlan, Pools
from gpuplane.planning.money.budget import budget_use
from gpuplane.planning.money.ledger import EnvironmentMoney, OtherCost, PoolMoney, TenantMoney
from gpuplane.planning.money.month import UNKNOWN, total_month
from gpuplane.planning.money.others import not_declared, other_costs
from gpuplane.planning.money.pool_money import pool_money, unknown_pool
from gpuplane.spec.environment_spec import EnvironmentSpec


def environment_money(spec: EnvironmentSpec, catalog: Catalog, asked: Demands, pools: Pools) -> EnvironmentMoney:
    """What the environment costs.

    Args:
        spec: the wish.
        catalog: prices.
        asked: every demand, by tenant.
        pools: hardware, prices and the nodes that always run.
    """
    region, by_pool = spec.environment.spec.region, of_pools(asked)
    months = {name: pool_money(spec.pools[name], pool, by_pool[name], region, catalog) if pool.gpus_per_node else unknown_pool(pool)
              for name, pool in sorted(pools.items())}
    others = other_costs(spec, catalog)
    month = total_month((*(pool.month for pool in months.values()), *(other.month for other in others)))
    return EnvironmentMoney(
        pools=months, tenants={name: _tenant(spec, name, asked.get(name, ()), months, others) for name in sorted(spec.tenants)},
        others=others, month=month, idle=total_month(pool.idle for pool in months.values()),
        beyond=total_month(pool.beyond for pool in months.values()), budget=budget_use(spec.environment.spec.monthly_budget, month),
        not_in_figure=not_declared(spec))


def with_months(pools: Pools, money: EnvironmentMoney) -> dict[str, PoolPlan]:
    """The pools with the months that the ledger found."""
    return {name: replace(pool, committed_usd_per_month=money.pools[name].month.minimum_usd_per_month,
                          worst_case_usd_per_month=money.pools[name].month.worst_case_usd_per_month) for name, pool in pools.items()}


def _tenant(spec: EnvironmentSpec, name: str, of_tenant: Iterable[Demand], pools: Mapping[str, PoolMoney],
            others: Iterable[OtherCost]) -> TenantMoney:
    services = [pools[demand.pool].services.get(demand.entry.name) for demand in of_tenant]
    months = [service.month if service is not None else UNKNOWN for service in services]
    month = total_month((*months, *(other.month for other in others if other.tenant == name)))
    return TenantMoney(month, budget_use(spec.tenants[name].spec.monthly_budget, month))
