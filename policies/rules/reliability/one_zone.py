"""RE-04: replicas that stand in one zone go together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gpuplane.graph.lasting_pods import LastingPods, lasting_pods
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import Unknown, items, lookup
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_ZONE = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/region")


class OneZone(Rule):
    """Zones of a region fail one at a time; replicas that are spread over them outlive it.

    The scheduler's own default spreads over zones, too, but a pod that writes any constraint, for nodes only, loses it. What KServe
    makes of an LLMInferenceService is not in the graph and is not judged.
    """

    id = "RE-04"
    title = "Replicas in production are spread over zones"
    severity = "medium"
    remedy = "Add zone to disruption.spread, or a topologySpreadConstraint (or pod anti-affinity) with topology.kubernetes.io/zone."
    references = ("Kubernetes documentation: Pod Topology Spread Constraints, Cluster-level default constraints",
                  "Polaris: topologySpreadConstraint", "AWS Well-Architected REL10-BP01")
    scope = "platform"
    looks_at = "tenant"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for lasting in lasting_pods(graph):
            view, template = lasting.view, lasting.template
            if view.kind == "LLMInferenceService" or lasting.scale.minimum < 2 or not graph.in_production(view):
                continue
            keys = list(_keys(lasting))
            if any(isinstance(key, Unknown) for key in keys):
                yield self.unknown(graph, view, f"Over what {view} is spread is only known after apply.", template.path)
            elif not any(key in _ZONE for key in keys):
                how = f"over {', '.join(sorted({str(key) for key in keys}))} only" if keys else "over nothing"
                yield self.fail(graph, view, f"The {lasting.scale.minimum} replicas of {view} are spread {how}, so one zone may hold all.",
                                f"{template.path}.topologySpreadConstraints")

    PASSES = (
        Example("as far as there is room", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/environment: prod}}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: chat}}
    spec:
      containers: [{name: vllm, image: vllm}]
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: topology.kubernetes.io/zone
          whenUnsatisfiable: ScheduleAnyway
          labelSelector: {matchLabels: {app: chat}}
"""),
    )
    FAILS = (
        Example("over nodes only", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/environment: prod}}
spec:
  predictor:
    minReplicas: 2
    model: {modelFormat: {name: vLLM}}
    topologySpreadConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway}]
""", "The 2 replicas of InferenceService support/chat are spread over kubernetes.io/hostname only"),
        Example("over nothing", """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store, namespace: support, labels: {gpuplane.dev/environment: prod}}
spec: {replicas: 3, template: {spec: {containers: [{name: store, image: store}]}}}
""", "are spread over nothing"),
    )


def _keys(lasting: LastingPods) -> Iterator[Any]:
    spec = lasting.template.spec
    for constraint in items(spec.get("topologySpreadConstraints")):
        yield lookup(constraint, "topologyKey")
    anti = lookup(spec, "affinity", "podAntiAffinity")
    for term in items(lookup(anti, "requiredDuringSchedulingIgnoredDuringExecution")):
        yield lookup(term, "topologyKey")
    for weighted in items(lookup(anti, "preferredDuringSchedulingIgnoredDuringExecution")):
        yield lookup(weighted, "podAffinityTerm", "topologyKey")
