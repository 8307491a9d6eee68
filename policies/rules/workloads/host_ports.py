"""WS-04: a port of the node is reachable past every Service, and only one pod can have it."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup
from gpuplane.policies.container_rule import ContainerRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example


class HostPorts(ContainerRule):
    """A port of the node is open to whoever reaches the node, whatever the Services and routes of the tenant say."""

    id = "WS-04"
    title = "No container takes a port of its node"
    severity = "high"
    remedy = "Remove hostPort and publish the port with a Service or a route."
    references = ("Kubernetes Pod Security Standards, Baseline: Host Ports", "CIS Kubernetes Benchmark v1.12 5.2.13")
    effective = False

    def container(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        named, ports = f"Container {container.name} of {view}", container.spec.get("ports")
        yield from self.doubt(graph, view, f"The ports of container {container.name}", f"{container.path}.ports", ports)
        for index, port in enumerate(items(ports)):
            value, field = lookup(port, "hostPort"), f"{container.path}.ports[{index}].hostPort"
            if isinstance(value, Unknown):
                yield self.unknown(graph, view, f"Whether {named} takes a port of its node is only known after apply.", field)
            elif value not in (None, 0):
                yield self.fail(graph, view, f"{named} takes port {value} of its node.", field)

    PASSES = (
        Example("a port of the container alone", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {containers: [{name: server, image: server, ports: [{containerPort: 8080}]}]}
"""),
    )
    FAILS = (
        Example("a worker group that takes a port of each node", """
apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
metadata: {name: chat, namespace: support}
spec:
  leaderWorkerTemplate:
    workerTemplate:
      spec: {containers: [{name: vllm, image: vllm, ports: [{containerPort: 29500, hostPort: 29500}]}]}
""", "takes port 29500 of its node"),
    )
