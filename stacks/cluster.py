"""Layer ``cluster``: an EKS cluster, as far as gpuplane creates it, and its GPU node groups."""

from __future__ import annotations

import pulumi

from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.stacks import aws_cluster
from gpuplane.stacks.node_pools import register_node_group
from gpuplane.stacks.providers import aws_provider, with_provider
from gpuplane.stacks.upstream import export_cluster


def compose(spec: EnvironmentSpec, planned: EnvironmentPlan) -> None:
    """Register the cluster where the environment asks for it, and one node group for each pool that is one."""
    options = with_provider(aws_provider(spec))
    home = aws_cluster.compose(spec, options)
    after = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=list(home.after)))
    if home.cluster is not None:
        export_cluster(home.cluster.endpoint, home.cluster.certificate_authority)
    aws_cluster.compose_karpenter(spec, after)
    for name in spec.pools:
        register_node_group(spec, planned, name, home, after)
