"""WS-02: a pod in a namespace of its node sees, signals or answers for everything that runs there."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.policies.container_rule import PodRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_NAMESPACES = {"hostPID": "process", "hostIPC": "IPC", "hostNetwork": "network"}


class HostNamespaces(PodRule):
    """In the node's process, IPC or network namespace a pod reads other tenants' processes and shared memory, or passes by every NetworkPolicy.

    Guides for vLLM and NCCL ask for hostIPC to have a large ``/dev/shm``; an ``emptyDir`` of medium Memory gives that without it.
    """

    id = "WS-02"
    title = "No pod shares a namespace with its node"
    severity = "critical"
    remedy = "Remove hostPID, hostIPC and hostNetwork; for shared memory mount an emptyDir of medium Memory at /dev/shm."
    references = ("Kubernetes Pod Security Standards, Baseline: Host Namespaces", "CIS Kubernetes Benchmark v1.12 5.2.3-5.2.5")
    effective = False

    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        for field, namespace in _NAMESPACES.items():
            value, path = template.spec.get(field), f"{template.path}.{field}"
            yield from self.doubt(graph, view, f"Whether the pods share the {namespace} namespace of their node:", path, value)
            if not isinstance(value, Unknown) and value not in (None, False):
                yield self.fail(graph, view, f"The pods of {view} share the {namespace} namespace of their node.", path)

    PASSES = (
        Example("shared memory without the node's IPC namespace", """
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: support}
spec:
  hostIPC: false
  containers: [{name: server, image: server, volumeMounts: [{name: shm, mountPath: /dev/shm}]}]
  volumes: [{name: shm, emptyDir: {medium: Memory, sizeLimit: 8Gi}}]
"""),
    )
    FAILS = (
        Example("a predictor with the node's IPC namespace", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {hostIPC: true, model: {modelFormat: {name: vLLM}}}}
""", "share the IPC namespace"),
        Example("a job on the node's network", """
apiVersion: batch/v1
kind: Job
metadata: {name: train, namespace: support}
spec: {template: {spec: {hostNetwork: true, containers: [{name: train, image: train}]}}}
""", "share the network namespace"),
    )
