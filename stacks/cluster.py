"""Layer ``cluster``: the GPU node groups of an EKS cluster."""

from __future__ import annotations

from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.stacks.node_pools import register_node_group
from gpuplane.stacks.providers import aws_provider, with_provider


def compose(spec: EnvironmentSpec, planned: EnvironmentPlan) -> None:
    """Register one node group for each pool that is one."""
    options = with_provider(aws_provider(spec))
    for name in spec.pools:
        register_node_group(spec, planned, name, options)
