"""Proofs of an environment's figures: capacity and cost of pools, peaks and cost of tenants, the environment's month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gpuplane.catalog.catalog import Catalog
from gpuplane.planning.environment_plan import PoolPlan, TenantPlan
from gpuplane.planning.hardware import hardware
from gpuplane.planning.money.ledger import EnvironmentMoney
from gpuplane.planning.money.money_proofs import money_proofs
from gpuplane.planning.proof import Proof
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.node_pool import NodePool


def proofs(spec: EnvironmentSpec, catalog: Catalog, pools: Mapping[str, PoolPlan], tenants: Mapping[str, TenantPlan],
           money: EnvironmentMoney) -> tuple[Proof, ...]:
    """Every proof, sorted by its claim."""
    found = [proof for pool in pools.values() for proof in _pool(pool, _hardware(spec.pools[pool.name], catalog))]
    found += [proof for tenant in tenants.values() for proof in _tenant(tenant)]
    found += money_proofs(spec.name, pools, tenants, money)
    return tuple(sorted(found))


def _hardware(pool: NodePool, catalog: Catalog) -> str:
    tpu = pool.spec.tpu
    facts = catalog.tpus.get(tpu.machine_type) if tpu is not None else hardware(pool.spec, catalog)
    return f"{facts.source}, as of {facts.as_of}" if facts is not None else "the pool's document"


def _pool(pool: PoolPlan, hardware: str) -> Iterator[Proof]:
    for resource, count in pool.devices_per_node.items():
        yield Proof(
            f"pool {pool.name}: capacity of {resource}", "max_nodes × gpus_per_node × devices_per_gpu",
            (("max_nodes", str(pool.max_nodes)), ("gpus_per_node", str(pool.gpus_per_node)),
             ("devices_per_gpu", str(count // pool.gpus_per_node if pool.gpus_per_node else 0))),
            str(pool.capacity[resource]), "devices", (hardware,))


def _tenant(tenant: TenantPlan) -> Iterator[Proof]:
    for key, quota in tenant.quotas.items():
        counted = tuple(service for service in tenant.services if service.quota_key == key)
        yield Proof(
            f"tenant {tenant.name}: peak on {key}", "sum of (max_replicas + max_surge) × devices_per_replica",
            tuple((s.name, f"({s.max_replicas} + {s.surge}) × {s.devices_per_replica}") for s in counted),
            str(quota.peak_with_surge), "devices")
