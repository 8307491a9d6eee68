"""A tenant's share of the GPUs: its ClusterQueue, and the LocalQueue its workloads name.

One resource group covers CPU, memory and every device type of the tenant: Kueue charges a pod's CPU to the
flavor of its GPUs then, and a pod that asks for a resource no group covers would never be admitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, child_options, metadata
from gpuplane.components.resource_groups import QuotaArgs, resource_groups
from gpuplane.spec.vocabulary import KUEUE, LOCAL_QUEUE, SOURCE, TENANT

__all__ = ["QuotaArgs", "TenantQueue", "TenantQueueArgs"]


@dataclass(frozen=True)
class TenantQueueArgs:
    """The tenant's quotas.

    Attributes:
        quotas: flavor to resource (``cpu``, ``memory``, ``nvidia.com/gpu``, …) to quota.
        cohort: Cohort it borrows from and lends to; None: limits are left out.
        local_queue: name of the LocalQueue in the tenant's namespace.
        source: document that asked for it, for reports.
        within_cluster_queue, reclaim_within_cohort: Kueue's preemption policies; the second only acts in a cohort.
        fair_sharing_weight: weight for Kueue's fair sharing; None leaves it to Kueue.
    """

    quotas: Mapping[str, Mapping[str, QuotaArgs]]
    cohort: str | None = None
    local_queue: str = LOCAL_QUEUE
    source: str = ""
    within_cluster_queue: Literal["Never", "LowerPriority", "LowerOrNewerEqualPriority"] = "LowerPriority"
    reclaim_within_cohort: Literal["Never", "LowerPriority", "Any"] = "Any"
    fair_sharing_weight: str | None = None


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
        "preemption": {"withinClusterQueue": args.within_cluster_queue,
                       "reclaimWithinCohort": args.reclaim_within_cohort if args.cohort else "Never"},
        "resourceGroups": resource_groups(args.quotas, limits=args.cohort is not None),
        "stopPolicy": "None",  # written, so that a queue held by hand shows as drift
    }
    if args.cohort:
        spec["cohortName"] = args.cohort
    if args.fair_sharing_weight is not None:
        spec["fairSharing"] = {"weight": args.fair_sharing_weight}
    return spec
