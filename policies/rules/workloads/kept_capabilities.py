"""WS-08: a container keeps a dozen capabilities of root unless it drops them."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView, Unknown, items
from gpuplane.graph.security_context import of_container
from gpuplane.policies.container_rule import RequiredSettingRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_DROP, _ADD = ("capabilities", "drop"), ("capabilities", "add")


class KeptCapabilities(RequiredSettingRule):
    """The runtime's default set lets a process change owners, open raw sockets or make device files; an inference server needs none of it."""

    id = "WS-08"
    title = "Every container drops all capabilities and adds at most NET_BIND_SERVICE"
    severity = "high"
    remedy = "Set securityContext.capabilities: {drop: [ALL]} in every container, and add nothing but NET_BIND_SERVICE."
    references = ("Kubernetes Pod Security Standards, Restricted: Capabilities", "CIS Kubernetes Benchmark v1.12 5.2.8-5.2.10")

    def required(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        dropped, added = of_container(container, *_DROP), of_container(container, *_ADD)
        named, field = f"Container {container.name} of {view}", f"{container.path}.securityContext.capabilities"
        if dropped and any(isinstance(item, Unknown) for item in (dropped.value, *items(dropped.value))):
            yield self.unknown(graph, view, f"What {named} drops is only known after apply.", dropped.path)
        elif "ALL" not in items(dropped.value if dropped else None):
            yield self.fail(graph, view, f"{named} does not drop ALL capabilities.", field)
        yield from self.forbid(graph, view, [added] if added else [], _more_than_a_port)

    PASSES = (
        Example("all dropped, and a port below 1024", """
apiVersion: v1
kind: Pod
metadata: {name: proxy}
spec: {containers: [{name: proxy, image: proxy, securityContext: {capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}}]}
"""),
    )
    FAILS = (
        Example("some dropped", """
apiVersion: v1
kind: Pod
metadata: {name: proxy}
spec: {containers: [{name: proxy, image: proxy, securityContext: {capabilities: {drop: [NET_RAW, SYS_ADMIN]}}}]}
""", "does not drop ALL capabilities"),
        Example("a lock of shared memory", """
apiVersion: kubeflow.org/v1
kind: PyTorchJob
metadata: {name: train, namespace: support}
spec:
  pytorchReplicaSpecs:
    Worker:
      template:
        spec: {containers: [{name: pytorch, image: train, securityContext: {capabilities: {drop: [ALL], add: [IPC_LOCK]}}}]}
""", "adds IPC_LOCK"),
    )


def _more_than_a_port(added: object) -> str:
    more = sorted({str(item) for item in items(added) if not isinstance(item, Unknown)} - {"NET_BIND_SERVICE"})
    return f"adds {', '.join(more)} to its capabilities" if more else ""
