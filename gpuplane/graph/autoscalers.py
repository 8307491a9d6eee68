"""How far autoscalers may take a workload: their bounds win over the replicas written in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView


@dataclass(frozen=True)
class Bounds:
    """Replicas at least and at most, as they are written (maybe unknown), and the autoscaler that says so."""

    minimum: Any
    maximum: Any
    view: ResourceView


_FIELDS = {"HorizontalPodAutoscaler": ("minReplicas", 1, "maxReplicas", 1),
           "ScaledObject": ("minReplicaCount", 0, "maxReplicaCount", 100)}
"""Fields and defaults (autoscaling/v2; KEDA v2 ``ScaledObject``)."""


def bounds_of(graph: PlannedGraph, namespace: str, kind: str, name: str) -> Bounds | None:
    """Bounds of the autoscaler whose target is this object; None where the graph has none."""
    return _targets(graph).get((namespace, kind, name))


@lru_cache(maxsize=4)
def _targets(graph: PlannedGraph) -> Mapping[tuple[str, str, str], Bounds]:
    found = {}
    for view in graph.objects(*_FIELDS):
        low, low_default, high, high_default = _FIELDS[view.kind]
        kind = view.get("spec", "scaleTargetRef", "kind") or "Deployment"
        target = (view.namespace, str(kind), str(view.get("spec", "scaleTargetRef", "name")))
        minimum, maximum = view.get("spec", low), view.get("spec", high)
        found[target] = Bounds(low_default if minimum is None else minimum, high_default if maximum is None else maximum, view)
    return found
