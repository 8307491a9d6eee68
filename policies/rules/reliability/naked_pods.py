"""RE-11: a pod that nobody owns does not come back."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import Unknown, items
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_STATIC = "kubernetes.io/config.source"
"""Annotation of a node's own static pods."""


class NakedPods(Rule):
    """When its node goes, a Pod without a controller goes for good: nothing makes another one."""

    id = "RE-11"
    title = "No Pod without a controller"
    severity = "low"
    remedy = "Write a Deployment, StatefulSet or Job that makes the pod."
    references = ("Kubernetes documentation: Pods, Working with Pods", "Kubernetes documentation: Configuration Best Practices, naked Pods")
    scope = "object"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.objects("Pod"):
            owners = view.get("metadata", "ownerReferences")
            if view.api_version == "v1" and not isinstance(owners, Unknown) and not items(owners) and _STATIC not in view.annotations:
                yield self.fail(graph, view, f"{view} has no controller: when its node goes, nothing makes it again.", "metadata")

    PASSES = (
        Example("a pod of a Job", """
apiVersion: v1
kind: Pod
metadata: {name: tuning-x7k2p, namespace: support, ownerReferences: [{apiVersion: batch/v1, kind: Job, name: tuning, uid: "1"}]}
spec: {containers: [{name: a, image: a}]}
"""),
    )
    FAILS = (
        Example("a pod by itself", """
apiVersion: v1
kind: Pod
metadata: {name: chat, namespace: support}
spec: {containers: [{name: vllm, image: vllm}]}
""", "Pod support/chat has no controller"),
    )
