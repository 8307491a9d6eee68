"""RE-07: an autoscaler that cannot scale looks like one that need not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.quantities import quantity
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup
from gpuplane.graph.tenancy import home
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_HPA, _KEDA = "HorizontalPodAutoscaler", "ScaledObject"
_BOUNDS = {_HPA: ("minReplicas", 1, "maxReplicas", None), _KEDA: ("minReplicaCount", 0, "maxReplicaCount", 100)}
"""Fields and defaults (autoscaling/v2; KEDA v2 ScaledObject)."""


class BrokenAutoscalers(Rule):
    """Bounds that leave no room, nothing to scale by, or two that pull at one workload: found out when the load comes.

    Whether the target and the metrics exist is judged by RE-08 and the WI rules.
    """

    id = "RE-07"
    title = "Autoscalers have room, a reason to scale, and a workload to themselves"
    severity = "medium"
    remedy = "Let the maximum exceed the minimum, name a metric with its target, and remove replicas and a second autoscaler."
    references = ("Kubernetes documentation: Horizontal Pod Autoscaling", "KEDA documentation: ScaledObject specification",
                  "Gatekeeper library: horizontalpodautoscaler", "KubeLinter: dangling-horizontalpodautoscaler")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        targets: dict[tuple[str, str, str], list[ResourceView]] = defaultdict(list)
        for view in graph.objects(_HPA, _KEDA):
            yield from self._bounds(graph, view)
            yield from self._reasons(graph, view)
            targets[home(view), str(view.get("spec", "scaleTargetRef", "kind") or "Deployment"),
                    str(view.get("spec", "scaleTargetRef", "name"))].append(view)
        for (namespace, kind, name), found in sorted(targets.items()):
            for rival in found[1:]:
                yield self.fail(graph, rival, f"{rival} and {found[0]} both scale {kind} {namespace}/{name}.", "spec.scaleTargetRef")
            for target in graph.objects(kind):
                if (home(target), target.name) == (namespace, name) and target.get("spec", "replicas") is not None:
                    yield self.fail(graph, target, f"{target} writes its replicas, so each apply undoes what {found[0]} has decided.",
                                    "spec.replicas")

    def _bounds(self, graph: PlannedGraph, view: ResourceView) -> Iterator[Finding]:
        low_key, low_default, high_key, high_default = _BOUNDS[view.kind]
        low, high = (_count(view.get("spec", key), default) for key, default in ((low_key, low_default), (high_key, high_default)))
        if isinstance(low, Unknown) or isinstance(high, Unknown):
            yield self.unknown(graph, view, f"How far {view} scales is only known after apply.", f"spec.{high_key}")
        elif high is None or low is None:
            yield self.fail(graph, view, f"{view} has no {high_key if high is None else low_key} that is a number.", f"spec.{high_key}")
        elif low >= high:
            yield self.fail(graph, view, f"{view} scales from {low} to {high}, so never.", f"spec.{high_key}")
        idle = view.get("spec", "idleReplicaCount") if view.kind == _KEDA else None
        if isinstance(idle, int) and isinstance(low, int) and idle >= low:
            yield self.fail(graph, view, f"{view} idles at {idle}, which must be fewer than its minimum {low}.", "spec.idleReplicaCount")

    def _reasons(self, graph: PlannedGraph, view: ResourceView) -> Iterator[Finding]:
        field = "triggers" if view.kind == _KEDA else "metrics"
        written = view.get("spec", field)
        if view.kind == _KEDA and not isinstance(written, Unknown) and not items(written):
            yield self.fail(graph, view, f"{view} has no trigger, so it never scales.", "spec.triggers")
        for index, metric in enumerate(items(written) if view.kind == _HPA else []):
            kind = str(lookup(metric, "type") or "")
            part = lookup(metric, kind[:1].lower() + kind[1:])
            target = lookup(part, "target")
            goals = [lookup(target, key) for key in ("averageUtilization", "averageValue", "value")]
            old = [lookup(part, key) for key in ("targetAverageUtilization", "targetAverageValue", "targetValue")]
            if not any(isinstance(goal, Unknown) or quantity(goal) for goal in (*goals, *old)):
                yield self.fail(graph, view, f"Metric {index} of {view} has no target above 0.", f"spec.metrics[{index}]")

    PASSES = (
        Example("room to scale, and a target", """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 6
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
"""),
    )
    FAILS = (
        Example("no room", """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec: {scaleTargetRef: {kind: Deployment, name: web}, minReplicas: 4, maxReplicas: 4}
""", "scales from 4 to 4, so never"),
        Example("no trigger", """
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: chat, namespace: support}
spec: {scaleTargetRef: {name: chat-predictor}, minReplicaCount: 1, maxReplicaCount: 4, triggers: []}
""", "has no trigger, so it never scales"),
        Example("a metric without a target", """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec: {scaleTargetRef: {kind: Deployment, name: web}, maxReplicas: 4, metrics: [{type: Resource, resource: {name: cpu}}]}
""", "Metric 0 of HorizontalPodAutoscaler shop/web has no target above 0"),
        Example("two autoscalers, and replicas besides", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {replicas: 3, template: {spec: {containers: [{name: web, image: web}]}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec: {scaleTargetRef: {kind: Deployment, name: web}, maxReplicas: 4}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web, namespace: shop}
spec: {scaleTargetRef: {name: web}, triggers: [{type: cron}]}
""", "ScaledObject shop/web and HorizontalPodAutoscaler shop/web both scale Deployment shop/web"),
    )


def _count(value: Any, default: int | None) -> Any:
    """A bound as a number; unknown and None stay what they are."""
    if isinstance(value, Unknown):
        return value
    number = quantity(default if value is None else value)
    return None if number is None else int(number)
