"""NVIDIA GPU Operator: drivers, device plugin or DRA driver, MIG manager, feature discovery and DCGM on every GPU node.

The chart deploys one of two stacks: the ClusterPolicy (device plugin) or the GPUCluster (DRA driver). Its templates refuse both at
once, and GPUCluster runs neither MIG manager nor GPU feature discovery (``deployments/gpu-operator/templates`` of v26.7.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi
import yaml

from gpuplane.catalog.chart_support import needs
from gpuplane.catalog.versions import numbers
from gpuplane.components.gpu_quotas import TaintArgs
from gpuplane.components.helm_release import ChartArgs, helm_release, with_further
from gpuplane.components.kubernetes_object import child_options
from gpuplane.spec.vocabulary import GPU, TENANT

CHART_REPOSITORY = "https://helm.ngc.nvidia.com/nvidia"
NAMESPACE = "gpu-operator"


@dataclass(frozen=True)
class DrainArgs:
    """How a node is drained before its driver is replaced: the words are ``kubectl drain``'s."""

    timeout_seconds: int = 300
    force: bool = False
    delete_empty_dirs: bool = False


@dataclass(frozen=True)
class DriverArgs:
    """The driver that the operator installs.

    Attributes:
        version: whole version, or the branch of precompiled ones; None: what the chart pins.
        precompiled: packages built for the nodes' kernel.
        kernel_module: which kernel modules.
        max_parallel_upgrades, max_unavailable_percent: nodes at a time.
        wait_for_jobs_seconds: 0: as long as they take.
        pod_deletion_timeout_seconds: for pods that hold GPUs.
        drain: None: only those pods are deleted.
    """

    version: str | None = None
    precompiled: bool = False
    kernel_module: Literal["auto", "open", "proprietary"] = "auto"
    max_parallel_upgrades: int = 1
    max_unavailable_percent: int = 25
    wait_for_jobs_seconds: int = 0
    pod_deletion_timeout_seconds: int = 300
    drain: DrainArgs | None = None


@dataclass(frozen=True)
class DraArgs:
    """The DRA driver in place of the device plugin; ``compute_domains``: NVLink between nodes as well."""

    compute_domains: bool = False


@dataclass(frozen=True)
class GpuOperatorArgs:
    """What the operator runs on the nodes.

    Attributes:
        version: chart version, with its ``v``.
        driver: None where the node image has it.
        toolkit: install the container toolkit; False where the node image has it.
        mig_strategy: ``none``, ``single`` or ``mixed``.
        mig_layouts: name of a layout (the node label ``nvidia.com/mig.config``) to profile to devices on each GPU.
        time_slicing, mps: name of a config (the node label ``nvidia.com/device-plugin.config``) to pods on each GPU.
        tolerations: taints of the pools, so that the operator's pods reach them.
        node_feature_discovery: bring NFD; False where the cluster runs it.
        dcgm_service_monitor: a ServiceMonitor for DCGM metrics; needs the Prometheus operator.
        dcgm_interval_seconds: how often they are scraped.
        monitor_labels: labels that Prometheus selects it by.
        dra: DRA in place of the device plugin.
        further: further values of the chart.
    """

    version: str
    driver: DriverArgs | None = None
    toolkit: bool = False
    mig_strategy: Literal["none", "single", "mixed"] = "mixed"
    mig_layouts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    time_slicing: Mapping[str, int] = field(default_factory=dict)
    mps: Mapping[str, int] = field(default_factory=dict)
    tolerations: tuple[TaintArgs, ...] = ()
    node_feature_discovery: bool = True
    dcgm_service_monitor: bool = False
    dcgm_interval_seconds: int = 15
    monitor_labels: Mapping[str, str] = field(default_factory=dict)
    dra: DraArgs | None = None
    further: Mapping[str, Any] = field(default_factory=dict)


