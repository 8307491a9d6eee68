"""What of the cluster itself gpuplane creates in AWS, before there are GPU nodes: network, control plane, add-ons, system nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from gpuplane.components.eks_addons import ON_NODES, EksAddons, EksAddonsArgs
from gpuplane.components.eks_cluster import ClusterAccessArgs, EksCluster, EksClusterArgs, node_role_name
from gpuplane.components.iam import AwsPlace, role_name
from gpuplane.components.karpenter_identity import KarpenterIdentity, KarpenterIdentityArgs
from gpuplane.components.system_nodes import SystemNodes, SystemNodesArgs
from gpuplane.components.vpc import Vpc, VpcArgs
from gpuplane.spec.aws import Aws
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.vocabulary import ENVIRONMENT, MANAGED_BY


@dataclass(frozen=True)
class NodeHome:
    """Where nodes go: private subnets, their role, what has to be there before them, and the cluster where it is created here."""

    subnet_ids: Sequence[pulumi.Input[str]]
    node_role_arn: str
    after: tuple[pulumi.Resource, ...] = ()
    cluster: EksCluster | None = None


def place(aws: Aws) -> AwsPlace:
    """Account, region and partition of an environment."""
    return AwsPlace(aws.account_id, aws.region, aws.partition)


def tags(spec: EnvironmentSpec) -> dict[str, str]:
    """Tags of everything that gpuplane creates in AWS."""
    return {MANAGED_BY: "gpuplane", ENVIRONMENT: spec.name}


def node_role_arn(spec: EnvironmentSpec, aws: Aws) -> str:
    """ARN of the role of the nodes: the one that the environment names, or the one that comes with the cluster."""
    return aws.node_role_arn or place(aws).role_arn(node_role_name(spec.environment.spec.cluster.name))


def compose(spec: EnvironmentSpec, options: pulumi.ResourceOptions) -> NodeHome:
    """Register the network and the cluster where the environment asks for them."""
    aws, name = spec.environment.spec.aws, spec.environment.spec.cluster.name
    assert aws is not None
    options = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(protect=spec.environment.spec.protected or None))
    network = None if aws.vpc is None else Vpc(name, _vpc(spec, aws), options)
    subnets: Sequence[pulumi.Input[str]] = sorted(aws.subnet_ids or ()) if network is None else network.private_subnet_ids
    if aws.eks is None:
        return NodeHome(subnets, node_role_arn(spec, aws))
    home = NodeHome(subnets, node_role_arn(spec, aws))
    after_network = _after(options, [network] if network is not None else [])
    cluster = EksCluster(name, _cluster(spec, aws, subnets), after_network)
    daemons = {addon: version for addon, version in aws.eks.addons.items() if addon in ON_NODES}
    on_nodes = EksAddons("on-nodes", _addons(spec, aws, daemons), _after(options, [cluster]))
    nodes = SystemNodes("system", _system_nodes(spec, aws, home), _after(options, [cluster, on_nodes]))
    services = {addon: version for addon, version in aws.eks.addons.items() if addon not in ON_NODES}
    EksAddons("services", _addons(spec, aws, services), _after(options, [nodes]))
    return NodeHome(home.subnet_ids, home.node_role_arn, (cluster, on_nodes), cluster)


def compose_karpenter(spec: EnvironmentSpec, options: pulumi.ResourceOptions) -> None:
    """Register what Karpenter is in AWS, where gpuplane installs it."""
    settings = spec.environment.spec
    if settings.karpenter is None or settings.karpenter.install != "release" or settings.aws is None:
        return
    name = settings.cluster.name
    KarpenterIdentity(name, KarpenterIdentityArgs(
        name, place(settings.aws), role_name(f"{name}-karpenter"), node_role_arn(spec, settings.aws), tags(spec)), options)


def _after(options: pulumi.ResourceOptions, resources: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=list(resources)))


def _vpc(spec: EnvironmentSpec, aws: Aws) -> VpcArgs:
    assert aws.vpc is not None
    return VpcArgs(
        name=spec.environment.spec.cluster.name, place=place(aws), cidr=aws.vpc.cidr, private_subnets=aws.vpc.private_subnets,
        public_subnets=aws.vpc.public_subnets, nat_gateways=aws.vpc.nat_gateways,
        interface_endpoints=aws.vpc.interface_endpoints, flow_log_days=aws.vpc.flow_log_days, tags=tags(spec))


def _cluster(spec: EnvironmentSpec, aws: Aws, subnets: Sequence[pulumi.Input[str]]) -> EksClusterArgs:
    assert aws.eks is not None
    settings, eks = spec.environment.spec, aws.eks
    return EksClusterArgs(
        name=settings.cluster.name, place=place(aws), version=settings.cluster.kubernetes_version, subnet_ids=subnets,
        public_access_cidrs=eks.public_access_cidrs, kms_key_arn=eks.kms_key_arn, audit_log_days=eks.audit_log_days,
        support=eks.support, service_cidr=eks.service_cidr, deletion_protection=settings.protected, tags=tags(spec),
        access=tuple(ClusterAccessArgs(one.role_arn, one.policy, one.namespaces, one.kubernetes_groups or ()) for one in eks.access))


def _addons(spec: EnvironmentSpec, aws: Aws, versions: Mapping[str, str]) -> EksAddonsArgs:
    return EksAddonsArgs(spec.environment.spec.cluster.name, place(aws), versions, tags(spec))


def _system_nodes(spec: EnvironmentSpec, aws: Aws, home: NodeHome) -> SystemNodesArgs:
    assert aws.eks is not None
    nodes = aws.eks.system_nodes
    return SystemNodesArgs(
        cluster_name=spec.environment.spec.cluster.name, node_role_arn=home.node_role_arn, subnet_ids=home.subnet_ids, region=aws.region,
        instance_types=nodes.instance_types, ami_type=nodes.ami_type, release_version=nodes.release_version,
        min_nodes=nodes.min_nodes, max_nodes=nodes.max_nodes, disk_gib=nodes.disk_gib, tags=tags(spec))
