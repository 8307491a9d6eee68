"""QF-14: two half-started models hold each other's GPUs, and neither ever starts."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.device_pools import device_pools
from gpuplane.graph.placement import candidates
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import TEMPLATE_KINDS, PodTemplate
from gpuplane.graph.queues import queue_name
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.serving_runtimes import effective_templates
from gpuplane.graph.workloads import devices_of
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.vocabulary import QUEUE_NAME, TOPOLOGY_REQUEST

_GANGS = ("scheduling.k8s.io/group-name", "scheduling.x-k8s.io/pod-group", "pod-group.scheduling.sigs.k8s.io/name")
"""Labels or annotations of pods that a gang scheduler (Volcano, the coscheduling plugin) reads."""
_SCHEDULERS = ("volcano", "yunikorn", "kai-scheduler", "scheduler-plugins-scheduler")
_WORKERS = ("workerSpec", "worker", "workerTemplate", "workerGroupSpecs")


class HalfGroups(Rule):
    """A model over several nodes needs all of its pods at once; the plain scheduler starts those that fit, and they wait for ever.

    Such pods are in a Kueue queue, which admits a group whole, or have a gang scheduler; and where their nodes have a topology, they say
    which part of it they want to share.
    """

    id = "QF-14"
    title = "Models over several nodes start all at once, and say how near they must stand"
    severity = "medium"
    remedy = "Give the service a queue, and placement.topology where the pool declares one."
    references = ("Kueue documentation: All-or-nothing scheduling", "Kueue documentation: Topology Aware Scheduling",
                  "Volcano documentation: PodGroup")
    scope = "platform"
    looks_at = "tenant"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.kubernetes:
            templates = () if view.kind in TEMPLATE_KINDS else effective_templates(graph, view)
            workers = [each for each in templates if set(each.steps) & set(_WORKERS) and devices_of(each)]
            if workers:
                yield from self._group(graph, view, workers)

    def _group(self, graph: PlannedGraph, view: ResourceView, workers: list[PodTemplate]) -> Iterator[Finding]:
        for template in workers:
            worn = {**template.labels, **template.annotations}
            grouped = any(key in worn or key in view.annotations for key in _GANGS)
            gang = queue_name(view) or worn.get(QUEUE_NAME) or grouped
            if not gang and template.spec.get("schedulerName") not in _SCHEDULERS:
                yield self.fail(
                    graph, view, f"Nothing starts the pods of {view} all at once: two such groups may each hold half of the GPUs.",
                                template.path)
            wanted = any(TOPOLOGY_REQUEST.format(how=how) in worn for how in ("required", "preferred"))
            for pool in candidates(template, device_pools(graph), next(iter(devices_of(template)))):
                if not wanted and pool.view.kind == "ResourceFlavor" and pool.view.get("spec", "topologyName") is not None:
                    yield self.fail(graph, view, f"Flavor {pool.name} has a topology, and the pods of {view} do not say how near they must "
                                                 "stand to each other.", template.path)

    PASSES = (
        Example("a group in a queue", """
apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
metadata: {name: large, namespace: support, labels: {kueue.x-k8s.io/queue-name: gpu}}
spec:
  leaderWorkerTemplate:
    size: 2
    workerTemplate: {spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 8}}}]}}
"""),
    )
    FAILS = (
        Example("a group that starts pod by pod", """
apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
metadata: {name: large, namespace: support}
spec:
  leaderWorkerTemplate:
    size: 2
    workerTemplate: {spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 8}}}]}}
""", "Nothing starts the pods of LeaderWorkerSet support/large all at once"),
        Example("nodes with a topology that nobody asks for", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100, annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/gpu": 8}'}}
spec: {topologyName: blocks}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: large, namespace: support, labels: {kueue.x-k8s.io/queue-name: gpu}}
spec:
  predictor:
    model: {modelFormat: {name: huggingface}, resources: {limits: {nvidia.com/gpu: 8}}}
    workerSpec: {pipelineParallelSize: 2, containers: [{name: worker-container, resources: {limits: {nvidia.com/gpu: 8}}}]}
""", "Flavor h100 has a topology, and the pods of InferenceService support/large do not say how near"),
    )
