"""CB-04: what nobody can be charged for, nobody saves on."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup
from gpuplane.graph.workloads import gpu_workloads
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_BILLED = frozenset({
    "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup", "aws:ec2/instance:Instance", "aws:ec2/natGateway:NatGateway",
    "aws:ec2/eip:Eip", "aws:ebs/volume:Volume", "aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2", "aws:efs/fileSystem:FileSystem",
    "aws:fsx/lustreFileSystem:LustreFileSystem", "aws:rds/instance:Instance", "aws:rds/cluster:Cluster", "aws:dynamodb/table:Table",
    "aws:elasticache/replicationGroup:ReplicationGroup", "aws:lb/loadBalancer:LoadBalancer", "aws:kms/key:Key",
    "aws:cloudwatch/logGroup:LogGroup", "aws:ecr/repository:Repository", "aws:ec2/capacityReservation:CapacityReservation"})
"""AWS resources that appear on the bill by themselves."""
_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
_LAUNCHED = ("instance", "volume")


class UnallocatedSpend(Rule):
    """A GPU hour without tenant, cost centre and environment ends in the shared rest that every team disputes.

    Workloads with GPUs say them, by themselves or by their namespace, and say the same; AWS resources bear the environment's tag, and
    tags of a node group reach instances and volumes only through the launch template. policies.chargeback says what is needed.
    """

    id = "CB-04"
    title = "Everything that is billed says whom it is for"
    severity = "high"
    remedy = "Label the namespace with tenant, cost centre and environment, and tag AWS resources (and what they launch) alike."
    references = ("FinOps Framework: Allocation", "AWS whitepaper: Best Practices for Tagging AWS Resources",
                  "Amazon EKS User Guide: Tagging your resources")
    scope = "platform"
    looks_at = "outlines"
    context = ("Namespace",)

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        needed = _needed(graph)
        for view in {workload.view.urn: workload.view for workload in gpu_workloads(graph)}.values():
            yield from self._workload(graph, view, needed)
        if "environment" in needed:
            key = graph.labels.environment
            for view in graph.resources:
                if view.type in _BILLED:
                    yield from self._tag(graph, view, view.get("tags"), key, "tags")
                elif view.type == _TEMPLATE:
                    given = {lookup(each, "resourceType"): lookup(each, "tags") for each in items(view.get("tagSpecifications"))}
                    for what in _LAUNCHED:
                        yield from self._tag(graph, view, given.get(what), key, f"tagSpecifications ({what})")

    def _workload(self, graph: PlannedGraph, view: ResourceView, needed: tuple[str, ...]) -> Iterator[Finding]:
        missing = [what for what in needed if graph.says(view, what) is None]
        if missing:
            yield self.fail(
                graph, view, f"Neither {view} nor its namespace says {', '.join(each.replace('_', ' ') for each in missing)}, so "
                                         "its GPUs are charged to nobody.", "metadata.labels")
        namespace = graph.namespaces.get(view.namespace)
        for what in needed:
            around = graph.says(namespace, what) if namespace is not None else None
            own = graph.says(view, what)
            if around is not None and own != around:
                yield self.fail(
                    graph, view, f"{view} says {what.replace('_', ' ')} {own}, and its namespace {around}: its GPUs are charged "
                                             "to the wrong one.", "metadata.labels")

    def _tag(self, graph: PlannedGraph, view: ResourceView, tags: object, key: str, field: str) -> Iterator[Finding]:
        value = lookup(tags, key)
        if isinstance(value, Unknown):
            yield self.unknown(graph, view, f"The tags of {view} are only known after apply.", field)
        elif not value:
            whose = f"What {view} launches" if field != "tags" else str(view)
            yield self.fail(graph, view, f"{whose} has no tag {key} in {field}, so its cost belongs to nobody.", field)

    PASSES = (
        Example("a namespace that says it for all", """
apiVersion: v1
kind: Namespace
metadata:
  name: support
  labels: {gpuplane.dev/tenant: support, gpuplane.dev/environment: prod}
  annotations: {gpuplane.dev/cost-center: cc-4100}
---
apiVersion: v1
kind: Pod
metadata: {name: chat, namespace: support}
spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}
"""),
        Example("a tagged bucket", """
resources:
  models: {type: "aws:s3/bucket:Bucket", properties: {bucket: models, tags: {gpuplane.dev/environment: prod}}}
"""),
    )
    FAILS = (
        Example("GPUs of nobody", """
apiVersion: v1
kind: Pod
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/tenant: support}}
spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: search, annotations: {gpuplane.dev/cost-center: cc-4200}}
""", "Neither Pod support/chat nor its namespace says environment, cost center"),
        Example("a workload that is charged to another tenant", """
apiVersion: v1
kind: Namespace
metadata:
  name: support
  labels: {gpuplane.dev/tenant: support, gpuplane.dev/environment: prod}
  annotations: {gpuplane.dev/cost-center: cc-4100}
---
apiVersion: v1
kind: Pod
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/tenant: search}}
spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}
""", "says tenant search, and its namespace support"),
        Example("instances that the node group's tags do not reach", """
resources:
  h100:
    type: aws:ec2/launchTemplate:LaunchTemplate
    properties:
      tags: {gpuplane.dev/environment: prod}
      tagSpecifications: [{resourceType: volume, tags: {gpuplane.dev/environment: prod}}]
""", "What LaunchTemplate h100 launches has no tag gpuplane.dev/environment in tagSpecifications (instance)"),
    )


def _needed(graph: PlannedGraph) -> tuple[str, ...]:
    """What must be said: what the environment demands, else the least; cost centres are for all or for nobody."""
    if graph.parameters.chargeback is not None:
        return graph.parameters.chargeback
    some = any(graph.says(view, "cost_center") is not None for view in graph.namespaces.values())
    return ("tenant", "environment", "cost_center") if some else ("tenant", "environment")
