"""A KEDA ScaledObject for one service: replicas follow the load that the engine itself reports, down to none where that is asked for.

KServe leaves an InferenceService alone whose autoscaler class is ``external``, and an LLMInferenceService that says neither ``replicas``
nor ``scaling``; one autoscaler then moves what runs its pods, not two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata
from gpuplane.spec.vocabulary import SCALED_OBJECT, SOURCE, TENANT

POLLING_SECONDS = 15
WAKING = "wake"
"""Name of the trigger that brings a service back from no replicas."""


@dataclass(frozen=True)
class PrometheusTrigger:
    """One query, and its value for one replica.

    Attributes:
        name: of the trigger, unique in the service.
        query: PromQL with one value: the load of the whole service.
        threshold: load of one replica; replicas = load ÷ threshold.
    """

    name: str
    query: str
    threshold: str


@dataclass(frozen=True)
class CronTrigger:
    """Hours at which it runs, as cron expressions in a time zone, with ``replicas`` at least."""

    start: str
    end: str
    timezone: str
    replicas: int = 1


@dataclass(frozen=True)
class AutoscalerArgs:
    """How one workload is scaled.

    Attributes:
        name, namespace: of the ScaledObject.
        workload: what it scales, of ``kind`` and ``api_version``: a Deployment, or a LeaderWorkerSet whose replicas are groups of pods.
        min_replicas, max_replicas: bounds; min_replicas 0: down to none.
        prometheus_url: where queries go.
        triggers: loads, in order.
        cron: hours at which it runs; None: any.
        idle_seconds: how long nothing asks for it before the last replica goes.
        scale_down_seconds: how long the load has to be lower before a replica goes.
        source: document that asked for it, for reports.
    """

    name: str
    namespace: str
    workload: str
    min_replicas: int
    max_replicas: int
    prometheus_url: str
    triggers: tuple[PrometheusTrigger, ...]
    cron: CronTrigger | None = None
    idle_seconds: int = 1800
    scale_down_seconds: int = 300
    kind: str = "Deployment"
    api_version: str = "apps/v1"
    source: str = ""


class Autoscaler(pulumi.ComponentResource):
    """One ScaledObject."""

    def __init__(self, name: str, args: AutoscalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:Autoscaler", name, {"name": args.name, "namespace": args.namespace}, opts)
        KubernetesObject(f"{args.namespace}-{args.name}", manifest(args), child_options(self, opts))
        self.register_outputs({"name": args.name})


def manifest(args: AutoscalerArgs) -> Manifest:
    """The ScaledObject as its API takes it."""
    behavior = {"scaleDown": {"stabilizationWindowSeconds": args.scale_down_seconds,
                              "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]},
                # Loading weights takes minutes: more at once than are needed would be paid for before they serve.
                "scaleUp": {"stabilizationWindowSeconds": 0, "policies": [{"type": "Percent", "value": 100, "periodSeconds": 60}]}}
    spec: dict[str, Any] = {
        "scaleTargetRef": {"apiVersion": args.api_version, "kind": args.kind, "name": args.workload},
        "minReplicaCount": args.min_replicas, "maxReplicaCount": args.max_replicas,
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior}},
        "triggers": [*(_prometheus(args, trigger) for trigger in args.triggers), *([_cron(args.cron)] if args.cron else [])]}
    if args.min_replicas == 0:
        spec |= {"pollingInterval": POLLING_SECONDS, "cooldownPeriod": args.idle_seconds}
    else:
        # Where Prometheus is gone the service keeps what it has: the least it may have would drop its load.
        spec["fallback"] = {"failureThreshold": 4, "replicas": args.min_replicas, "behavior": "currentReplicasIfHigher"}
    return {"apiVersion": SCALED_OBJECT, "kind": "ScaledObject",
            "metadata": metadata(args.name, args.namespace, {TENANT: args.namespace}, {SOURCE: args.source} if args.source else None),
            "spec": spec}


def _prometheus(args: AutoscalerArgs, trigger: PrometheusTrigger) -> Mapping[str, Any]:
    # A replica that always runs always has figures: none at all is a failure, and no load of 0. At no replica it is one.
    said: dict[str, str] = {"serverAddress": args.prometheus_url, "query": trigger.query, "threshold": trigger.threshold,
                            "ignoreNullValues": "true" if args.min_replicas == 0 else "false"}
    if trigger.name == WAKING:
        said["activationThreshold"] = "0"
    return {"type": "prometheus", "name": trigger.name, "metricType": "AverageValue", "metadata": said}


def _cron(cron: CronTrigger) -> Mapping[str, Any]:
    return {"type": "cron", "name": WAKING, "metadata": {
        "start": cron.start, "end": cron.end, "timezone": cron.timezone, "desiredReplicas": str(cron.replicas)}}
