"""A tenant's share of the pools that Volcano shares out: its Queue, and the right to submit Jobs to it.

What is the tenant's own is ``deserved``: reclaimed from others when it wants it. What it does not lend is ``guarantee``: kept free for it.
With what it may borrow it reaches ``capability`` (Volcano 1.15, plugin ``capacity``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata
from gpuplane.components.quantity import amount, gib
from gpuplane.components.resource_groups import QuotaArgs
from gpuplane.spec.vocabulary import SOURCE, TENANT, VOLCANO_QUEUE

_RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True)
class TenantVolcanoQueueArgs:
    """The tenant's quotas.

    Attributes:
        quotas: resource (``cpu``, ``memory``, ``nvidia.com/gpu``, …) to quota, over all of Volcano's pools.
        submitters: groups that may submit Jobs.
        source: document that asked for it.
    """

    quotas: Mapping[str, QuotaArgs]
    submitters: tuple[str, ...] = ()
    source: str = ""


class TenantVolcanoQueue(pulumi.ComponentResource):
    """Volcano Queue of one tenant, which bears its name, and the role to use it."""

    def __init__(self, name: str, tenant: str, args: TenantVolcanoQueueArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:TenantVolcanoQueue", name, {"tenant": tenant}, opts)
        child = child_options(self, opts)
        KubernetesObject(tenant, queue(tenant, args), child)
        if args.submitters:
            rule = {"apiGroups": ["batch.volcano.sh"], "resources": ["jobs"],
                    "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"]}
            KubernetesObject(f"{tenant}-volcano-role", {
                "apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": metadata("tenant-volcano", tenant), "rules": [rule]}, child)
            KubernetesObject(f"{tenant}-volcano-binding", {
                "apiVersion": f"{_RBAC}/v1", "kind": "RoleBinding", "metadata": metadata("tenant-volcano", tenant),
                "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": "tenant-volcano"},
                "subjects": [{"apiGroup": _RBAC, "kind": "Group", "name": group} for group in sorted(args.submitters)]}, child)
        self.register_outputs({"queue": tenant})


def queue(tenant: str, args: TenantVolcanoQueueArgs) -> Manifest:
    """The Queue."""
    own = {name: quota.nominal_quota for name, quota in args.quotas.items()}
    kept = {name: quota.nominal_quota - (quota.nominal_quota if quota.lending_limit is None else quota.lending_limit)
            for name, quota in args.quotas.items()}
    most = {name: quota.nominal_quota + (quota.borrowing_limit or 0) for name, quota in args.quotas.items()}
    spec: dict[str, Any] = {"reclaimable": True, "weight": 1, "deserved": _amounts(own), "capability": _amounts(most)}
    if any(kept.values()):
        spec["guarantee"] = {"resource": _amounts(kept)}
    return {"apiVersion": VOLCANO_QUEUE, "kind": "Queue", "spec": spec,
            "metadata": metadata(tenant, labels={TENANT: tenant}, annotations={SOURCE: args.source} if args.source else {})}


def _amounts(of: Mapping[str, int]) -> dict[str, str]:
    return {name: gib(value) if name == "memory" else amount(value) for name, value in sorted(of.items())}
