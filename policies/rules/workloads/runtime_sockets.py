"""WS-21: whoever speaks to the container runtime starts what he likes, as root, on the node."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import normpath

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.graph.volumes import volumes
from gpuplane.policies.container_rule import PodRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_SOCKETS = ("/run/containerd/containerd.sock", "/run/docker.sock", "/run/crio/crio.sock", "/run/k3s/containerd/containerd.sock",
            "/run/dockershim.sock")
"""Sockets of container runtimes, as their documentation has them; ``/var/run`` is a link to ``/run``."""


class RuntimeSockets(PodRule):
    """A socket of the node, or a directory that holds the runtime's, is a way to start a privileged container without asking the API server.

    It stands beside the rule about paths of nodes, and takes no list of allowed paths: what is allowed there must still not be this.
    """

    id = "WS-21"
    title = "No pod mounts a socket of the container runtime"
    severity = "critical"
    remedy = "Remove the volume; build images with a rootless builder, and read containers through the kubelet's or the runtime's metrics."
    references = ("NIST SP 800-190 §3.5.5, §4.5.5",)
    effective = False

    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        for volume in volumes(template):
            path = volume.host_path
            if isinstance(path, Unknown):
                yield self.unknown(graph, view, f"Whether volume {volume.name} of {view} is a socket is only known after apply.", volume.field)
            elif path and (path.endswith(".sock") or _holds_a_socket(path)):
                yield self.fail(graph, view, f"Volume {volume.name} of {view} gives the pod {path} of its node, and with it a socket of "
                                             "the node.", volume.field)

    PASSES = (
        Example("a directory without sockets", """
apiVersion: v1
kind: Pod
metadata: {name: agent}
spec: {containers: [{name: agent, image: agent}], volumes: [{name: logs, hostPath: {path: /var/log}}]}
"""),
    )
    FAILS = (
        Example("Docker's socket", """
apiVersion: v1
kind: Pod
metadata: {name: build}
spec: {containers: [{name: build, image: build}], volumes: [{name: docker, hostPath: {path: /var/run/docker.sock}}]}
""", "/var/run/docker.sock"),
        Example("the directory of containerd's socket", """
apiVersion: v1
kind: Pod
metadata: {name: agent}
spec: {containers: [{name: agent, image: agent}], volumes: [{name: run, hostPath: {path: /run/containerd/}}]}
""", "and with it a socket"),
    )


def _holds_a_socket(path: str) -> bool:
    plain = normpath("/" + path.strip("/"))
    plain = plain.removeprefix("/var") if plain.startswith("/var/run") else plain
    return any(socket.startswith(plain.rstrip("/") + "/") or socket == plain for socket in _SOCKETS)
