"""One node-pool document as the component that brings its nodes, or names those that are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from gpuplane.components.eks_node_pool import EksNodePool, EksNodePoolArgs, NodeRepairArgs, NodeUpdateArgs
from gpuplane.components.existing_node_pool import ExistingNodePool, ExistingNodePoolArgs
from gpuplane.components.gpu_quotas import TaintArgs
from gpuplane.components.karpenter_node_pool import BudgetArgs, KarpenterNodePool, KarpenterNodePoolArgs, NodeClassArgs
from gpuplane.components.launch_template import NodeTemplateArgs
from gpuplane.components.tpu_node_pool import TpuNodePool, TpuNodePoolArgs
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.aws import Aws
from gpuplane.spec.eks_managed_node_group import EksManagedNodeGroup
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.karpenter_nodes import KarpenterNodes
from gpuplane.spec.node_pool import NodePool
from gpuplane.spec.vocabulary import GKE_TPU_ACCELERATOR, KARPENTER_DISCOVERY
from gpuplane.stacks.aws_cluster import NodeHome, node_role_arn, tags

EFA = "vpc.amazonaws.com/efa"
"""Extended resource of the AWS EFA device plugin."""
BOTTLEROCKET_BRINGS = ("device-plugin", "mig-manager")
"""Operands of the GPU Operator that Bottlerocket's NVIDIA images replace, by their switch (``nvidia.com/gpu.deploy.<operand>``, v26.7)."""
_CONSOLIDATION = {"empty": "WhenEmpty", "empty_or_underutilized": "WhenEmptyOrUnderutilized"}


def register_node_group(spec: EnvironmentSpec, planned: EnvironmentPlan, name: str, home: NodeHome,
                        options: pulumi.ResourceOptions) -> None:
    """Register an EKS node group, where the pool is one."""
    pool = spec.pools[name]
    if pool.spec.eks_managed_node_group is not None:
        EksNodePool(name, _eks(spec, planned, pool, pool.spec.eks_managed_node_group, home), options)


def register_nodes(spec: EnvironmentSpec, planned: EnvironmentPlan, name: str, options: pulumi.ResourceOptions) -> None:
    """Register what the cluster itself has to know of a pool's nodes: Karpenter's objects, or the fact that the nodes are there."""
    pool, facts = spec.pools[name], planned.pools[name]
    existing, karpenter, tpu = pool.spec.existing_nodes, pool.spec.karpenter, pool.spec.tpu
    if existing is not None:
        ExistingNodePool(name, ExistingNodePoolArgs(name, facts.node_labels, existing.max_nodes))
    if karpenter is not None:
        KarpenterNodePool(name, _karpenter(spec, planned, pool, karpenter), options)
    if tpu is not None:
        TpuNodePool(name, TpuNodePoolArgs(name, facts.node_labels[GKE_TPU_ACCELERATOR], tpu.topology, tpu.slices, facts.slice_hosts,
                                          facts.gpus_per_node))


def taints(pool: NodePool) -> tuple[TaintArgs, ...]:
    """The pool's taints as components take them."""
    return tuple(TaintArgs(taint.key, taint.value, taint.effect) for taint in pool.spec.node_taints)


def sharing_labels(name: str, pool: NodePool) -> dict[str, str]:
    """Node labels by which the GPU Operator knows how to share the pool's GPUs."""
    key = {"mig": "nvidia.com/mig.config", "time-slicing": "nvidia.com/device-plugin.config", "mps": "nvidia.com/device-plugin.config"}
    return {key[pool.spec.strategy]: name} if pool.spec.strategy in key else {}


def _operator_labels(name: str, pool: NodePool) -> dict[str, str]:
    """What the GPU Operator does on a pool's nodes; on Bottlerocket, which has a device plugin of its own, none of its own twice."""
    nodes = pool.spec.aws_nodes
    off = BOTTLEROCKET_BRINGS if nodes is not None and nodes.bottlerocket else ()
    return {**sharing_labels(name, pool), **{f"nvidia.com/gpu.deploy.{operand}": "false" for operand in off}}


