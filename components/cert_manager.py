"""cert-manager as a pinned Helm release: KServe's webhooks, and where it is asked for the gateway, have their certificates from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from gpuplane.components.helm_release import ChartArgs, helm_release, with_further
from gpuplane.components.kubernetes_object import child_options

CHART_REPOSITORY = "https://charts.jetstack.io"
NAMESPACE = "cert-manager"
API_VERSION = "cert-manager.io/v1"


@dataclass(frozen=True)
class CertManagerArgs:
    """Chart version, with its ``v``, and further values of the chart."""

    version: str
    further: Mapping[str, Any] = field(default_factory=dict)


class CertManager(pulumi.ComponentResource):
    """cert-manager's Helm release."""

    def __init__(self, name: str, args: CertManagerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:CertManager", name, {"version": args.version}, opts)
        helm_release("cert-manager", ChartArgs("cert-manager", args.version, NAMESPACE, CHART_REPOSITORY),
                     with_further(values(), args.further), child_options(self, opts))
        self.register_outputs({"version": args.version})


def values() -> dict[str, Any]:
    """The chart's values: without ``keep``, deleting the release would delete every certificate of the cluster."""
    return {"crds": {"enabled": True, "keep": True}}
