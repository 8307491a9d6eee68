"""WS-13: a parameter of the kernel holds for the whole node, or may take it down."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup
from gpuplane.graph.security_context import of_pod
from gpuplane.policies.container_rule import PodRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

SAFE_SINCE = {
    "kernel.shm_rmid_forced": (1, 0), "net.ipv4.ip_local_port_range": (1, 0), "net.ipv4.tcp_syncookies": (1, 0),
    "net.ipv4.ping_group_range": (1, 0), "net.ipv4.ip_unprivileged_port_start": (1, 0), "net.ipv4.ip_local_reserved_ports": (1, 27),
    "net.ipv4.tcp_keepalive_time": (1, 29), "net.ipv4.tcp_fin_timeout": (1, 29), "net.ipv4.tcp_keepalive_intvl": (1, 29),
    "net.ipv4.tcp_keepalive_probes": (1, 29), "net.ipv4.tcp_rmem": (1, 32), "net.ipv4.tcp_wmem": (1, 32),
    "net.ipv4.tcp_slow_start_after_idle": (1, 37), "net.ipv4.tcp_notsent_lowat": (1, 37)}
"""Sysctls that the Baseline level allows, each with the first Kubernetes version that does (``policy/check_sysctls.go`` of
k8s.io/pod-security-admission v0.37.2)."""


class UnsafeSysctls(PodRule):
    """A sysctl that is not confined to the pod changes the node for every tenant on it."""

    id = "WS-13"
    title = "Pods set only sysctls that are confined to them"
    severity = "medium"
    remedy = "Remove the sysctl from securityContext.sysctls; what the node needs is set in its node pool."
    references = ("Kubernetes Pod Security Standards, Baseline: Sysctls (v1.37)",)
    effective = False

    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        setting = of_pod(template, "sysctls")
        yield from self.forbid(graph, view, [setting] if setting else [], _unsafe)

    PASSES = (
        Example("keep-alive of the pod's own connections", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {securityContext: {sysctls: [{name: net.ipv4.tcp_keepalive_time, value: "60"}]}, containers: [{name: server, image: server}]}
"""),
    )
    FAILS = (
        Example("shared memory of the node", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {securityContext: {sysctls: [{name: kernel.shmmax, value: "68719476736"}]}, containers: [{name: server, image: server}]}
""", "sets the sysctls kernel.shmmax"),
    )


def _unsafe(sysctls: object) -> str:
    names = (lookup(item, "name") for item in items(sysctls))
    unsafe = sorted({str(name) for name in names if not isinstance(name, Unknown)} - SAFE_SINCE.keys())
    return f"sets the sysctls {', '.join(unsafe)}, which are not known to be confined to a pod" if unsafe else ""
