"""Planned quotas as the components take them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from gpuplane.components.resource_groups import QuotaArgs
from gpuplane.planning.cohorts.environment_tree import with_hosts
from gpuplane.planning.cohorts.quota_tree import ResourceQuota
from gpuplane.planning.environment_plan import Pools


def queue_quotas(quotas: Mapping[str, ResourceQuota], pools: Pools) -> dict[str, dict[str, QuotaArgs]]:
    """Quotas of devices by quota key, with the CPU and memory that go with them, by flavor and resource."""
    return {flavor: {resource: QuotaArgs(quota.nominal, quota.borrowing_limit, quota.lending_limit)
                     for resource, quota in of_flavor.items()}
            for flavor, of_flavor in with_hosts(quotas, pools).items()}


def weight(value: Decimal | None) -> str | None:
    """A fair sharing weight as Kubernetes writes quantities: thousandths with ``m``."""
    if value is None:
        return None
    return str(int(value)) if value == int(value) else f"{int(value * 1000)}m"
