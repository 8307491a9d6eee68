"""LeaderWorkerSet as a pinned Helm release: it runs replicas that are several pods, which live and die together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from gpuplane.components.helm_release import ChartArgs, helm_release, with_further
from gpuplane.components.kubernetes_object import child_options

CHART = "oci://registry.k8s.io/lws/charts/lws"
NAMESPACE = "lws-system"


@dataclass(frozen=True)
class LeaderWorkerSetArgs:
    """Chart version (no ``v``), and further values of the chart."""

    version: str
    further: Mapping[str, Any] = field(default_factory=dict)


class LeaderWorkerSet(pulumi.ComponentResource):
    """LeaderWorkerSet's Helm release. Helm installs its CRDs once and never upgrades them: a new version's go first, by hand."""

    def __init__(self, name: str, args: LeaderWorkerSetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:LeaderWorkerSet", name, {"version": args.version}, opts)
        helm_release("lws", ChartArgs(CHART, args.version, NAMESPACE), with_further(values(args.version), args.further),
                     child_options(self, opts))
        self.register_outputs({"version": args.version})


def values(version: str) -> dict[str, Any]:
    """The chart's values: its source names the image ``main``, so the release is named here."""
    return {"replicaCount": 2, "image": {"manager": {"tag": f"v{version.removeprefix('v')}", "pullPolicy": "IfNotPresent"}}}
