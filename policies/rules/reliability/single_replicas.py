"""RE-01: what runs once is gone whenever its node is."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.lasting_pods import lasting_pods
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_ONE_IS_RIGHT = ("StatefulSet",)
"""A database is not made reliable by a second pod."""
_ENOUGH = 2


class SingleReplicas(Rule):
    """With one replica every drain, crash, update and lost node is an outage, and a GPU node takes minutes to come back.

    Judged is what always runs: the minimum of an autoscaler, not its maximum. A StatefulSet counts where it holds GPUs.
    """

    id = "RE-01"
    title = "What serves in production has at least two replicas"
    severity = "high"
    remedy = "Set min_replicas to 2 or more; an environment that is no production says so: policies.production: false."
    references = ("Amazon EKS Best Practices Guide: Reliability, Run multiple replicas", "Polaris: deploymentMissingReplicas")
    scope = "platform"
    looks_at = "tenant"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for lasting in lasting_pods(graph):
            view, scale = lasting.view, lasting.scale
            if not graph.in_production(view) or (view.kind in _ONE_IS_RIGHT and not lasting.pods.devices):
                continue
            if scale.unknown:
                yield self.unknown(graph, view, f"How many replicas of {view} always run is only known after apply.", scale.unknown[0])
            elif scale.minimum < _ENOUGH:
                yield self.fail(graph, view, f"{view} serves in production with {scale.minimum or 'no'} replica that always runs.",
                                scale.field.replace("maxReplicas", "minReplicas"))

    PASSES = (
        Example("two replicas, by an autoscaler's minimum", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/environment: prod}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support}
spec: {template: {spec: {containers: [{name: vllm, image: vllm}]}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: chat, namespace: support}
spec: {scaleTargetRef: {kind: Deployment, name: chat}, minReplicas: 2, maxReplicas: 4}
"""),
        Example("one is enough outside production", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/environment: dev}}
spec: {template: {spec: {containers: [{name: vllm, image: vllm}]}}}
"""),
    )
    FAILS = (
        Example("a model that may shrink to one replica", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/environment: production}}
spec: {predictor: {minReplicas: 1, maxReplicas: 8, model: {modelFormat: {name: vLLM}}}}
""", "InferenceService support/chat serves in production with 1 replica that always runs"),
        Example("the default is one", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/environment: live}}
spec: {template: {spec: {containers: [{name: vllm, image: vllm}]}}}
""", "Deployment support/chat serves in production with 1 replica"),
    )
