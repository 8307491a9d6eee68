"""RE-06: GPUs are never spare, so an update that waits for some deadlocks, and one that waits for none is an outage."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.device_pools import device_pools
from gpuplane.graph.lasting_pods import LastingPods, lasting_pods
from gpuplane.graph.placement import candidates
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.queues import queue_of
from gpuplane.graph.replicas import unavailable
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule


class UnsafeRollouts(Rule):
    """An update must neither take all replicas of a production service at once, nor wait for GPUs that there are not.

    Surge pods beside all running ones must fit the nodes where no replica may be missing; what the tenant's quota says is judged by QF-04.
    """

    id = "RE-06"
    title = "Updates of GPU services keep replicas up, and find the GPUs they need"
    severity = "high"
    remedy = "Set rollout.max_unavailable below min_replicas, and max_surge 0 with max_unavailable 1 where there are no spare GPUs."
    references = ("Kubernetes documentation: Deployments, Rolling Update Deployment",)
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for lasting in lasting_pods(graph):
            if lasting.pods.devices and lasting.view.kind in ("Deployment", "InferenceService"):
                yield from self._missing(graph, lasting)
                yield from self._deadlock(graph, lasting)

    def _missing(self, graph: PlannedGraph, lasting: LastingPods) -> Iterator[Finding]:
        view, least = lasting.view, lasting.scale.minimum
        gone, field = unavailable(lasting.strategy, least), f"{lasting.template.path}: maxUnavailable"
        if gone is None:
            yield self.unknown(graph, view, f"How many replicas an update of {view} takes is only known after apply.", field)
        elif least and gone >= least and graph.in_production(view):
            yield self.fail(graph, view, f"An update of {view} may take {gone} of the {least} replicas that always run at once.", field)

    def _deadlock(self, graph: PlannedGraph, lasting: LastingPods) -> Iterator[Finding]:
        view, scale = lasting.view, lasting.scale
        if not scale.surge or scale.maximum is None or unavailable(lasting.strategy, scale.maximum) != 0 or queue_of(graph, view):
            return
        for resource, each in lasting.pods.devices.items():
            pools = candidates(lasting.template, device_pools(graph), resource)
            there = [pool.capacity(resource) for pool in pools]
            needed, most = (scale.maximum + scale.surge) * each, sum(count or 0 for count in there)
            if pools and None not in there and needed > most:
                yield self.fail(graph, view, f"An update of {view} at {scale.maximum} replicas waits for {scale.surge} more, {needed} "
                                             f"{resource} together, but its nodes can only ever have {most}.",
                                f"{lasting.template.path}: maxSurge")

    PASSES = (
        Example("one after the other", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/environment: prod}}
spec:
  predictor:
    minReplicas: 2
    deploymentStrategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}
    model: {modelFormat: {name: vLLM}, resources: {limits: {nvidia.com/gpu: 1}}}
"""),
    )
    FAILS = (
        Example("all at once", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/environment: prod}}
spec:
  replicas: 2
  strategy: {type: Recreate}
  template: {spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}}
""", "An update of Deployment support/chat may take 2 of the 2 replicas that always run at once"),
        Example("no spare GPU for the surge", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata:
  name: h100
  annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/gpu": 8}', gpuplane.dev/max-nodes: "1"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support}
spec:
  replicas: 2
  strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  template: {spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 4}}}]}}
""", "waits for 1 more, 12 nvidia.com/gpu together, but its nodes can only ever have 8"),
    )
