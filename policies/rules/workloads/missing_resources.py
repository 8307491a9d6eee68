"""WS-20: without requests and a memory limit one pod starves its neighbours, or takes its node down."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import KSERVE_GROUP, PodContainer, PodTemplate, is_patch
from gpuplane.graph.quantities import quantity
from gpuplane.graph.resource_view import ResourceView, Unknown, lookup
from gpuplane.policies.container_rule import ContainerRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_NEEDED = (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))
_LEAST_MEMORY_BYTES = 1 << 20
"""Less than this is a slip of the unit: ``400m`` of memory is 0.4 bytes."""


class MissingResources(ContainerRule):
    """A container without requests is scheduled as if it were free, and one without a memory limit can take its node down.

    All three must be written: a request that Kubernetes copies from a limit moves unseen when the limit moves.
    """

    id = "WS-20"
    title = "Every container states CPU and memory requests and a memory limit"
    severity = "high"
    remedy = "Set resources.requests.cpu, resources.requests.memory and resources.limits.memory of the container."
    references = ("NSA/CISA Kubernetes Hardening Guide v1.2: Resource policies", "Kubernetes Resource Management for Pods and Containers")

    def container(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        if container.role == "ephemeral" or (is_patch(view, container) and view.kind != "TrainJob"):
            return  # the API takes no resources for ephemeral containers; a TrainJob's trainer has its own
        missing, hidden, field = [], False, f"{container.path}.resources"
        # Kubernetes takes resources for the whole pod, too; KServe's components have no such field.
        sources = [container.spec] if view.group == KSERVE_GROUP else [container.spec, template.spec]
        for part, name in _NEEDED:
            values = [lookup(source, "resources", part, name) for source in sources]
            value = next((found for found in values if found is not None), None)
            hidden = hidden or isinstance(value, Unknown)
            amount = quantity(value)
            if not isinstance(value, Unknown) and (not amount or (name == "memory" and amount < _LEAST_MEMORY_BYTES)):
                missing.append(f"{part}.{name}" + ("" if value is None else f" ({value} is no real amount)"))
        if missing:
            yield self.fail(graph, view, f"Container {container.name} of {view} does not set {', '.join(missing)}.", field)
        elif hidden:
            yield self.unknown(
                graph, view, f"The resources of container {container.name} of {view} are only known after apply.", field)

    PASSES = (
        Example("all three are set", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec:
  containers:
    - {name: server, image: server, resources: {requests: {cpu: 500m, memory: 1Gi}, limits: {memory: 1Gi}}}
"""),
        Example("what the InferenceService leaves out, its runtime sets", """
apiVersion: serving.kserve.io/v1alpha1
kind: ClusterServingRuntime
metadata: {name: vllm}
spec:
  containers:
    - {name: kserve-container, image: vllm, resources: {requests: {cpu: "1", memory: 2Gi}, limits: {memory: 2Gi}}}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}, runtime: vllm, resources: {limits: {nvidia.com/gpu: "1"}}}}}
"""),
    )
    FAILS = (
        Example("no resources at all", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: gateway, namespace: support}
spec:
  template: {spec: {containers: [{name: proxy, image: proxy}]}}
""", "does not set requests.cpu, requests.memory, limits.memory"),
        Example("memory in thousandths of a byte", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec:
  containers:
    - {name: server, image: server, resources: {requests: {cpu: 500m, memory: 400m}, limits: {memory: 500m}}}
""", "400m is no real amount"),
        Example("a model that relies on limits alone", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}, resources: {limits: {memory: 8Gi, nvidia.com/gpu: "1"}}}}}
""", "does not set requests.cpu, requests.memory"),
    )