def _eks(spec: EnvironmentSpec, planned: EnvironmentPlan, pool: NodePool, group: EksManagedNodeGroup, home: NodeHome) -> EksNodePoolArgs:
    settings, facts = spec.environment.spec, planned.pools[pool.name]
    assert settings.aws is not None
    resources, node, update = dict(facts.devices_per_node), _node(group, facts.efa_interfaces), group.update
    return EksNodePoolArgs(
        pool=pool.name, cluster_name=settings.cluster.name, node_role_arn=home.node_role_arn,
        subnet_ids=sorted(group.subnet_ids) or home.subnet_ids, region=settings.aws.region, instance_types=group.types,
        capacity_type=group.purchases[0], ami_type=group.ami_type, release_version=group.release_version,
        min_nodes=group.min_nodes, max_nodes=group.max_nodes, node=node,
        update=NodeUpdateArgs(update.max_unavailable or (None if update.max_unavailable_percent else 1), update.max_unavailable_percent,
                              update.strategy, update.force),
        repair=NodeRepairArgs(group.node_repair.max_unhealthy_percent, group.node_repair.max_parallel) if group.node_repair else None,
        labels={**pool.spec.labels, **_operator_labels(pool.name, pool)}, taints=taints(pool),
        resources={**resources, EFA: node.efa_interfaces}, tags=tags(spec))


def _node(group: EksManagedNodeGroup, efa_interfaces: int) -> NodeTemplateArgs:
    held = group.capacity_block or group.capacity_reservation
    return NodeTemplateArgs(
        disk_gib=group.disk_gib, bottlerocket=group.bottlerocket, disk_kms_key_arn=group.disk_kms_key_arn, max_pods=group.max_pods,
        shutdown_grace_seconds=group.shutdown_grace_seconds, efa_interfaces=efa_interfaces if group.efa is not None else 0,
        security_group_ids=group.efa.security_group_ids if group.efa is not None else (),
        capacity_reservation_id=held.reservation_id if held is not None else None, capacity_block=group.capacity_block is not None,
        instance_type=group.instance_type if group.capacity_block is not None else None)


def _karpenter(spec: EnvironmentSpec, planned: EnvironmentPlan, pool: NodePool, nodes: KarpenterNodes) -> KarpenterNodePoolArgs:
    settings, facts = spec.environment.spec, planned.pools[pool.name]
    assert settings.aws is not None
    return KarpenterNodePoolArgs(
        pool=pool.name, node=_node_class(spec, nodes, facts.efa_interfaces), instance_types=nodes.instance_types,
        region=settings.aws.region, max_nodes=nodes.max_nodes, gpus_per_node=facts.gpus_per_node, vcpus_per_node=facts.most_vcpus_per_node,
        capacity_types=nodes.capacity_types,
        zones=tuple(nodes.zones), static_nodes=nodes.static_nodes, weight=nodes.weight,
        consolidate_when=_CONSOLIDATION[nodes.consolidation.when], consolidate_after_seconds=nodes.consolidation.after_seconds,
        budgets=tuple(BudgetArgs(each.nodes, each.schedule, each.hours, each.reasons) for each in nodes.disruption_budgets),
        expire_after_hours=nodes.expire_after_hours, termination_grace_seconds=nodes.termination_grace_seconds,
        labels={**pool.spec.labels, **_operator_labels(pool.name, pool)}, taints=taints(pool),
        source=spec.places[("NodePool", pool.name)].relative)


def _node_class(spec: EnvironmentSpec, nodes: KarpenterNodes, efa_interfaces: int) -> NodeClassArgs:
    aws = spec.environment.spec.aws
    assert aws is not None  # cross-checked: EC2 nodes are in an AWS environment
    groups = nodes.security_groups
    terms: tuple[dict[str, Any], ...] = tuple({"id": each} for each in groups.ids or ()) or ({"tags": dict(groups.tags or {})},)
    return NodeClassArgs(
        role=node_role_arn(spec, aws).rpartition("/")[2], ami={"alias": nodes.ami.alias} if nodes.ami.alias else
        {"id": nodes.ami.id or ""}, ami_family=nodes.ami.family, subnets=_subnets(spec, aws, nodes.subnet_ids), security_groups=terms,
        disk_gib=nodes.disk_gib, bottlerocket=nodes.bottlerocket, disk_kms_key_arn=nodes.disk_kms_key_arn,
        instance_store=nodes.instance_store.upper() if nodes.instance_store else None, max_pods=nodes.max_pods,
        capacity_reservation_ids=tuple(each.reservation_id for each in nodes.capacity_reservations), efa_interfaces=efa_interfaces,
        placement_group=nodes.efa.placement_group if nodes.efa is not None else None, tags=tags(spec))


def _subnets(spec: EnvironmentSpec, aws: Aws, own: tuple[str, ...]) -> tuple[Mapping[str, Any], ...]:
    """Selector terms: the pool's own subnets, the environment's, or those of the network that gpuplane creates, by their tag."""
    known = sorted(own or aws.subnet_ids or ())
    return tuple({"id": each} for each in known) or ({"tags": {KARPENTER_DISCOVERY: spec.environment.spec.cluster.name}},)
