"""Proofs of an environment's figures: capacity and cost of pools, peaks and cost of tenants, the environment's month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from gpuplane.catalog.catalog import Catalog
from gpuplane.planning.environment_plan import PoolPlan, ServicePlan, TenantPlan, device_share
from gpuplane.planning.pools import HOURS_PER_MONTH
from gpuplane.planning.proof import Proof
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.node_pool import NodePool

_USD = "USD a month"


def proofs(spec: EnvironmentSpec, catalog: Catalog, pools: Mapping[str, PoolPlan], tenants: Mapping[str, TenantPlan],
           committed: Decimal | None) -> tuple[Proof, ...]:
    """Every proof, sorted by its claim."""
    found = [proof for pool in pools.values() for proof in _pool(pool, _hardware(spec.pools[pool.name], catalog))]
    found += [proof for tenant in tenants.values() for proof in _tenant(tenant, pools)]
    found.append(Proof(
        f"environment {spec.name}: committed cost", "sum of the pools' committed cost",
        tuple((name, _text(pool.committed_usd_per_month)) for name, pool in pools.items()), _text(committed), _USD))
    return tuple(sorted(found))


def _hardware(pool: NodePool, catalog: Catalog) -> str:
    group = pool.spec.eks_managed_node_group
    facts = catalog.instance(group.instance_type) if group is not None else None
    return f"{facts.source}, as of {facts.as_of}" if facts is not None else "the pool's document"


def _pool(pool: PoolPlan, hardware: str) -> Iterator[Proof]:
    for resource, count in pool.devices_per_node.items():
        yield Proof(
            f"pool {pool.name}: capacity of {resource}", "max_nodes × gpus_per_node × devices_per_gpu",
            (("max_nodes", str(pool.max_nodes)), ("gpus_per_node", str(pool.gpus_per_node)),
             ("devices_per_gpu", str(count // pool.gpus_per_node if pool.gpus_per_node else 0))),
            str(pool.capacity[resource]), "devices", (hardware,))
    price = (f"{pool.price_source}" + (f", as of {pool.price_as_of}" if pool.price_as_of else "") + f": {pool.price_basis}",)
    for word, nodes, hourly, result in (
            ("committed", pool.committed_nodes, pool.usd_per_node_hour, pool.committed_usd_per_month),
            ("worst-case", pool.max_nodes, pool.worst_case_usd_per_node_hour, pool.worst_case_usd_per_month)):
        yield Proof(
            f"pool {pool.name}: {word} cost", "nodes × usd_per_node_hour × hours_per_month",
            (("nodes", str(nodes)), ("usd_per_node_hour", _text(hourly)), ("hours_per_month", str(HOURS_PER_MONTH))),
            _text(result), _USD, price if pool.price_source else ())


def _tenant(tenant: TenantPlan, pools: Mapping[str, PoolPlan]) -> Iterator[Proof]:
    for key, quota in tenant.quotas.items():
        counted = tuple(service for service in tenant.services if service.quota_key == key)
        yield Proof(
            f"tenant {tenant.name}: peak on {key}", "sum of (max_replicas + max_surge) × devices_per_replica",
            tuple((s.name, f"({s.max_replicas} + {s.surge}) × {s.devices_per_replica}") for s in counted),
            str(quota.peak_with_surge), "devices")
    yield Proof(
        f"tenant {tenant.name}: committed cost",
        "sum of min_replicas × devices_per_replica × share of a node × usd_per_node_hour × hours_per_month, down to the cent",
        tuple((service.name, _shares(service, pools)) for service in tenant.services),
        _text(tenant.committed_usd_per_month), _USD,
        tuple(sorted({f"price of pool {service.quota_key.partition('/')[0]}" for service in tenant.services})))


def _shares(service: ServicePlan, pools: Mapping[str, PoolPlan]) -> str:
    pool = pools[service.quota_key.partition("/")[0]]
    return (f"{service.min_replicas} × {service.devices_per_replica} × {device_share(pool, service.resource)} × "
            f"{_text(pool.usd_per_node_hour)} × {HOURS_PER_MONTH}")


def _text(amount: Decimal | None) -> str:
    return "unknown" if amount is None else format(amount, "f")
