"""QF-09: GPUs are handed out whole, and a request that is not the limit is refused."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer, PodTemplate
from gpuplane.graph.quantities import plain, quantity
from gpuplane.graph.resource_view import ResourceView, lookup, mapping
from gpuplane.policies.container_rule import ContainerRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example
from gpuplane.spec.vocabulary import is_device_resource


class BrokenGpuRequests(ContainerRule):
    """The API server refuses pods whose GPU request differs from the limit or is a fraction: a Deployment is taken, and has no pods.

    That CPU and memory keep the proportion of the node is judged by the plan.
    """

    id = "QF-09"
    title = "GPUs are requested whole, and the request is the limit"
    severity = "medium"
    remedy = "Write a whole number in resources.limits, and the same or nothing in resources.requests; share GPUs by MIG."
    references = ("Kubernetes documentation: Schedule GPUs", "Kubernetes documentation: Extended resources")

    def container(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        requests, limits = (mapping(lookup(container.spec, "resources", part)) for part in ("requests", "limits"))
        for name in sorted({str(key) for key in (*requests, *limits) if is_device_resource(str(key))}):
            field, named = f"{container.path}.resources", f"Container {container.name} of {view}"
            yield from self.doubt(graph, view, f"How many {name} container {container.name}", field, requests.get(name), limits.get(name))
            asked, most = quantity(requests.get(name)), quantity(limits.get(name))
            if any(amount is not None and amount % 1 for amount in (asked, most)):
                yield self.fail(graph, view, f"{named} asks for a fraction of a {name} ({plain(asked or most or 0)}).", field)
            elif limits.get(name) is None:
                yield self.fail(graph, view, f"{named} requests {requests[name]} {name} and sets no limit.", field)
            elif asked is not None and most is not None and asked != most:
                yield self.fail(graph, view, f"{named} requests {plain(asked)} {name} with a limit of {plain(most)}.", field)

    PASSES = (
        Example("a limit is the request as well", """
apiVersion: v1
kind: Pod
metadata: {name: chat}
spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 2}}}]}
"""),
    )
    FAILS = (
        Example("half a GPU", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support}
spec: {template: {spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 500m}}}]}}}
""", "asks for a fraction of a nvidia.com/gpu (0.5)"),
        Example("more than is requested", """
apiVersion: v1
kind: Pod
metadata: {name: chat}
spec:
  containers: [{name: vllm, image: vllm, resources: {requests: {nvidia.com/gpu: 1}, limits: {nvidia.com/gpu: 2}}}]
""", "requests 1 nvidia.com/gpu with a limit of 2"),
        Example("a request alone", """
apiVersion: v1
kind: Pod
metadata: {name: chat}
spec: {containers: [{name: vllm, image: vllm, resources: {requests: {nvidia.com/gpu: 1}}}]}
""", "requests 1 nvidia.com/gpu and sets no limit"),
    )
