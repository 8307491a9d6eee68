"""What a request and a million output tokens of each service cost: its replicas' share of nodes ÷ what they serve within the objectives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

from gpuplane.planning.environment_plan import PoolPlan, Pools, ServicePlan, TenantPlan, device_share
from gpuplane.planning.money.ledger import EnvironmentMoney, PoolMoney
from gpuplane.planning.money.unit_costs import UnitCosts, cost_per_million_tokens, cost_per_request
from gpuplane.planning.proof import Proof

_MICRO = Decimal("0.000001")


def with_unit_costs(tenants: Mapping[str, TenantPlan], pools: Pools, money: EnvironmentMoney) -> dict[str, TenantPlan]:
    """Tenants' plans with the unit costs of the services whose throughput and price are known."""
    costs = {f"{name}/{service.name}": _unit_costs(service, pools[_pool(service)], money.pools[_pool(service)])
             for name, tenant in tenants.items() for service in tenant.services if service.throughput is not None}
    return {name: tenant.with_each("unit_costs", costs) for name, tenant in tenants.items()}


def unit_cost_proofs(tenants: Mapping[str, TenantPlan], pools: Pools) -> Iterator[Proof]:
    """How each unit cost was got."""
    for tenant in tenants.values():
        for service in tenant.services:
            costs, serves = service.unit_costs, service.throughput
            if costs is None or serves is None:
                continue
            pool = pools[_pool(service)]
            hourly = (("usd_per_node_hour", f"{costs.usd_per_node_hour:f}"), ("devices_per_replica", str(service.devices_per_replica)),
                      ("share_of_a_node", str(device_share(pool, service.resource))))
            sources = (*serves.sources, f"{pool.price_source}, as of {pool.price_as_of}: {pool.price_basis}")
            yield Proof(
                f"service {tenant.name}/{service.name}: cost of a request",
                "usd_per_node_hour × devices_per_replica × share_of_a_node ÷ (replica_requests_per_second × 3600)",
                (*hourly, ("replica_requests_per_second", _text(serves.replica_requests_per_second))),
                _text(costs.usd_per_request), "USD", sources)
            if costs.usd_per_million_output_tokens is not None:
                yield Proof(
                    f"service {tenant.name}/{service.name}: cost of a million output tokens",
                    "usd_per_node_hour × devices_per_replica × share_of_a_node ÷ (replica_output_tokens_per_second × 3600) × 1,000,000",
                    (*hourly, ("replica_output_tokens_per_second", _text(serves.replica_output_tokens_per_second))),
                    _text(costs.usd_per_million_output_tokens), "USD", sources)


def _pool(service: ServicePlan) -> str:
    return service.quota_key.partition("/")[0]


def _unit_costs(service: ServicePlan, pool: PoolPlan, money: PoolMoney) -> UnitCosts | None:
    serves, node = service.throughput, _node_hour(pool, money)
    if node is None or serves is None or serves.provenance is None or not serves.replica_requests_per_second:
        return None
    exact = Fraction(node) * service.devices_per_replica * device_share(pool, service.resource)
    hourly, tokens = Decimal(exact.numerator) / Decimal(exact.denominator), serves.replica_output_tokens_per_second
    return UnitCosts(cost_per_million_tokens(hourly, tokens) if tokens is not None else None,
                     cost_per_request(hourly, serves.replica_requests_per_second), node, serves.provenance)


def _node_hour(pool: PoolPlan, money: PoolMoney) -> Decimal | None:
    """A node of the expected month, reserved and other ones on average; to a millionth of a dollar where it is an average."""
    usd, reserved = pool.usd_per_node_hour, money.reservation
    if usd is None or reserved is None or not reserved.nodes:
        return usd
    if reserved.usd_per_node_hour is None:
        return None
    paid = max(money.nodes.expected, reserved.nodes)
    return (((paid - reserved.nodes) * usd + reserved.nodes * reserved.usd_per_node_hour) / paid).quantize(_MICRO)


def _text(amount: Decimal | None) -> str:
    return "unknown" if amount is None else format(amount, "f")