class GpuOperator(pulumi.ComponentResource):
    """The operator's Helm release."""

    def __init__(self, name: str, args: GpuOperatorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:GpuOperator", name, {"version": args.version}, opts)
        chart = ChartArgs("gpu-operator", args.version, NAMESPACE, CHART_REPOSITORY)
        helm_release("gpu-operator", chart, with_further(values(args), args.further), child_options(self, opts))
        self.register_outputs({"version": args.version})


def values(args: GpuOperatorArgs) -> dict[str, Any]:
    """The chart's values.

    Raises:
        ValueError: DRA together with what only the device plugin or the MIG manager does.
    """
    shared = sorted({*args.mig_layouts, *args.time_slicing, *args.mps})
    if args.dra is not None and shared:
        raise ValueError(f"dra replaces the device plugin, which would share the GPUs of: {', '.join(shared)}")
    tolerations = [{"key": taint.key, "operator": "Equal", "value": taint.value, "effect": taint.effect}
                   for taint in sorted(set(args.tolerations), key=lambda taint: (taint.key, taint.value))]
    return {
        "driver": _driver(args), "toolkit": {"enabled": args.toolkit}, "cdi": {"enabled": True},
        "nfd": {"enabled": args.node_feature_discovery},
        "node-feature-discovery": {"worker": {"tolerations": tolerations}},
        "daemonsets": {"tolerations": tolerations},
        "dcgmExporter": {
            "enablePodLabels": True, "podLabelAllowlistRegex": [f"^{TENANT}$".replace(".", "\\.")],
            "serviceMonitor": {"enabled": args.dcgm_service_monitor, "interval": f"{args.dcgm_interval_seconds}s",
                               "additionalLabels": dict(args.monitor_labels)}},
        **(_device_plugin_stack(args) if args.dra is None else _dra_stack(args.dra)),
    }


def _driver(args: GpuOperatorArgs) -> dict[str, Any]:
    driver = args.driver
    if driver is None:
        return {"enabled": False}
    result: dict[str, Any] = {
        "enabled": True, "usePrecompiled": driver.precompiled, "kernelModuleType": driver.kernel_module,
        # GPUCluster has no driver of its own: the chart asks for an NVIDIADriver object beside it.
        "nvidiaDriverCRD": {"enabled": args.dra is not None},
        "upgradePolicy": {
            "autoUpgrade": True, "maxParallelUpgrades": driver.max_parallel_upgrades,
            "maxUnavailable": f"{driver.max_unavailable_percent}%",
            "waitForCompletion": {"timeoutSeconds": driver.wait_for_jobs_seconds},
            "gpuPodDeletion": {"timeoutSeconds": driver.pod_deletion_timeout_seconds},
            "drain": _drain(driver.drain)}}
    return result if driver.version is None else {**result, "version": driver.version}


def _drain(drain: DrainArgs | None) -> dict[str, Any]:
    if drain is None:
        return {"enable": False}
    return {"enable": True, "timeoutSeconds": drain.timeout_seconds, "force": drain.force, "deleteEmptyDir": drain.delete_empty_dirs}


def _device_plugin_stack(args: GpuOperatorArgs) -> dict[str, Any]:
    configs = {"whole-gpus": _dump({"version": "v1", "flags": {"migStrategy": args.mig_strategy}}),
               **{name: _shared("timeSlicing", replicas) for name, replicas in args.time_slicing.items()},
               **{name: _shared("mps", replicas) for name, replicas in args.mps.items()}}
    result: dict[str, Any] = {
        "mig": {"strategy": args.mig_strategy},
        "devicePlugin": {"enabled": True, "config": _config("gpuplane-device-plugin", configs, "whole-gpus")}}
    if numbers(args.version) >= numbers(needs("dra").charts["gpu-operator"]):  # older charts have no other, and no such value
        result["clusterPolicy"] = {"deployCR": True}
    if args.mig_layouts:
        result["migManager"] = {"enabled": True, "config": _config("gpuplane-mig", {"config.yaml": _mig(args.mig_layouts)}, "all-disabled")}
    return result


def _dra_stack(dra: DraArgs) -> dict[str, Any]:
    return {"clusterPolicy": {"deployCR": False}, "gpuCluster": {"deployCR": True}, "devicePlugin": {"enabled": False},
            "migManager": {"enabled": False}, "draDriver": {"computeDomains": {"enabled": dra.compute_domains}}}


def _config(name: str, data: Mapping[str, str], default: str) -> dict[str, Any]:
    return {"create": True, "name": name, "default": default, "data": dict(sorted(data.items()))}


def _shared(how: Literal["timeSlicing", "mps"], replicas: int) -> str:
    # MPS has no failRequestsGreaterThanOne: the plugin refuses more than one replica for a pod by itself.
    block: dict[str, Any] = {"renameByDefault": False, "resources": [{"name": GPU, "replicas": replicas}]}
    if how == "timeSlicing":
        block["failRequestsGreaterThanOne"] = True
    return _dump({"version": "v1", "flags": {"migStrategy": "none"}, "sharing": {how: block}})


def _mig(layouts: Mapping[str, Mapping[str, int]]) -> str:
    # A custom ConfigMap replaces the generated one, so the layout that switches MIG off is stated again.
    configs: dict[str, Any] = {"all-disabled": [{"devices": "all", "mig-enabled": False}]}
    for name, layout in layouts.items():
        configs[name] = [{"devices": "all", "mig-enabled": True, "mig-devices": dict(sorted(layout.items()))}]
    return _dump({"version": "v1", "mig-configs": configs})


def _dump(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=True)
