"""KServe as pinned Helm releases, in Standard (Deployment) mode, the only one that Kueue can queue.

The serving runtimes are gpuplane's own, so KServe's are left out (they are off by default).
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from gpuplane.components.helm_release import ChartArgs, helm_release
from gpuplane.components.kubernetes_object import child_options

CHARTS = "oci://ghcr.io/kserve/charts"
NAMESPACE = "kserve"


@dataclass(frozen=True)
class KServeArgs:
    """Chart version, with its ``v``. cert-manager must be on the cluster: KServe's webhooks use it."""

    version: str


class KServe(pulumi.ComponentResource):
    """KServe's CRDs and controller, in that order."""

    def __init__(self, name: str, args: KServeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:KServe", name, {"version": args.version}, opts)
        child = child_options(self, opts)
        crds = helm_release("kserve-crd", ChartArgs(f"{CHARTS}/kserve-crd", args.version, NAMESPACE), {}, child)
        helm_release("kserve", ChartArgs(f"{CHARTS}/kserve-resources", args.version, NAMESPACE, create_namespace=False), {
            "kserve": {"controller": {"deploymentMode": "Standard"}}},
            pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[crds])))
        self.register_outputs({"version": args.version})
