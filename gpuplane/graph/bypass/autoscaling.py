"""Growth that no quota counts: autoscalers of GPU workloads that stand in no queue, or of what nobody judged."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.bypass.way import Way
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.queues import has_local_queue, queue_name
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.tenancy import home
from gpuplane.graph.workloads import gpu_workloads

_KIND = "autoscaling"
_MADE = {"Deployment": ("InferenceService", "LLMInferenceService", "SeldonDeployment", "Rollout")}
"""Kinds whose controllers make a target under a name of their own."""


def ways(graph: PlannedGraph) -> Iterator[Way]:
    """Autoscalers whose next pod takes GPUs past every queue, and autoscalers of objects that the graph does not hold."""
    unqueued = {(home(workload.view), workload.view.kind, workload.view.name): workload for workload in gpu_workloads(graph)
                if not has_local_queue(graph, workload.view.namespace, queue_name(workload.view))}
    there = {(home(view), view.kind, view.name) for view in graph.kubernetes}
    for view in graph.objects("HorizontalPodAutoscaler", "ScaledObject", "VerticalPodAutoscaler"):
        part = "targetRef" if view.kind == "VerticalPodAutoscaler" else "scaleTargetRef"
        kind, name = str(view.get("spec", part, "kind") or "Deployment"), str(view.get("spec", part, "name") or "")
        target, most = (home(view), kind, name), view.get("spec", "maxReplicas") or view.get("spec", "maxReplicaCount")
        if (workload := unqueued.get(target)) is not None:
            devices = ", ".join(f"{count} {resource}" for resource, count in workload.devices.items())
            yield Way(_KIND, "high", view, f"spec.{part}", f"{view} adds pods of {workload.view} that no queue counts.", (
                f"{view} spec.{part}: {kind} {name}, at most {most or 'any number of'} replicas",
                f"{workload.view} asks for {devices} a pod",
                f"{workload.view} metadata.labels: queue {queue_name(workload.view) or 'none'}, which no LocalQueue here is"),
                "Put the workload into a LocalQueue of its namespace.")
        elif target not in there and not _maker(graph, view, kind):
            yield Way(_KIND, "medium", view, f"spec.{part}", f"{view} scales {kind} {name}, which nobody has judged.", (
                f"{view} spec.{part}: {kind} {name}", f"no {kind} {name} in namespace {home(view)}"),
                "Declare the target here as well, or remove the autoscaler.")


def _maker(graph: PlannedGraph, view: ResourceView, kind: str) -> bool:
    """Whether something in the namespace makes targets of that kind."""
    return any(home(each) == home(view) for each in graph.objects(*_MADE.get(kind, ())))
