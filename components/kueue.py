"""Kueue as a pinned Helm release, configured so that it queues what bears a queue's name in tenants' namespaces.

The chart takes its configuration as one string that replaces the whole default, so everything is stated
(``charts/kueue/values.yaml`` of v0.19.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import yaml

from gpuplane.components.helm_release import ChartArgs, helm_release
from gpuplane.components.kubernetes_object import child_options
from gpuplane.spec.vocabulary import TENANT

CHART = "oci://registry.k8s.io/kueue/charts/kueue"
NAMESPACE = "kueue-system"
FRAMEWORKS = ("batch/job", "deployment", "jobset.x-k8s.io/jobset", "leaderworkerset.x-k8s.io/leaderworkerset", "pod",
              "ray.io/raycluster", "ray.io/rayjob", "ray.io/rayservice", "statefulset", "trainer.kubeflow.org/trainjob")
"""Workload kinds that Kueue queues."""


@dataclass(frozen=True)
class KueueArgs:
    """Chart version (no ``v``), replicas of the controller, whether Prometheus may scrape it, and whether queues share fairly."""

    version: str
    replicas: int = 2
    prometheus: bool = False
    fair_sharing: bool = False


class Kueue(pulumi.ComponentResource):
    """Kueue's Helm release. Deleting it deletes every queue: its CRDs are templates of the chart."""

    def __init__(self, name: str, args: KueueArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:Kueue", name, {"version": args.version}, opts)
        helm_release("kueue", ChartArgs(CHART, args.version, NAMESPACE), {
            "enablePrometheus": args.prometheus,
            "controllerManager": {"replicas": args.replicas},
            "managerConfig": {"controllerManagerConfigYaml": yaml.safe_dump(configuration(args.fair_sharing), sort_keys=True)},
        }, child_options(self, opts))
        self.register_outputs({"version": args.version})


def configuration(fair_sharing: bool = False) -> dict[str, Any]:
    """Kueue's Configuration (``config.kueue.x-k8s.io/v1beta2``); the block ``fairSharing`` switches fair sharing on."""
    shares = {"fairSharing": {"preemptionStrategies": ["LessThanOrEqualToFinalShare", "LessThanInitialShare"]}} if fair_sharing else {}
    return {
        **shares,
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
    }
