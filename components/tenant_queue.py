"""A tenant's share of the GPUs: its ClusterQueue, and the LocalQueues its workloads name.

One resource group covers CPU, memory and every device type of the tenant: Kueue charges a pod's CPU to the
flavor of its GPUs then, and a pod that asks for a resource no group covers would never be admitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, child_options, metadata
from gpuplane.components.resource_groups import QuotaArgs, resource_groups
from gpuplane.spec.vocabulary import GPU_DEVICE_CLASS, KUEUE, LOCAL_QUEUE, SOURCE, TENANT

Search = Literal["MayStopSearch", "TryNextFlavor"]

__all__ = ["QuotaArgs", "TenantQueue", "TenantQueueArgs"]


@dataclass(frozen=True)
class FungibilityArgs:
    """Which flavor a workload gets that fits several (Kueue's ``flavorFungibility``).

    Attributes:
        order: flavors that are tried first, in this order; the others follow by name.
        when_can_borrow, when_can_preempt: whether the search stops at a flavor where it would have to.
        preference: which of the two is chosen where neither stops it.
    """

    order: tuple[str, ...] = ()
    when_can_borrow: Search = "MayStopSearch"
    when_can_preempt: Search = "TryNextFlavor"
    preference: Literal["BorrowingOverPreemption", "PreemptionOverBorrowing"] | None = None


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
        fungibility: None leaves the choice of flavors to Kueue, by name.
        local_queues: further LocalQueues, each with its weight for admission fair sharing (None: 1).
        admission_fair_sharing: LocalQueues take turns by past usage.
        claim_template: name of a ResourceClaimTemplate for one GPU; None without DRA.
    """

    quotas: Mapping[str, Mapping[str, QuotaArgs]]
    cohort: str | None = None
    local_queue: str = LOCAL_QUEUE
    source: str = ""
    within_cluster_queue: Literal["Never", "LowerPriority", "LowerOrNewerEqualPriority"] = "LowerPriority"
    reclaim_within_cohort: Literal["Never", "LowerPriority", "Any"] = "Any"
    fair_sharing_weight: str | None = None
    fungibility: FungibilityArgs | None = None
    local_queues: Mapping[str, str | None] = field(default_factory=dict)
    admission_fair_sharing: bool = False
    claim_template: str | None = None


class TenantQueue(pulumi.ComponentResource):
    """ClusterQueue and LocalQueues of one tenant; only namespaces that bear the tenant's label may submit."""

    def __init__(self, name: str, tenant: str, args: TenantQueueArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:TenantQueue", name, {"tenant": tenant}, opts)
        child = child_options(self, opts)
        annotations = {SOURCE: args.source} if args.source else {}
        cluster_queue = KubernetesObject(tenant, {
            "apiVersion": KUEUE, "kind": "ClusterQueue",
            "metadata": metadata(tenant, labels={TENANT: tenant}, annotations=annotations),
            "spec": _spec(tenant, args)}, child)
        after = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[cluster_queue]))
        for queue, weight in sorted({**args.local_queues, args.local_queue: None}.items()):
            fair: dict[str, Any] = {"fairSharing": {"weight": weight}} if weight is not None else {}
            KubernetesObject(f"{tenant}-{queue}", {"apiVersion": KUEUE, "kind": "LocalQueue", "metadata": metadata(queue, tenant),
                                                   "spec": {"clusterQueue": tenant, **fair}}, after)
        if args.claim_template is not None:
            KubernetesObject(f"{tenant}-{args.claim_template}", claim_template(args.claim_template, tenant), child)
        self.register_outputs({"localQueue": args.local_queue})


def claim_template(name: str, namespace: str) -> dict[str, Any]:
    """The ResourceClaimTemplate for one whole GPU (``resource.k8s.io/v1``)."""
    request = {"name": "gpu", "exactly": {"deviceClassName": GPU_DEVICE_CLASS, "allocationMode": "ExactCount", "count": 1}}
    return {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaimTemplate", "metadata": metadata(name, namespace),
            "spec": {"spec": {"devices": {"requests": [request]}}}}


def _fungibility(args: FungibilityArgs) -> dict[str, Any]:
    result = {"whenCanBorrow": args.when_can_borrow, "whenCanPreempt": args.when_can_preempt}
    return result if args.preference is None else {**result, "preference": args.preference}


def _spec(tenant: str, args: TenantQueueArgs) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "namespaceSelector": {"matchLabels": {TENANT: tenant}},
        "queueingStrategy": "BestEffortFIFO",
        "preemption": {"withinClusterQueue": args.within_cluster_queue,
                       "reclaimWithinCohort": args.reclaim_within_cohort if args.cohort else "Never"},
        "resourceGroups": resource_groups(args.quotas, limits=args.cohort is not None,
                                          order=args.fungibility.order if args.fungibility else ()),
        "stopPolicy": "None",  # written, so that a queue held by hand shows as drift
    }
    if args.cohort:
        spec["cohortName"] = args.cohort
    if args.fair_sharing_weight is not None:
        spec["fairSharing"] = {"weight": args.fair_sharing_weight}
    if args.fungibility is not None:
        spec["flavorFungibility"] = _fungibility(args.fungibility)
    if args.admission_fair_sharing:
        spec["admissionScope"] = {"admissionMode": "UsageBasedAdmissionFairSharing"}
    return spec
