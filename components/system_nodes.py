"""Nodes without GPUs for the platform's own controllers, DNS and gateways: an EKS managed node group with its launch template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from gpuplane.components.kubernetes_object import child_options
from gpuplane.components.launch_template import NodeTemplateArgs, template

POOL_NAME = "system"


@dataclass(frozen=True)
class SystemNodesArgs:
    """A node group.

    Attributes:
        cluster_name, node_role_arn, subnet_ids, region: where it goes.
        instance_types: by preference.
        ami_type, release_version: EKS image family and its pinned release.
        min_nodes, max_nodes: bounds of the autoscaler.
        disk_gib: encrypted gp3 volume for images, in GiB.
        tags: AWS tags.
    """

    cluster_name: str
    node_role_arn: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    region: str
    instance_types: tuple[str, ...]
    ami_type: str
    release_version: str
    min_nodes: int
    max_nodes: int
    disk_gib: int = 80
    tags: Mapping[str, str] = field(default_factory=dict)


class SystemNodes(pulumi.ComponentResource):
    """Launch template and node group."""

    def __init__(self, name: str, args: SystemNodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:SystemNodes", name, {"cluster": args.cluster_name}, opts)
        from pulumi_aws import ec2, eks

        child = child_options(self, opts)
        named = f"{args.cluster_name}-{POOL_NAME}"
        tags = {"Name": named, **args.tags}
        node = NodeTemplateArgs(args.disk_gib, bottlerocket=args.ami_type.startswith("BOTTLEROCKET"))
        launch = ec2.LaunchTemplate(name, name=named, region=args.region, update_default_version=True, tags=tags, opts=child,
                                    **template(node, tags))
        eks.NodeGroup(
            name, cluster_name=args.cluster_name, node_group_name=POOL_NAME, node_role_arn=args.node_role_arn, region=args.region,
            subnet_ids=list(args.subnet_ids), instance_types=list(args.instance_types), ami_type=args.ami_type,
            release_version=args.release_version, capacity_type="ON_DEMAND",
            scaling_config={"min_size": args.min_nodes, "max_size": args.max_nodes, "desired_size": args.min_nodes},
            update_config={"max_unavailable": 1}, node_repair_config={"enabled": True},
            launch_template={"id": launch.id, "version": launch.latest_version.apply(str)}, tags=tags,
            # The autoscaler moves the desired size.
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(ignore_changes=["scalingConfig.desiredSize"])))
        self.register_outputs({"nodeGroup": POOL_NAME})
