"""WS-09: some capabilities are a way through the kernel to the node."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView, Unknown, items
from gpuplane.graph.security_context import of_container
from gpuplane.policies.container_rule import ContainerRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_HARMLESS = frozenset({"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID",
                       "SETPCAP", "SETUID", "SYS_CHROOT"})
"""What the Baseline level lets a container add, in its spelling (``policy/check_capabilities_baseline.go``)."""


class DangerousCapabilities(ContainerRule):
    """With SYS_ADMIN, SYS_PTRACE or NET_RAW a container mounts, traces other processes or forges packets: the kernel is all that is left."""

    id = "WS-09"
    title = "No container adds a capability beyond the Baseline list"
    severity = "critical"
    remedy = "Remove the capability from securityContext.capabilities.add; what a driver or an agent needs belongs into the platform."
    references = ("Kubernetes Pod Security Standards, Baseline: Capabilities", "CIS Kubernetes Benchmark v1.12 5.2.9")
    effective = False

    def container(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        added = of_container(container, "capabilities", "add")
        yield from self.forbid(graph, view, [added] if added else [], _dangerous)

    PASSES = (
        Example("a port below 1024", """
apiVersion: v1
kind: Pod
metadata: {name: proxy}
spec: {containers: [{name: proxy, image: proxy, securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}}]}
"""),
    )
    FAILS = (
        Example("a debugger", """
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: support}
spec:
  containers: [{name: server, image: server}]
  ephemeralContainers: [{name: debugger, image: debugger, securityContext: {capabilities: {add: [SYS_PTRACE]}}}]
""", "Container debugger of Pod support/server adds SYS_PTRACE"),
    )


def _dangerous(added: object) -> str:
    beyond = sorted({str(item) for item in items(added) if not isinstance(item, Unknown)} - _HARMLESS)
    return f"adds {', '.join(beyond)} to its capabilities" if beyond else ""
