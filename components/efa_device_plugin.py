"""AWS's device plugin for Elastic Fabric Adapters as a pinned Helm release: nodes with EFA interfaces offer ``vpc.amazonaws.com/efa``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from gpuplane.components.gpu_quotas import TaintArgs
from gpuplane.components.helm_release import ChartArgs, helm_release, with_further
from gpuplane.components.kubernetes_object import child_options

CHART_REPOSITORY = "https://aws.github.io/eks-charts"
NAMESPACE = "kube-system"


@dataclass(frozen=True)
class EfaDevicePluginArgs:
    """The release.

    Attributes:
        version: chart version, with its ``v``.
        tolerations: taints of the nodes with EFA interfaces; without these it runs on none of them.
        further: further values of the chart.
    """

    version: str
    tolerations: tuple[TaintArgs, ...] = ()
    further: Mapping[str, Any] = field(default_factory=dict)


class EfaDevicePlugin(pulumi.ComponentResource):
    """The device plugin's Helm release."""

    def __init__(self, name: str, args: EfaDevicePluginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:EfaDevicePlugin", name, {"version": args.version}, opts)
        chart = ChartArgs("aws-efa-k8s-device-plugin", args.version, NAMESPACE, CHART_REPOSITORY, create_namespace=False)
        helm_release("aws-efa-k8s-device-plugin", chart, with_further(values(args), args.further), child_options(self, opts))
        self.register_outputs({"version": args.version})


def values(args: EfaDevicePluginArgs) -> dict[str, Any]:
    """The chart's values."""
    taints = sorted({(taint.key, taint.value, taint.effect) for taint in args.tolerations})
    return {"tolerations": [{"key": key, "operator": "Equal", "value": value, "effect": effect} for key, value, effect in taints]}
