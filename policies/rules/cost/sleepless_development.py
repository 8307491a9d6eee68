"""CB-07: a GPU that waits for developers waits two nights of three for nobody."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.workloads import Workload, gpu_workloads
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_SCHEDULES = ("downscaler/uptime", "downscaler/downtime", "downscaler/downscale-period", "janitor/ttl", "janitor/expires",
              "knative.dev/expires")
"""Annotations by which known controllers stop or delete things: kube-downscaler, kube-janitor."""


class SleeplessDevelopment(Rule):
    """Working hours are 50 of the week's 168: GPUs of a development environment that never stop cost three times what is used.

    A service scales to zero, stands in a namespace with a schedule, or says when it ends. policies.development says whether an environment
    is one; else its name does.
    """

    id = "CB-07"
    title = "GPUs of development environments stop when nobody works"
    severity = "high"
    remedy = "Set min_replicas to 0 with scale_to_zero (working_hours or wake_query), or a schedule or end on its namespace."
    references = ("FinOps Framework: Workload Optimization", "KEDA documentation: Cron scaler")
    scope = "platform"
    looks_at = "tenant"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for workload in gpu_workloads(graph):
            view = workload.view
            if workload.batch or not graph.in_development(view) or _ends(graph, view):
                continue
            if workload.unknown:
                yield self.unknown(graph, view, f"Whether {view} ever stops is only known after apply.", workload.unknown[0])
            elif workload.scale.minimum > 0:
                yield self.fail(graph, view, f"{view} of a development environment keeps {_gpus(workload)} day and night.",
                                workload.scale.field.replace("maxReplicas", "minReplicas"))

    PASSES = (
        Example("working hours", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/environment: dev}}
spec: {template: {spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: chat, namespace: support}
spec:
  scaleTargetRef: {name: chat}
  minReplicaCount: 0
  triggers: [{type: cron, metadata: {timezone: Europe/Berlin, start: 0 7 * * 1-5, end: 0 20 * * 1-5, desiredReplicas: "1"}}]
"""),
        Example("a namespace that ends", """
apiVersion: v1
kind: Namespace
metadata: {name: pr-42, labels: {gpuplane.dev/environment: preview}, annotations: {janitor/ttl: 2d}}
---
apiVersion: v1
kind: Pod
metadata: {name: chat, namespace: pr-42}
spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}
"""),
    )
    FAILS = (
        Example("one replica, always", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/environment: dev}}
spec: {predictor: {minReplicas: 1, model: {modelFormat: {name: vLLM}, resources: {limits: {nvidia.com/gpu: 2}}}}}
""", "InferenceService support/chat of a development environment keeps 2 nvidia.com/gpu day and night"),
    )


def _ends(graph: PlannedGraph, view: ResourceView) -> bool:
    said = [view, *([space] if (space := graph.namespaces.get(view.namespace)) is not None else [])]
    return any(key in each.annotations or key in each.labels for each in said for key in _SCHEDULES)


def _gpus(workload: Workload) -> str:
    return ", ".join(f"{count * workload.scale.minimum} {name}" for name, count in workload.devices.items())
