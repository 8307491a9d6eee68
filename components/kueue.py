"""Kueue as a pinned Helm release, configured so that it queues what bears a queue's name in tenants' namespaces.

The chart takes its configuration as one string that replaces the whole default, so everything is stated
(``charts/kueue/values.yaml`` and ``apis/config/v1beta2`` of v0.19.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pulumi
import yaml

from gpuplane.components.helm_release import ChartArgs, helm_release, with_further
from gpuplane.components.kubernetes_object import child_options
from gpuplane.planning.cohorts.workloads import FAIR_STRATEGIES
from gpuplane.spec.vocabulary import GPU, GPU_DEVICE_CLASS, TENANT

CHART = "oci://registry.k8s.io/kueue/charts/kueue"
NAMESPACE = "kueue-system"
FRAMEWORKS = ("batch/job", "deployment", "jobset.x-k8s.io/jobset", "leaderworkerset.x-k8s.io/leaderworkerset", "pod",
              "ray.io/raycluster", "ray.io/rayjob", "ray.io/rayservice", "statefulset", "trainer.kubeflow.org/trainjob")
"""Workload kinds that Kueue queues."""
FAIR_SHARING: Mapping[str, list[str]] = MappingProxyType({"preemptionStrategies": list(FAIR_STRATEGIES)})
"""The block ``fairSharing``, which the plan's model of Kueue has too."""
UNCOUNTED = ("ephemeral-storage", "hugepages-", "rdma/", "vpc.amazonaws.com/")
"""Resources that no quota is of: without this list a pod that asks for one would never be admitted."""


@dataclass(frozen=True)
class AdmissionFairSharingArgs:
    """LocalQueues of a ClusterQueue take turns by past usage of the ``devices`` (CPU and memory weigh nothing)."""

    usage_half_life_hours: int = 168
    sampling_interval_seconds: int = 300
    devices: tuple[str, ...] = (GPU,)


@dataclass(frozen=True)
class KueueArgs:
    """The release, and what Kueue does.

    Attributes:
        version: chart version (no ``v``).
        replicas: controllers, one of which leads.
        prometheus_namespace: namespace of the Prometheus that may scrape it; None: nobody.
        fair_sharing: cohorts share by weight.
        admission_fair_sharing: LocalQueues share by past usage.
        dra: charge claims of NVIDIA's DRA driver as ``nvidia.com/gpu``.
        further: further values of the chart.
    """

    version: str
    replicas: int = 2
    prometheus_namespace: str | None = None
    fair_sharing: bool = False
    admission_fair_sharing: AdmissionFairSharingArgs | None = None
    dra: bool = False
    further: Mapping[str, Any] = field(default_factory=dict)


class Kueue(pulumi.ComponentResource):
    """Kueue's Helm release. Deleting it deletes every queue: its CRDs are templates of the chart."""

    def __init__(self, name: str, args: KueueArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:Kueue", name, {"version": args.version}, opts)
        helm_release("kueue", ChartArgs(CHART, args.version, NAMESPACE), with_further(values(args), args.further),
                     child_options(self, opts))
        self.register_outputs({"version": args.version})


def values(args: KueueArgs) -> dict[str, Any]:
    """The chart's values."""
    result: dict[str, Any] = {
        "enablePrometheus": args.prometheus_namespace is not None,
        "controllerManager": {"replicas": args.replicas},
        "managerConfig": {"controllerManagerConfigYaml": yaml.safe_dump(configuration(args), sort_keys=True)}}
    if args.replicas > 1:
        result["controllerManager"]["podDisruptionBudget"] = {"enabled": True, "minAvailable": 1}
    if args.prometheus_namespace is not None:
        result["metrics"] = {"prometheusNamespace": args.prometheus_namespace}
    return result


def configuration(args: KueueArgs) -> dict[str, Any]:
    """Kueue's Configuration (``config.kueue.x-k8s.io/v1beta2``)."""
    return {
        **_sharing(args),
        "apiVersion": "config.kueue.x-k8s.io/v1beta2", "kind": "Configuration",
        "health": {"healthProbeBindAddress": ":8081"}, "webhook": {"port": 9443},
        "metrics": {"bindAddress": ":8443", "enableClusterQueueResources": True},
        "leaderElection": {"leaderElect": True, "resourceName": "c1f6bfd2.kueue.x-k8s.io"},
        "controller": {"groupKindConcurrency": {
            "ClusterQueue.kueue.x-k8s.io": 1, "Cohort.kueue.x-k8s.io": 1, "Job.batch": 5, "LocalQueue.kueue.x-k8s.io": 1,
            "Pod": 5, "ResourceFlavor.kueue.x-k8s.io": 1, "Workload.kueue.x-k8s.io": 5}},
        "clientConnection": {"burst": 100, "qps": 50},
        "manageJobsWithoutQueueName": False,
        "managedJobsNamespaceSelector": {"matchExpressions": [{"key": TENANT, "operator": "Exists"}]},
        "integrations": {"frameworks": list(FRAMEWORKS)},
        "resources": _resources(args.dra),
    }


def _sharing(args: KueueArgs) -> dict[str, Any]:
    """The blocks ``fairSharing`` and ``admissionFairSharing``: their presence switches them on."""
    result: dict[str, Any] = {}
    if args.fair_sharing:
        result["fairSharing"] = dict(FAIR_SHARING)
    fair = args.admission_fair_sharing
    if fair is not None:
        result["admissionFairSharing"] = {
            "usageHalfLifeTime": f"{fair.usage_half_life_hours}h", "usageSamplingInterval": f"{fair.sampling_interval_seconds}s",
            "resourceWeights": {"cpu": 0, "memory": 0, **dict.fromkeys(sorted(fair.devices), 1)}}
    return result


def _resources(dra: bool) -> dict[str, Any]:
    # Not IgnoreUndeclared: a tenant could take GPUs of a type that its queue has no quota of, and nobody would count them.
    result: dict[str, Any] = {"quotaCheckStrategy": "BlockUndeclared", "excludeResourcePrefixes": list(UNCOUNTED)}
    if dra:
        result["deviceClassMappings"] = [{"name": GPU, "deviceClassNames": [GPU_DEVICE_CLASS]}]
    return result
