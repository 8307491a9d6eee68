"""WS-05: a process that may gain more rights than its parent makes every setuid binary of an image a way to root."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.security_context import of_container
from gpuplane.policies.container_rule import RequiredSettingRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_FIELD = "allowPrivilegeEscalation"


class PrivilegeEscalation(RequiredSettingRule):
    """Left out, ``allowPrivilegeEscalation`` is true: a process becomes root through any setuid binary of its image."""

    id = "WS-05"
    title = "No container lets a process gain more privileges than its parent"
    severity = "high"
    remedy = "Set securityContext.allowPrivilegeEscalation: false in every container, init and ephemeral ones too."
    references = ("Kubernetes Pod Security Standards, Restricted: Privilege Escalation", "CIS Kubernetes Benchmark v1.12 5.2.6")

    def required(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        yield from self.demand(graph, view, container, of_container(container, _FIELD), False, _FIELD)

    PASSES = (
        Example("it is switched off", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {containers: [{name: server, image: server, securityContext: {allowPrivilegeEscalation: false}}]}
"""),
        Example("the runtime of a model switches it off", """
apiVersion: serving.kserve.io/v1alpha1
kind: ClusterServingRuntime
metadata: {name: vllm}
spec: {containers: [{name: kserve-container, image: vllm, securityContext: {allowPrivilegeEscalation: false}}]}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}, runtime: vllm}}}
"""),
    )
    FAILS = (
        Example("an init container says nothing", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: gateway, namespace: support}
spec:
  template:
    spec:
      initContainers: [{name: fetch, image: fetch}]
      containers: [{name: proxy, image: proxy, securityContext: {allowPrivilegeEscalation: false}}]
""", "Container fetch of Deployment support/gateway does not set securityContext.allowPrivilegeEscalation to false"),
    )
