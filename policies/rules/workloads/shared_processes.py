"""WS-22: containers in one process namespace read each other's memory, and with it prompts."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.policies.container_rule import PodRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example


class SharedProcesses(PodRule):
    """With ``shareProcessNamespace`` a sidecar sees the model server's processes, reads its files and environment, and as the same user its memory."""

    id = "WS-22"
    title = "Pods of several containers share no process namespace"
    severity = "low"
    remedy = "Remove shareProcessNamespace; to look into a running container attach an ephemeral one for the while."
    references = ("Kubernetes: Share Process Namespace between Containers in a Pod",)

    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        value, path = template.spec.get("shareProcessNamespace"), f"{template.path}.shareProcessNamespace"
        yield from self.doubt(graph, view, "Whether containers share a process namespace in the pods", path, value)
        together = [item for item in template.containers if item.role != "init" or item.spec.get("restartPolicy") == "Always"]
        if not isinstance(value, Unknown) and value not in (None, False) and len(together) > 1:
            yield self.fail(graph, view, f"The {len(together)} containers of the pods of {view} share one process namespace.", path)

    PASSES = (
        Example("one container shares with nobody", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {shareProcessNamespace: true, containers: [{name: server, image: server}]}
"""),
    )
    FAILS = (
        Example("a sidecar beside the model", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {shareProcessNamespace: true, containers: [{name: server, image: server}, {name: sidecar, image: sidecar}]}
""", "The 2 containers"),
    )
