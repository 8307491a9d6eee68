"""Quotas as Kueue's ``resourceGroups``, for ClusterQueues and Cohorts alike (docs/adr/0007)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gpuplane.components.quantity import amount, gib


@dataclass(frozen=True)
class QuotaArgs:
    """Quota of one resource in one flavor, in Kueue's words: devices, cores, or GiB of memory; None leaves a limit open."""

    nominal_quota: int
    borrowing_limit: int | None = None
    lending_limit: int | None = None


NOTHING = QuotaArgs(0, 0, 0)
"""What a queue has of a device that a pool does not have."""


def resource_groups(quotas: Mapping[str, Mapping[str, QuotaArgs]], limits: bool, missing: QuotaArgs = NOTHING,
                    order: Sequence[str] = ()) -> list[dict[str, Any]]:
    """One group; every flavor lists all covered resources in the same order (Kueue's webhook demands it).

    Args:
        quotas: flavor to resource to quota.
        limits: whether borrowing and lending limits may be written: only below a Cohort.
        missing: what stands for a resource that a flavor has no quota of.
        order: flavors that are tried first, in this order; the others follow by name.
    """
    covered = sorted({resource for of_flavor in quotas.values() for resource in of_flavor})
    flavors = [{"name": flavor, "resources": [_quota(resource, quotas[flavor].get(resource, missing), limits) for resource in covered]}
               for flavor in sorted(quotas, key=lambda name: (order.index(name) if name in order else len(order), name))]
    return [{"coveredResources": covered, "flavors": flavors}] if flavors else []


def _quota(resource: str, quota: QuotaArgs, limits: bool) -> dict[str, Any]:
    written = gib if resource == "memory" else amount
    result = {"name": resource, "nominalQuota": written(quota.nominal_quota)}
    if limits and quota.borrowing_limit is not None:
        result["borrowingLimit"] = written(quota.borrowing_limit)
    if limits and quota.lending_limit is not None:
        result["lendingLimit"] = written(quota.lending_limit)
    return result
