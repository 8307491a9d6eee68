"""KServe as pinned Helm releases, in Standard (Deployment) mode, the only one that Kueue can queue.

The serving runtimes are gpuplane's own, so KServe's are left out (they are off by default).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from gpuplane.components.helm_release import ChartArgs, helm_release, with_further
from gpuplane.components.kubernetes_object import child_options

CHARTS = "oci://ghcr.io/kserve/charts"
NAMESPACE = "kserve"


@dataclass(frozen=True)
class KServeArgs:
    """Chart version, with its ``v``, and further values of ``kserve-resources``; its webhooks need cert-manager on the cluster."""

    version: str
    further: Mapping[str, Any] = field(default_factory=dict)


class KServe(pulumi.ComponentResource):
    """KServe's CRDs and controller, in that order."""

    def __init__(self, name: str, args: KServeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:KServe", name, {"version": args.version}, opts)
        child = child_options(self, opts)
        crds = helm_release("kserve-crd", ChartArgs(f"{CHARTS}/kserve-crd", args.version, NAMESPACE), {}, child)
        helm_release("kserve", ChartArgs(f"{CHARTS}/kserve-resources", args.version, NAMESPACE, create_namespace=False),
                     with_further(values(), args.further), pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[crds])))
        self.register_outputs({"version": args.version})


def values() -> dict[str, Any]:
    """Values of ``kserve-resources``."""
    return {"kserve": {"controller": {"deploymentMode": "Standard"}}}
