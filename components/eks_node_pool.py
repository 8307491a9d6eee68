"""GPU nodes as an EKS managed node group with its launch template.

It owns the template, the group, the placement group and the tags that the autoscaler reads. It refuses to own the cluster, subnets and
role: they are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pulumi

from gpuplane.components.autoscaler_tags import node_template_tags
from gpuplane.components.gpu_quotas import TaintArgs
from gpuplane.components.kubernetes_object import child_options
from gpuplane.components.launch_template import NodeTemplateArgs, template
from gpuplane.spec.vocabulary import POOL

if TYPE_CHECKING:
    from pulumi_aws import ec2, eks

EKS_TAINT_EFFECTS: Mapping[str, str] = {
    "NoSchedule": "NO_SCHEDULE", "PreferNoSchedule": "PREFER_NO_SCHEDULE", "NoExecute": "NO_EXECUTE"}
"""Kubernetes spelling to the EKS API's (enum TaintEffect)."""


@dataclass(frozen=True)
class NodeUpdateArgs:
    """How nodes are replaced: a number or a percentage at a time, new ones first or old ones first, with force or not."""

    max_unavailable: int | None = 1
    max_unavailable_percent: int | None = None
    strategy: Literal["default", "minimal"] = "default"
    force: bool = False


@dataclass(frozen=True)
class NodeRepairArgs:
    """Automatic repair: not while more than this percentage is broken, and so many nodes at a time."""

    max_unhealthy_percent: int = 20
    max_parallel: int = 1


@dataclass(frozen=True)
class EksNodePoolArgs:
    """A node group.

    Attributes:
        pool: name of the pool; also the label that its ResourceFlavor selects.
        cluster_name, node_role_arn, subnet_ids, region: where it goes.
        instance_types: EC2 instance types, first choice first.
        capacity_type: ``on_demand``, ``spot`` or ``capacity_block``.
        ami_type, release_version: EKS image family and its pinned release.
        min_nodes, max_nodes: bounds of the autoscaler.
        node: what every node is made with.
        update, repair: how nodes are replaced and repaired; repair None: not by EKS.
        labels: further node labels, e.g. ``nvidia.com/mig.config``.
        resources: device resources of one node, for the autoscaler.
        tags: AWS tags.
    """

    pool: str
    cluster_name: str
    node_role_arn: str
    subnet_ids: Sequence[pulumi.Input[str]]
    region: str
    instance_types: tuple[str, ...]
    ami_type: str
    release_version: str
    min_nodes: int
    max_nodes: int
    capacity_type: str = "on_demand"
    node: NodeTemplateArgs = field(default_factory=NodeTemplateArgs)
    update: NodeUpdateArgs = NodeUpdateArgs()
    repair: NodeRepairArgs | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[TaintArgs, ...] = ()
    resources: Mapping[str, int] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


class EksNodePool(pulumi.ComponentResource):
    """Launch template, placement group (with EFA), node group and autoscaler tags of one pool."""

    def __init__(self, name: str, args: EksNodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:EksNodePool", name, {"pool": args.pool}, opts)
        child = child_options(self, opts)
        tags = {"Name": f"{args.cluster_name}-{args.pool}", **args.tags}
        group = _node_group(args, _launch_template(args, tags, child), tags, child)
        _autoscaler_tags(args, group, child)
        self.node_group_arn: pulumi.Output[str] = group.arn
        self.register_outputs({"nodeGroupArn": group.arn})


def _launch_template(args: EksNodePoolArgs, tags: Mapping[str, str], child: pulumi.ResourceOptions) -> ec2.LaunchTemplate:
    from pulumi_aws import ec2

    name, more = f"{args.cluster_name}-{args.pool}", template(args.node, tags)
    if args.node.efa_interfaces:
        placement = ec2.PlacementGroup(args.pool, name=name, region=args.region, strategy="cluster", tags=dict(tags), opts=child)
        more["placement"] = {"group_name": placement.name}
    return ec2.LaunchTemplate(args.pool, name=name, region=args.region, update_default_version=True, tags=dict(tags), opts=child, **more)


def _node_group(args: EksNodePoolArgs, launch: ec2.LaunchTemplate, tags: Mapping[str, str], child: pulumi.ResourceOptions) -> eks.NodeGroup:
    from pulumi_aws import eks

    # The autoscaler moves the desired size; taking it back would evict running models.
    options = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(ignore_changes=["scalingConfig.desiredSize"]))
    return eks.NodeGroup(
        args.pool, cluster_name=args.cluster_name, node_group_name=args.pool, node_role_arn=args.node_role_arn,
        region=args.region, subnet_ids=list(args.subnet_ids), ami_type=args.ami_type,
        # Of a capacity block the template names the type, and EKS takes it in one place only.
        instance_types=None if args.node.instance_type else list(args.instance_types),
        release_version=args.release_version, capacity_type=args.capacity_type.upper(),
        scaling_config={"min_size": args.min_nodes, "max_size": args.max_nodes, "desired_size": args.min_nodes},
        update_config=_update(args.update), force_update_version=True if args.update.force else None,
        node_repair_config=_repair(args.repair) if args.repair is not None else None,
        labels={POOL: args.pool, **args.labels},
        taints=[{"key": taint.key, "value": taint.value, "effect": EKS_TAINT_EFFECTS[taint.effect]} for taint in args.taints],
        launch_template={"id": launch.id, "version": launch.latest_version.apply(str)}, tags=dict(tags), opts=options)


def _update(args: NodeUpdateArgs) -> Any:
    found = {"max_unavailable": args.max_unavailable, "max_unavailable_percentage": args.max_unavailable_percent,
             "update_strategy": args.strategy.upper() if args.strategy != "default" else None}
    return {key: value for key, value in found.items() if value is not None}


def _repair(args: NodeRepairArgs) -> Any:
    return {"enabled": True, "max_unhealthy_node_threshold_percentage": args.max_unhealthy_percent,
            "max_parallel_nodes_repaired_count": args.max_parallel}


def _autoscaler_tags(args: EksNodePoolArgs, group: eks.NodeGroup, child: pulumi.ResourceOptions) -> None:
    """EKS does not hand a node group's tags down to its Auto Scaling group, which is where the cluster autoscaler looks."""
    from pulumi_aws import autoscaling

    scaled = group.resources.apply(lambda found: str((found[0].autoscaling_groups or [])[0].name))
    found = node_template_tags({POOL: args.pool, **args.labels}, args.taints, args.resources)
    for key, value in found.items():
        short = key.rpartition("node-template/")[2]
        autoscaling.Tag(f"{args.pool}-{short}", autoscaling_group_name=scaled, region=args.region,
                        tag={"key": key, "value": value, "propagate_at_launch": False}, opts=child)
