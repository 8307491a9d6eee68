"""WS-12: an unmasked /proc shows and changes the kernel of the node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.security_context import in_user_namespace, of_container
from gpuplane.policies.container_rule import ContainerRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example


class UnmaskedProc(ContainerRule):
    """Runtimes hide the parts of ``/proc`` that read or set the kernel; ``procMount: Unmasked`` shows them again.

    In a user namespace of its own (``hostUsers: false``) root cannot use them: there it is advice, and only level Restricted refuses it.
    """

    id = "WS-12"
    title = "No container sees an unmasked /proc"
    severity = "high"
    remedy = "Remove securityContext.procMount, or set it to Default."
    references = ("Kubernetes Pod Security Standards, Baseline: /proc Mount Type",)
    effective = False

    def container(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        setting = of_container(container, "procMount")
        for finding in self.forbid(graph, view, [setting] if setting else [], _unmasked):
            yield replace(finding, severity="medium") if in_user_namespace(template) else finding

    PASSES = (
        Example("the default", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {containers: [{name: server, image: server, securityContext: {procMount: Default}}]}
"""),
    )
    FAILS = (
        Example("unmasked", """
apiVersion: v1
kind: Pod
metadata: {name: build}
spec: {containers: [{name: build, image: build, securityContext: {procMount: Unmasked}}]}
""", "Container build of Pod build sets procMount to Unmasked"),
    )


def _unmasked(value: object) -> str:
    return "" if value == "Default" else f"sets procMount to {value}"
