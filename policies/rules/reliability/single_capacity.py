"""RE-12: one instance type in one zone is out of stock when everybody wants it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gpuplane.graph.lasting_pods import lasting_pods
from gpuplane.graph.node_sources import NODE_GROUP_TYPE, NodeSource, node_sources
from gpuplane.graph.placement import open_to
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import Unknown, items, lookup
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_ZONE, _TYPE = "topology.kubernetes.io/zone", "node.kubernetes.io/instance-type"


class SingleCapacity(Rule):
    """GPU instances run out by zone and type (InsufficientInstanceCapacity), and a zone that fails takes its nodes along.

    Pools that production services stand on may start nodes in two zones, or of two types. Judged are EKS node groups and
    Karpenter NodePools; a pool without limits of its own may use all zones.
    """

    id = "RE-12"
    title = "GPU pools of production have a second zone or a second instance type"
    severity = "medium"
    remedy = "Give the pool subnets in two zones, or let it choose between two instance types."
    references = ("Amazon EC2 documentation: Troubleshoot launch issues, InsufficientInstanceCapacity",
                  "Karpenter documentation: NodePools", "AWS Well-Architected REL10-BP01")
    scope = "platform"
    looks_at = "outlines"
    context = ("NodeGroup", "NodePool")

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for source in node_sources(graph, graph.catalog):
            zones, types = _zones(source), _types(source)
            if not source.listed and source.gpus and zones is not None and zones < 2 and types < 2:
                serving = (each.template for each in lasting_pods(graph) if each.pods.devices and graph.in_production(each.view))
                if any(open_to(template, source.labels) for template in serving):
                    yield self.fail(graph, source.view, f"{source.view} can start nodes in one zone and of one type only, and production "
                                                        "stands on it.", "subnetIds" if source.view.type == NODE_GROUP_TYPE else "spec")

    PASSES = (
        Example("two zones", """
resources:
  l40s:
    type: aws:eks/nodeGroup:NodeGroup
    properties: {instanceTypes: [g6e.4xlarge], subnetIds: [subnet-a, subnet-b]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/environment: prod}}
spec: {replicas: 2, template: {spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}}}
"""),
    )
    FAILS = (
        Example("one zone, one type", """
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: l40s}
spec:
  template:
    spec:
      requirements:
        - {key: topology.kubernetes.io/zone, operator: In, values: [eu-central-1a]}
        - {key: node.kubernetes.io/instance-type, operator: In, values: [g6e.4xlarge]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/environment: prod}}
spec: {replicas: 2, template: {spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}}}
""", "NodePool l40s can start nodes in one zone and of one type only"),
    )


def _zones(source: NodeSource) -> int | None:
    """Zones that nodes may start in; None for all, or for a number that only apply can know."""
    if source.view.type == NODE_GROUP_TYPE:
        subnets = source.view.get("subnetIds")
        return None if subnets is None or isinstance(subnets, Unknown) else len({str(each) for each in items(subnets)})
    values = _wanted(source, _ZONE)
    return None if values is None else len(set(values))


def _types(source: NodeSource) -> int:
    if source.view.type == NODE_GROUP_TYPE:
        return len({str(each) for each in items(source.view.get("instanceTypes"))})
    return len(set(_wanted(source, _TYPE) or ["any", "other"]))


def _wanted(source: NodeSource, key: str) -> list[str] | None:
    found: list[Any] = [lookup(each, "values") for each in items(source.view.get("spec", "template", "spec", "requirements"))
                        if lookup(each, "key") == key and lookup(each, "operator") == "In"]
    return [str(value) for values in found for value in items(values)] if found else None
