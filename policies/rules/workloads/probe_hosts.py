"""WS-16: a probe that names a host makes the kubelet send requests wherever a tenant likes."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView, Unknown, lookup
from gpuplane.policies.container_rule import ContainerRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_HANDLERS = (("livenessProbe",), ("readinessProbe",), ("startupProbe",), ("lifecycle", "postStart"), ("lifecycle", "preStop"))


class ProbeHosts(ContainerRule):
    """The kubelet stands in the node's network, past every NetworkPolicy: with a host of its own a probe or hook asks services in the tenant's name."""

    id = "WS-16"
    title = "No probe or lifecycle hook names a host"
    severity = "medium"
    remedy = "Remove host from httpGet and tcpSocket; without it the pod itself is asked. A name for HTTP goes into the header Host."
    references = ("Kubernetes Pod Security Standards, Baseline: Host Probes / Lifecycle Hooks (v1.34+)",)
    effective = False

    def container(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        for steps in _HANDLERS:
            for action in ("httpGet", "tcpSocket"):
                host = lookup(container.spec, *steps, action, "host")
                field = ".".join((container.path, *steps, action, "host"))
                if isinstance(host, Unknown):
                    yield self.unknown(graph, view, f"Whom {steps[-1]} of container {container.name} of {view} asks is only known after apply.",
                                       field)
                elif host:
                    yield self.fail(graph, view, f"{steps[-1]} of container {container.name} of {view} asks the host {host}.", field)

    PASSES = (
        Example("the pod itself is asked", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {containers: [{name: server, image: server, readinessProbe: {httpGet: {path: /health, port: 8080}}}]}
"""),
    )
    FAILS = (
        Example("a hook that calls the cloud's metadata service", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {containers: [{name: server, image: server, lifecycle: {postStart: {httpGet: {host: 169.254.169.254, port: 80}}}}]}
""", "postStart of container server of Pod server asks the host 169.254.169.254"),
    )
