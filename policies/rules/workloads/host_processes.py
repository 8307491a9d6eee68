"""WS-17: a HostProcess container is a process of its Windows node."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.security_context import written
from gpuplane.policies.container_rule import PodRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example


class HostProcesses(PodRule):
    """On Windows nodes ``hostProcess`` is what ``privileged`` is on Linux: the container is on the node, with its rights."""

    id = "WS-17"
    title = "No container is a HostProcess of Windows"
    severity = "high"
    remedy = "Remove securityContext.windowsOptions.hostProcess."
    references = ("Kubernetes Pod Security Standards, Baseline: HostProcess", "CIS Kubernetes Benchmark v1.12 5.2.11")
    effective = False

    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        yield from self.forbid(graph, view, written(template, "windowsOptions", "hostProcess"),
                               lambda value: "sets windowsOptions.hostProcess" if value is not False else "")

    PASSES = (
        Example("it is switched off", """
apiVersion: v1
kind: Pod
metadata: {name: agent}
spec: {securityContext: {windowsOptions: {hostProcess: false}}, containers: [{name: agent, image: agent}]}
"""),
    )
    FAILS = (
        Example("a whole pod", """
apiVersion: v1
kind: Pod
metadata: {name: agent}
spec: {securityContext: {windowsOptions: {hostProcess: true}}, containers: [{name: agent, image: agent}]}
""", "The pod spec of Pod agent sets windowsOptions.hostProcess"),
    )
