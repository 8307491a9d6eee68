"""Grafana's dashboards as ConfigMaps that its sidecar picks up.

They are built with Grafana's SDK (``make generate``) and shipped as JSON, so that nobody who runs gpuplane needs the SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata


@dataclass(frozen=True)
class DashboardsArgs:
    """Namespace of Grafana, the labels that its sidecar looks for, and the folder it shows them in."""

    namespace: str
    labels: Mapping[str, str]
    folder: str


class Dashboards(pulumi.ComponentResource):
    """One ConfigMap for each dashboard."""

    def __init__(self, name: str, args: DashboardsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:Dashboards", name, {}, opts)
        for dashboard, text in shipped().items():
            KubernetesObject(f"dashboard-{dashboard}", manifest(dashboard, text, args), child_options(self, opts))
        self.register_outputs({})


@cache
def shipped() -> Mapping[str, str]:
    """Every dashboard as JSON, by name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.json"))}


def manifest(name: str, text: str, args: DashboardsArgs) -> Manifest:
    """The ConfigMap as its API takes it; the sidecar reads the folder from the annotation ``grafana_folder``."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "data": {f"gpuplane-{name}.json": text},
        "metadata": metadata(f"gpuplane-dashboard-{name}", args.namespace, args.labels, {"grafana_folder": args.folder}),
    }
