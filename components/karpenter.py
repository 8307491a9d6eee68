"""Karpenter as pinned Helm releases: its CRDs, then its controller, whose AWS identity and queue the cluster layer made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from gpuplane.components.helm_release import ChartArgs, helm_release, with_further
from gpuplane.components.karpenter_identity import NAMESPACE, SERVICE_ACCOUNT
from gpuplane.components.kubernetes_object import child_options

CHARTS = "oci://public.ecr.aws/karpenter"


@dataclass(frozen=True)
class KarpenterArgs:
    """The releases.

    Attributes:
        version: chart version (no ``v``).
        cluster_name: EKS cluster whose nodes it starts.
        interruption_queue: SQS queue of AWS's warnings, by its name.
        replicas: controllers, one of which leads.
        static_nodes: pools keep a fixed number of nodes, which is an alpha feature.
        further: further values of the chart.
    """

    version: str
    cluster_name: str
    interruption_queue: str
    replicas: int = 2
    static_nodes: bool = False
    further: Mapping[str, Any] = field(default_factory=dict)


class Karpenter(pulumi.ComponentResource):
    """Karpenter's Helm releases."""

    def __init__(self, name: str, args: KarpenterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:Karpenter", name, {"version": args.version}, opts)
        child = child_options(self, opts)
        crds = helm_release("karpenter-crd", ChartArgs(f"{CHARTS}/karpenter-crd", args.version, NAMESPACE, create_namespace=False), {},
                            child)
        helm_release("karpenter", ChartArgs(f"{CHARTS}/karpenter", args.version, NAMESPACE, create_namespace=False),
                     with_further(values(args), args.further),
                     pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[crds])))
        self.register_outputs({"version": args.version})


def values(args: KarpenterArgs) -> dict[str, Any]:
    """The chart's values; the image is the one that the chart pins by digest."""
    settings: dict[str, Any] = {"clusterName": args.cluster_name, "interruptionQueue": args.interruption_queue}
    if args.static_nodes:
        settings["featureGates"] = {"staticCapacity": True}
    return {"replicas": args.replicas, "serviceAccount": {"name": SERVICE_ACCOUNT}, "settings": settings}
