"""CB-06: a spot node is cheap because it may be taken back within two minutes."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.node_sources import NodeSource, node_sources
from gpuplane.graph.placement import open_to
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import items, lookup
from gpuplane.graph.workloads import gpu_workloads
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule


class SpotServing(Rule):
    """The replicas that must always run in production must not stand on nodes that the cloud takes back when others pay more.

    Judged are services whose pods may land on spot nodes only. Jobs, services that may borrow, and other environments may.
    """

    id = "CB-06"
    title = "The minimum of production services does not stand on spot nodes alone"
    severity = "high"
    remedy = "Add an on-demand or reserved pool that the service may land on, or move it there."
    references = ("Amazon EC2 User Guide: Spot Instance interruptions", "Karpenter documentation: NodePools, karpenter.sh/capacity-type")
    scope = "platform"
    looks_at = "tenant"
    context = ("NodeGroup", "NodePool", "Node")

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        sources = [source for source in node_sources(graph, graph.catalog) if source.gpus or source.devices]
        for workload in gpu_workloads(graph):
            if workload.batch or workload.may_borrow or not workload.scale.minimum or not graph.in_production(workload.view):
                continue
            found = [source for source in sources if open_to(workload.template, source.labels)]
            if found and all(_spot(source) for source in found):
                names = ", ".join(sorted({source.view.name for source in found}))
                yield self.fail(
                    graph, workload.view, f"The {workload.scale.minimum} replicas of {workload.view} that always run stand on spot "
                                                      f"nodes ({names}), which may all be taken back.", workload.template.path)

    PASSES = (
        Example("spot is one of two", """
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: l40s}
spec:
  template:
    spec:
      requirements:
        - {key: karpenter.sh/capacity-type, operator: In, values: [spot, on-demand]}
        - {key: node.kubernetes.io/instance-type, operator: In, values: [g6e.4xlarge]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/environment: prod}}
spec: {replicas: 2, template: {spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}}}
"""),
    )
    FAILS = (
        Example("a pool of spot nodes", """
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: l40s}
spec:
  template:
    spec:
      requirements:
        - {key: karpenter.sh/capacity-type, operator: In, values: [spot]}
        - {key: node.kubernetes.io/instance-type, operator: In, values: [g6e.4xlarge]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/environment: prod}}
spec: {replicas: 2, template: {spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}}}
""", "The 2 replicas of Deployment support/chat that always run stand on spot nodes (l40s)"),
    )


def _spot(source: NodeSource) -> bool:
    """Whether all nodes of a source are spot: Karpenter falls back to on demand where both are allowed."""
    capacity = [source.labels.get(key) for key in ("karpenter.sh/capacity-type", "eks.amazonaws.com/capacityType")]
    for requirement in items(source.view.get("spec", "template", "spec", "requirements")):
        if lookup(requirement, "key") == "karpenter.sh/capacity-type" and lookup(requirement, "operator") == "In":
            capacity += items(lookup(requirement, "values"))
    return {str(each).lower() for each in capacity if each is not None} == {"spot"}
