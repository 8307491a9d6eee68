"""A tenant's share of the GPUs: its ClusterQueue, and the LocalQueue its workloads name.

One resource group covers CPU, memory and every device type of the tenant: Kueue charges a pod's CPU to the
flavor of its GPUs then, and a pod that asks for a resource no group covers would never be admitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, child_options, metadata
from gpuplane.components.quantity import amount, gib
from gpuplane.spec.vocabulary import KUEUE, LOCAL_QUEUE, SOURCE, TENANT


@dataclass(frozen=True)
class QuotaArgs:
    """Quota of one resource in one flavor, in Kueue's words: devices, cores, or GiB of memory; None leaves a limit open."""

    nominal_quota: int
    borrowing_limit: int | None = None
    lending_limit: int | None = None


@dataclass(frozen=True)
class TenantQueueArgs:
    """The tenant's quotas.

    Attributes:
        quotas: flavor to resource (``cpu``, ``memory``, ``nvidia.com/gpu``, …) to quota.
        cohort: Cohort it borrows from and lends to; None: limits are left out.
        local_queue: name of the LocalQueue in the tenant's namespace.
        source: document that asked for it, for reports.
    """

    quotas: Mapping[str, Mapping[str, QuotaArgs]]
    cohort: str | None = None
    local_queue: str = LOCAL_QUEUE
    source: str = ""


class TenantQueue(pulumi.ComponentResource):
    """ClusterQueue and LocalQueue of one tenant; only namespaces that bear the tenant's label may submit."""

    def __init__(self, name: str, tenant: str, args: TenantQueueArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:TenantQueue", name, {"tenant": tenant}, opts)
        child = child_options(self, opts)
        annotations = {SOURCE: args.source} if args.source else {}
        cluster_queue = KubernetesObject(tenant, {
            "apiVersion": KUEUE, "kind": "ClusterQueue",
            "metadata": metadata(tenant, labels={TENANT: tenant}, annotations=annotations),
            "spec": _spec(tenant, args)}, child)
        KubernetesObject(f"{tenant}-{args.local_queue}", {
            "apiVersion": KUEUE, "kind": "LocalQueue", "metadata": metadata(args.local_queue, tenant),
            "spec": {"clusterQueue": tenant}}, pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[cluster_queue])))
        self.register_outputs({"localQueue": args.local_queue})


def _spec(tenant: str, args: TenantQueueArgs) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "namespaceSelector": {"matchLabels": {TENANT: tenant}},
        "queueingStrategy": "BestEffortFIFO",
        "preemption": {"withinClusterQueue": "LowerPriority", "reclaimWithinCohort": "Any" if args.cohort else "Never"},
        "resourceGroups": _groups(args),
        "stopPolicy": "None",  # written, so that a queue held by hand shows as drift
    }
    if args.cohort:
        spec["cohortName"] = args.cohort
    return spec


def _groups(args: TenantQueueArgs) -> list[dict[str, Any]]:
    """One group; every flavor lists all covered resources in the same order (Kueue's webhook demands it)."""
    covered = sorted({resource for quotas in args.quotas.values() for resource in quotas})
    flavors = [{"name": flavor, "resources": [_quota(resource, args.quotas[flavor].get(resource), args.cohort) for resource in covered]}
               for flavor in sorted(args.quotas)]
    return [{"coveredResources": covered, "flavors": flavors}] if flavors else []


def _quota(resource: str, quota: QuotaArgs | None, cohort: str | None) -> dict[str, Any]:
    if quota is None:  # this pool has no such device
        quota = QuotaArgs(0, 0, 0)
    written = gib if resource == "memory" else amount
    result = {"name": resource, "nominalQuota": written(quota.nominal_quota)}
    if cohort and quota.borrowing_limit is not None:
        result["borrowingLimit"] = written(quota.borrowing_limit)
    if cohort and quota.lending_limit is not None:
        result["lendingLimit"] = written(quota.lending_limit)
    return result
