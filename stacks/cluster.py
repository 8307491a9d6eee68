"""Layer ``cluster``: an EKS cluster, as far as gpuplane creates it, and its GPU node groups."""

from __future__ import annotations

import pulumi

from gpuplane.components.eks_node_pool import EksNodePool, EksNodePoolArgs
from gpuplane.components.gpu_quotas import TaintArgs
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.node_pool import NodePool
from gpuplane.stacks import aws_cluster
from gpuplane.stacks.providers import aws_provider, with_provider


def compose(spec: EnvironmentSpec, planned: EnvironmentPlan) -> None:  # noqa: ARG001 every layer has one signature
    """Register the cluster where the environment asks for it, and one node group for each pool that gpuplane creates."""
    options = with_provider(aws_provider(spec))
    home = aws_cluster.compose(spec, options)
    after = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=list(home.after)))
    for name, pool in spec.pools.items():
        if pool.spec.eks_managed_node_group is not None:
            EksNodePool(name, _args(spec, name, pool, home), after)


def _args(spec: EnvironmentSpec, name: str, pool: NodePool, home: aws_cluster.NodeHome) -> EksNodePoolArgs:
    settings, group = spec.environment.spec, pool.spec.eks_managed_node_group
    assert settings.aws is not None
    assert group is not None
    return EksNodePoolArgs(
        pool=name, cluster_name=settings.cluster.name, node_role_arn=home.node_role_arn,
        subnet_ids=home.subnet_ids, region=settings.aws.region, instance_type=group.instance_type,
        capacity_type=group.capacity_type, ami_type=group.ami_type, release_version=group.release_version,
        min_nodes=group.min_nodes, max_nodes=group.max_nodes, disk_gib=group.disk_gib,
        labels={**pool.spec.labels, **sharing_labels(name, pool)}, taints=taints(pool),
        tags=aws_cluster.tags(spec))


def taints(pool: NodePool) -> tuple[TaintArgs, ...]:
    """The pool's taints as components take them."""
    return tuple(TaintArgs(taint.key, taint.value, taint.effect) for taint in pool.spec.taints)


def sharing_labels(name: str, pool: NodePool) -> dict[str, str]:
    """Node labels by which the GPU Operator knows how to share the pool's GPUs."""
    return {"dedicated": {}, "mig": {"nvidia.com/mig.config": name},
            "time-slicing": {"nvidia.com/device-plugin.config": name}}[pool.spec.strategy]
