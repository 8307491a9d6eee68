"""KEDA as a pinned Helm release: it moves the Deployments of services that scale on their engines' load, or down to none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from gpuplane.components.helm_release import ChartArgs, helm_release, with_further
from gpuplane.components.kubernetes_object import child_options

CHART_REPOSITORY = "https://kedacore.github.io/charts"
NAMESPACE = "keda"


@dataclass(frozen=True)
class KedaArgs:
    """The release.

    Attributes:
        version: chart version (no ``v``).
        replicas: operators, one of which leads.
        monitor_labels: labels that Prometheus selects monitors by; None where nothing watches it.
        further: further values of the chart.
    """

    version: str
    replicas: int = 2
    monitor_labels: Mapping[str, str] | None = None
    further: Mapping[str, Any] = field(default_factory=dict)


class Keda(pulumi.ComponentResource):
    """KEDA's Helm release."""

    def __init__(self, name: str, args: KedaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:Keda", name, {"version": args.version}, opts)
        chart = ChartArgs("keda", args.version, NAMESPACE, CHART_REPOSITORY)
        helm_release("keda", chart, with_further(values(args), args.further), child_options(self, opts))
        self.register_outputs({"version": args.version})


def values(args: KedaArgs) -> dict[str, Any]:
    """The chart's values: it reads no Secret of any tenant, for no trigger of ours needs one."""
    found: dict[str, Any] = {
        "crds": {"install": True}, "operator": {"replicaCount": args.replicas},
        "permissions": {"operator": {"restrict": {"secret": True}}, "metricServer": {"restrict": {"secret": True}}}}
    if args.monitor_labels is not None:
        monitor = {"enabled": True, "serviceMonitor": {"enabled": True, "additionalLabels": dict(args.monitor_labels)}}
        found["prometheus"] = {"operator": monitor}
    return found
