"""CB-13: disks of an old type and gigabytes through a NAT gateway are paid for by habit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.quantities import plain, quantity
from gpuplane.graph.resource_view import ResourceView, items, lookup
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_TEMPLATE, _VOLUME, _NAT, _ENDPOINT = ("aws:ec2/launchTemplate:LaunchTemplate", "aws:ebs/volume:Volume", "aws:ec2/natGateway:NatGateway",
                                       "aws:ec2/vpcEndpoint:VpcEndpoint")
_OLD = {"gp2": "gp3 costs a fifth less and is faster", "io1": "io2 costs the same and lasts",
        "standard": "magnetic disks are of another time"}
"""Types of EBS volumes that have a better successor (Amazon EBS volume types, 2026)."""
_EBS = ("ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com", "kubernetes.io/aws-ebs")
_MOST_GIB = 16_384


class CostlyStorage(Rule):
    """Weights are large and are fetched often: through a NAT gateway each gigabyte is paid for, through an S3 endpoint it is free.

    Judged are the types and sizes of EBS volumes, of StorageClasses and of launch templates, and networks with a NAT gateway and no
    gateway endpoint of S3.
    """

    id = "CB-13"
    title = "Disks are of a current type and bounded size, and S3 is reached without a NAT gateway"
    severity = "low"
    remedy = "Take gp3, state a size that is needed, and add a gateway endpoint of S3 to the network."
    references = ("Amazon EBS User Guide: Amazon EBS volume types", "Amazon VPC User Guide: Gateway endpoints for Amazon S3",
                  "FinOps Framework: Workload Optimization")
    scope = "platform"
    looks_at = "tenant"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.resources:
            for kind, size, field in _disks(view):
                if kind in _OLD:
                    yield self.fail(graph, view, f"{view} makes disks of type {kind}: {_OLD[kind]}.", field)
                amount = quantity(size)
                if amount is not None and amount > _MOST_GIB:
                    yield self.fail(graph, view, f"{view} makes disks of {plain(amount)} GiB, more than {_MOST_GIB}.", field)
        gateways = [view for view in graph.resources if view.type == _NAT]
        if gateways and not any(view.type == _ENDPOINT and str(view.get("serviceName")).endswith(".s3")
                                and view.get("vpcEndpointType") in (None, "Gateway") for view in graph.resources):
            yield self.fail(
                graph, gateways[0], f"What nodes read from S3 goes through {gateways[0]}, for there is no gateway endpoint of S3.")

    PASSES = (
        Example("gp3, and S3 by its endpoint", """
resources:
  out: {type: "aws:ec2/natGateway:NatGateway", properties: {connectivityType: public}}
  s3: {type: "aws:ec2/vpcEndpoint:VpcEndpoint", properties: {serviceName: com.amazonaws.eu-central-1.s3, vpcEndpointType: Gateway}}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: ebs.csi.aws.com
parameters: {type: gp3}
"""),
    )
    FAILS = (
        Example("a class of before 2020", """
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: default}
provisioner: ebs.csi.aws.com
parameters: {type: gp2}
""", "StorageClass default makes disks of type gp2: gp3 costs a fifth less"),
        Example("weights through a NAT gateway", """
resources:
  out: {type: "aws:ec2/natGateway:NatGateway", properties: {connectivityType: public}}
""", "What nodes read from S3 goes through NatGateway out"),
    )


def _disks(view: ResourceView) -> Iterator[tuple[Any, Any, str]]:
    """Type, size in GiB and field of every kind of disk that a resource makes."""
    if view.kind == "StorageClass" and view.get("provisioner") in _EBS:
        yield view.get("parameters", "type"), None, "parameters.type"
    elif view.type == _VOLUME:
        yield view.get("type"), view.get("size"), "type"
    elif view.type == _TEMPLATE:
        for index, each in enumerate(items(view.get("blockDeviceMappings"))):
            yield lookup(each, "ebs", "volumeType"), lookup(each, "ebs", "volumeSize"), f"blockDeviceMappings[{index}].ebs"
