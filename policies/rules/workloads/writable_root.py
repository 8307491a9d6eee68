"""WS-11: what a container cannot write, nobody can change in it: neither its code nor its weights."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.security_context import of_container
from gpuplane.policies.container_rule import RequiredSettingRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_FIELD = "readOnlyRootFilesystem"


class WritableRoot(RequiredSettingRule):
    """Whoever gets into a container with a writable root replaces its code, or the weights of the model that it answers with."""

    id = "WS-11"
    title = "Every container has a read-only root file system"
    severity = "medium"
    remedy = ("Set securityContext.readOnlyRootFilesystem: true, and mount an emptyDir with a sizeLimit where the container has to write "
              "(HOME, /tmp, caches of compiled kernels).")
    references = ("NSA/CISA Kubernetes Hardening Guide v1.2: Immutable container file systems", "NIST SP 800-190 §4.4.4")

    def required(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        yield from self.demand(graph, view, container, of_container(container, _FIELD), True, _FIELD)

    PASSES = (
        Example("one directory to write", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec:
  containers:
    - {name: server, image: server, securityContext: {readOnlyRootFilesystem: true}, volumeMounts: [{name: tmp, mountPath: /tmp}]}
  volumes: [{name: tmp, emptyDir: {sizeLimit: 1Gi}}]
"""),
    )
    FAILS = (
        Example("a container that says nothing", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {containers: [{name: server, image: server}]}
""", "does not set securityContext.readOnlyRootFilesystem to true"),
    )
