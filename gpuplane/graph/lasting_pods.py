"""Pods that are meant to run for ever, with the replicas that always do: what reliability is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.replicas import Scale, scale_of
from gpuplane.graph.resource_view import ResourceView, mapping
from gpuplane.graph.serving_runtimes import effective_templates
from gpuplane.graph.wiring.index import index_of
from gpuplane.graph.wiring.pods import Pods

_KINDS = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "InferenceService", "LLMInferenceService", "LeaderWorkerSet")
_STOP = "serving.kserve.io/stop"


@dataclass(frozen=True)
class LastingPods:
    """Replicas of one template.

    Attributes:
        view, template, pods: the object, where its pod spec stands, and how others find the pods.
        scale: how many pods; of several nodes for one replica only the leaders count.
    """

    view: ResourceView
    template: PodTemplate
    pods: Pods
    scale: Scale

    @property
    def strategy(self) -> Mapping[str, Any]:
        """How a new version takes the old one's place; empty where the API's default does."""
        if self.view.kind == "InferenceService":
            return mapping(self.template.spec.get("deploymentStrategy"))
        return mapping(self.view.get("spec", "strategy" if self.view.kind == "Deployment" else "updateStrategy"))


@lru_cache(maxsize=4)
def lasting_pods(graph: PlannedGraph) -> tuple[LastingPods, ...]:
    """Every set of lasting pods, in the graph's order; canaries, workers of a group and stopped services are left out."""
    found = []
    for pods in index_of(graph).pods:
        view = pods.view
        if view.kind in _KINDS and pods.template is not None and not _is_part(view, pods.template):
            # An LLMInferenceService's pods come with templates of KServe's own, which the graph does not hold.
            template = next((each for each in effective_templates(graph, view) if each.path == pods.template.path), pods.template)
            found.append(LastingPods(view, template, pods, _scale(graph, view, template)))
    return tuple(found)


def _is_part(view: ResourceView, template: PodTemplate) -> bool:
    if str(view.annotations.get(_STOP, "")).lower() == "true" or view.get("metadata", "ownerReferences"):
        return True
    if view.kind == "LeaderWorkerSet" and template.steps[-2:] == ("workerTemplate", "spec"):
        return view.get("spec", "leaderWorkerTemplate", "leaderTemplate") is not None
    return template.steps[-1:] == ("workerSpec",) or "canary" in template.steps


def _scale(graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Scale:
    scale = scale_of(graph, view, template)
    size = view.get("spec", "leaderWorkerTemplate", "size") if view.kind == "LeaderWorkerSet" else 1
    if isinstance(size, int) and size > 1 and "leaderTemplate" not in template.steps:
        return Scale(scale.minimum // size, None if scale.maximum is None else scale.maximum // size, 0, scale.field, scale.unknown)
    return scale
