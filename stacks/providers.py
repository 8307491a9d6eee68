"""The only providers there are: explicit, pinned to the environment's context and account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from gpuplane.spec.environment_spec import EnvironmentSpec

if TYPE_CHECKING:
    from pulumi_aws import Provider as AwsProvider
    from pulumi_kubernetes import Provider as KubernetesProvider


def kubernetes_provider(spec: EnvironmentSpec) -> KubernetesProvider:
    """Kubernetes by the context that the environment pins; credentials stay in the kubeconfig that KUBECONFIG names."""
    from pulumi_kubernetes import Provider

    return Provider("kubernetes", context=spec.environment.spec.cluster.context)


def aws_provider(spec: EnvironmentSpec) -> AwsProvider:
    """AWS by region and account; another account's credentials are refused by the provider itself."""
    from pulumi_aws import Provider

    aws = spec.environment.spec.aws
    assert aws is not None  # only layers of cloud: aws come here
    return Provider("aws", region=aws.region, allowed_account_ids=[aws.account_id])


def with_provider(provider: pulumi.ProviderResource, *, protect: bool | None = None) -> pulumi.ResourceOptions:
    """Options that hand a provider to a component and all below it."""
    return pulumi.ResourceOptions(providers=[provider], protect=protect)
