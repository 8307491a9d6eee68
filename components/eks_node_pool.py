"""GPU nodes as an EKS managed node group with its launch template.

It owns the template and the group. It refuses to own the cluster, subnets and role: they are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from gpuplane.components.gpu_quotas import TaintArgs
from gpuplane.components.kubernetes_object import child_options
from gpuplane.spec.vocabulary import POOL

EKS_TAINT_EFFECTS: Mapping[str, str] = {
    "NoSchedule": "NO_SCHEDULE", "PreferNoSchedule": "PREFER_NO_SCHEDULE", "NoExecute": "NO_EXECUTE"}
"""Kubernetes spelling to the EKS API's (enum TaintEffect)."""


@dataclass(frozen=True)
class EksNodePoolArgs:
    """A node group.

    Attributes:
        pool: name of the pool; also the label that its ResourceFlavor selects.
        cluster_name, node_role_arn, subnet_ids, region: where it goes.
        instance_type: EC2 instance type.
        capacity_type: ``on_demand`` or ``spot``.
        ami_type, release_version: EKS image family and its pinned release.
        min_nodes, max_nodes: bounds of the autoscaler.
        disk_gib: encrypted gp3 root volume in GiB.
        labels: further node labels, e.g. ``nvidia.com/mig.config``.
        tags: AWS tags.
    """

    pool: str
    cluster_name: str
    node_role_arn: str
    subnet_ids: Sequence[pulumi.Input[str]]
    region: str
    instance_type: str
    ami_type: str
    release_version: str
    min_nodes: int
    max_nodes: int
    capacity_type: str = "on_demand"
    disk_gib: int = 200
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[TaintArgs, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


class EksNodePool(pulumi.ComponentResource):
    """Launch template and node group of one pool."""

    def __init__(self, name: str, args: EksNodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:EksNodePool", name, {"pool": args.pool}, opts)
        from pulumi_aws import ec2, eks

        child = child_options(self, opts)
        tags = {"Name": f"{args.cluster_name}-{args.pool}", **args.tags}
        template = ec2.LaunchTemplate(
            args.pool, name=f"{args.cluster_name}-{args.pool}", region=args.region,
            block_device_mappings=[{"device_name": "/dev/xvda", "ebs": {
                "volume_size": args.disk_gib, "volume_type": "gp3", "encrypted": "true", "delete_on_termination": "true"}}],
            # Version 2 of the metadata service, and one hop: a pod cannot take the node's identity.
            metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
            tag_specifications=[{"resource_type": kind, "tags": tags} for kind in ("instance", "volume")],
            update_default_version=True, tags=tags, opts=child)
        group = eks.NodeGroup(
            args.pool, cluster_name=args.cluster_name, node_group_name=args.pool, node_role_arn=args.node_role_arn,
            region=args.region, subnet_ids=list(args.subnet_ids), instance_types=[args.instance_type], ami_type=args.ami_type,
            release_version=args.release_version, capacity_type=args.capacity_type.upper(),
            scaling_config={"min_size": args.min_nodes, "max_size": args.max_nodes, "desired_size": args.min_nodes},
            update_config={"max_unavailable": 1},
            labels={POOL: args.pool, **args.labels},
            taints=[{"key": taint.key, "value": taint.value, "effect": EKS_TAINT_EFFECTS[taint.effect]} for taint in args.taints],
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            tags=tags,
            # The autoscaler moves the desired size; taking it back would evict running models.
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(ignore_changes=["scalingConfig.desiredSize"])))
        self.node_group_arn: pulumi.Output[str] = group.arn
        self.register_outputs({"nodeGroupArn": group.arn})
