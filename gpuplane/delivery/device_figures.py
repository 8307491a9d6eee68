"""What a device of each pool costs, and what keeps its pods apart: one row a device type, in the words of a report."""

from __future__ import annotations

from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.planning.environment_plan import PoolPlan
from gpuplane.spec.vocabulary import MIG_PREFIX

HEADINGS = ("pool", "sharing", "USD/device h", "memory", "faults", "compute")


def device_cells(report: PreviewReport) -> tuple[tuple[str, ...], ...]:
    """One row for each device type of each pool, in :data:`HEADINGS`' order; by pool and resource."""
    return tuple((_key(pool, resource), pool.strategy, _price(pool, resource), pool.isolation.memory, pool.isolation.faults,
                  pool.isolation.compute)
                 for _, pool in sorted(report.plan.pools.items()) for resource in sorted(pool.devices_per_node))


def _key(pool: PoolPlan, resource: str) -> str:
    return f"{pool.name}/{resource.removeprefix(MIG_PREFIX)}" if resource.startswith(MIG_PREFIX) else pool.name


def _price(pool: PoolPlan, resource: str) -> str:
    usd = pool.usd_per_device_hour.get(resource)
    return "unknown" if usd is None else f"{usd:.4f}"
