"""WS-06: root in a container is root on the node the moment it gets out."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.security_context import in_user_namespace, of_container, of_pod
from gpuplane.policies.container_rule import RequiredSettingRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_FIELD = "runAsNonRoot"


class RootAllowed(RequiredSettingRule):
    """Unless ``runAsNonRoot`` is true, the image decides who runs, and most images of inference engines decide for root.

    A pod in a user namespace of its own (``hostUsers: false``) may run as root: it is nobody on the node.
    """

    id = "WS-06"
    title = "Every container must run as somebody else than root"
    severity = "high"
    remedy = "Set securityContext.runAsNonRoot: true in the pod (and no false in a container), with an image or a runAsUser that is not root."
    references = ("Kubernetes Pod Security Standards, Restricted: Running as Non-root", "CIS Kubernetes Benchmark v1.12 5.2.7",
                  "NSA/CISA Kubernetes Hardening Guide v1.2: Non-root containers")
    on_windows = True

    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        if in_user_namespace(template):
            return
        pod = of_pod(template, _FIELD)
        yield from self.forbid(graph, view, [pod] if pod else [],
                               lambda value: "" if value is True else "sets securityContext.runAsNonRoot to false")
        yield from super().pod(graph, view, template)

    def required(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        own = of_container(container, _FIELD)
        if own or of_pod(template, _FIELD) is None:
            yield from self.demand(graph, view, container, own, True, _FIELD)

    PASSES = (
        Example("the pod says it for all containers", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec:
  securityContext: {runAsNonRoot: true}
  initContainers: [{name: fetch, image: fetch}]
  containers: [{name: server, image: server}]
"""),
        Example("root in a user namespace is nobody on the node", """
apiVersion: v1
kind: Pod
metadata: {name: build}
spec: {hostUsers: false, containers: [{name: build, image: build}]}
"""),
    )
    FAILS = (
        Example("nobody says it", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {containers: [{name: server, image: server}]}
""", "does not set securityContext.runAsNonRoot to true"),
        Example("one container takes it back", """
apiVersion: ray.io/v1
kind: RayCluster
metadata: {name: tuning, namespace: support}
spec:
  headGroupSpec:
    template:
      spec:
        securityContext: {runAsNonRoot: true}
        containers: [{name: head, image: ray, securityContext: {runAsNonRoot: false}}]
""", "Container head"),
    )
