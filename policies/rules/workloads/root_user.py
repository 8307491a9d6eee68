"""WS-07: user 0 is root, whoever else is promised."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.security_context import in_user_namespace, written
from gpuplane.policies.container_rule import PodRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example


class RootUser(PodRule):
    """A container that is started as user 0 is root on its node once it gets out; with ``runAsNonRoot`` it does not even start."""

    id = "WS-07"
    title = "No container is started as user 0"
    severity = "high"
    remedy = "Set securityContext.runAsUser to a user of the image that is not 0, or leave it out."
    references = ("Kubernetes Pod Security Standards, Restricted: Running as Non-root user",)
    effective = False

    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        if not in_user_namespace(template):
            yield from self.forbid(graph, view, written(template, "runAsUser"), lambda value: "sets runAsUser to 0" if value == 0 else "")

    PASSES = (
        Example("a user of its own", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {securityContext: {runAsUser: 1000}, containers: [{name: server, image: server}]}
"""),
    )
    FAILS = (
        Example("root for all containers", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {securityContext: {runAsUser: 0}, containers: [{name: server, image: server}]}
""", "The pod spec of Pod server sets runAsUser to 0"),
        Example("the model server alone", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}, securityContext: {runAsUser: 0}}}}
""", "Container kserve-container"),
    )
