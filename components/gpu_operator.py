"""NVIDIA GPU Operator: device plugin, MIG manager, feature discovery and DCGM on every GPU node.

Values are for chart v26.7 (``deployments/gpu-operator/values.yaml`` of that tag); only keys that a platform
sets are typed, and there is no way to pass another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import yaml

from gpuplane.components.gpu_quotas import TaintArgs
from gpuplane.components.helm_release import ChartArgs, helm_release
from gpuplane.components.kubernetes_object import child_options
from gpuplane.spec.vocabulary import GPU, TENANT

CHART_REPOSITORY = "https://helm.ngc.nvidia.com/nvidia"
NAMESPACE = "gpu-operator"


@dataclass(frozen=True)
class GpuOperatorArgs:
    """What the operator runs on the nodes.

    Attributes:
        version: chart version, with its ``v``.
        driver, toolkit: install them; False where the node image has them.
        mig_strategy: ``none``, ``single`` or ``mixed``.
        mig_layouts: name of a layout (the node label ``nvidia.com/mig.config``) to profile to devices on each GPU.
        time_slicing: name of a config (the node label ``nvidia.com/device-plugin.config``) to pods on each GPU.
        mps: name of a config to pods on each GPU that share it by MPS.
        tolerations: taints of the pools, so that the operator's pods reach them.
        dcgm_service_monitor: a ServiceMonitor for DCGM metrics; needs the Prometheus operator.
        monitor_labels: labels that Prometheus selects it by.
    """

    version: str
    driver: bool = False
    toolkit: bool = False
    mig_strategy: str = "mixed"
    mig_layouts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    time_slicing: Mapping[str, int] = field(default_factory=dict)
    mps: Mapping[str, int] = field(default_factory=dict)
    tolerations: tuple[TaintArgs, ...] = ()
    dcgm_service_monitor: bool = False
    monitor_labels: Mapping[str, str] = field(default_factory=dict)


class GpuOperator(pulumi.ComponentResource):
    """The operator's Helm release."""

    def __init__(self, name: str, args: GpuOperatorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:GpuOperator", name, {"version": args.version}, opts)
        chart = ChartArgs("gpu-operator", args.version, NAMESPACE, CHART_REPOSITORY)
        helm_release("gpu-operator", chart, values(args), child_options(self, opts))
        self.register_outputs({"version": args.version})


def values(args: GpuOperatorArgs) -> dict[str, Any]:
    """The chart's values."""
    tolerations = [{"key": taint.key, "operator": "Equal", "value": taint.value, "effect": taint.effect}
                   for taint in sorted(set(args.tolerations), key=lambda taint: (taint.key, taint.value))]
    result: dict[str, Any] = {
        "driver": {"enabled": args.driver}, "toolkit": {"enabled": args.toolkit},
        "mig": {"strategy": args.mig_strategy},
        "daemonsets": {"tolerations": tolerations},
        "node-feature-discovery": {"worker": {"tolerations": tolerations}},
        "dcgmExporter": {
            "enablePodLabels": True, "podLabelAllowlistRegex": [f"^{TENANT}$".replace(".", "\\.")],
            "serviceMonitor": {"enabled": args.dcgm_service_monitor, "additionalLabels": dict(args.monitor_labels)}},
        "devicePlugin": {"config": _config("gpuplane-device-plugin", _device_plugin(args.time_slicing, args.mps), "whole-gpus")},
    }
    if args.mig_layouts:
        result["migManager"] = {"config": {"create": True, "name": "gpuplane-mig", "default": "all-disabled",
                                           "data": {"config.yaml": _mig(args.mig_layouts)}}}
    return result


def _config(name: str, data: Mapping[str, str], default: str) -> dict[str, Any]:
    return {"create": True, "name": name, "default": default, "data": dict(sorted(data.items()))}


def _device_plugin(time_slicing: Mapping[str, int], mps: Mapping[str, int]) -> dict[str, str]:
    configs = {"whole-gpus": _dump({"version": "v1", "flags": {"migStrategy": "mixed"}})}
    for name, replicas in time_slicing.items():
        configs[name] = _dump({"version": "v1", "flags": {"migStrategy": "none"}, "sharing": {"timeSlicing": {
            "renameByDefault": False, "failRequestsGreaterThanOne": True, "resources": [{"name": GPU, "replicas": replicas}]}}})
    for name, replicas in mps.items():
        configs[name] = _dump({"version": "v1", "flags": {"migStrategy": "none"}, "sharing": {"mps": {
            "renameByDefault": False, "resources": [{"name": GPU, "replicas": replicas}]}}})
    return configs


def _mig(layouts: Mapping[str, Mapping[str, int]]) -> str:
    # A custom ConfigMap replaces the generated one, so the layout that switches MIG off is stated again.
    configs: dict[str, Any] = {"all-disabled": [{"devices": "all", "mig-enabled": False}]}
    for name, layout in layouts.items():
        configs[name] = [{"devices": "all", "mig-enabled": True, "mig-devices": dict(sorted(layout.items()))}]
    return _dump({"version": "v1", "mig-configs": configs})


def _dump(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=True)
