"""TI-14: a toleration of everything lands on nodes that others were promised, or on the control plane."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, mapping, told
from gpuplane.graph.tenancy import SYSTEM_NAMESPACES, home
from gpuplane.policies.container_rule import PodRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_SYSTEM = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master", "node-role.kubernetes.io/etcd",
           "node.cloudprovider.kubernetes.io/uninitialized", "CriticalAddonsOnly")
_UNHEALTHY = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
"""The API server itself lets every pod stay 300 s on such a node (DefaultTolerationSeconds)."""


class WideTolerations(PodRule):
    """A taint keeps nodes for those they were bought for; who tolerates all of them is kept from nothing."""

    id = "TI-14"
    title = "No pod tolerates every taint, nor those of the control plane"
    severity = "medium"
    remedy = "Tolerate the one taint of the pool that the pod is meant for, by its key."
    references = ("NIST SP 800-190 §4.3.4", "Kubernetes documentation, Taints and Tolerations")

    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        if home(view) in SYSTEM_NAMESPACES:
            return
        tolerations = template.spec.get("tolerations")
        yield from self.doubt(graph, view, "What nodes' taints the pods tolerate", f"{template.path}.tolerations", tolerations,
                              *(value for item in items(tolerations) for value in [item, *mapping(item).values()]))
        for index, item in enumerate(items(tolerations)):
            if isinstance(item, Mapping) and (what := _too_wide(item)):
                yield self.fail(graph, view, f"Pods of {view} tolerate {what}.", f"{template.path}.tolerations[{index}]")

    PASSES = (
        Example("the taint of the pool that the pod is meant for", """
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: support}
spec:
  tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
  containers: [{name: server, image: server}]
"""),
        Example("what the API server adds itself", """
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: support}
spec:
  tolerations: [{key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 300}]
  containers: [{name: server, image: server}]
"""),
    )
    FAILS = (
        Example("every taint", """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: support}
spec: {template: {spec: {tolerations: [{operator: Exists}], containers: [{name: agent, image: agent}]}}}
""", "Pods of DaemonSet support/agent tolerate every taint"),
        Example("the control plane", """
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: support}
spec:
  tolerations: [{key: node-role.kubernetes.io/control-plane, effect: NoSchedule}]
  containers: [{name: server, image: server}]
""", "tolerate the system taint node-role.kubernetes.io/control-plane"),
    )


def _too_wide(toleration: Mapping[str, Any]) -> str:
    """What is wrong with a toleration, in words; empty for nothing."""
    if isinstance(lookup(toleration, "key"), Unknown) or isinstance(lookup(toleration, "operator"), Unknown):
        return ""
    key = str(told(toleration, "key") or "")
    if not key:
        effect = told(toleration, "effect")
        return f"every taint{f' of effect {effect}' if effect else ''}" if told(toleration, "operator") == "Exists" else ""
    if key in _SYSTEM:
        return f"the system taint {key}"
    unhealthy = key.startswith("node.kubernetes.io/") and told(toleration, "tolerationSeconds") is None
    return f"the system taint {key} for ever" if unhealthy and (key in _UNHEALTHY or key.endswith("unschedulable")) else ""
