"""The only providers there are: explicit, pinned to the environment's context and account.

They are registered with exactly the properties written here. The generated provider classes fill a dozen others
from the process environment (``KUBECONFIG``, ``PULUMI_K8S_*``, ``AWS_*``): a preview would then depend on the machine, and
credentials would come into plans and state. The plugins read the user's kubeconfig and AWS profile themselves, when they run.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import version

import pulumi

from gpuplane.spec.environment_spec import EnvironmentSpec


class PinnedProvider(pulumi.ProviderResource):
    """One provider with just these properties, at the version of the installed SDK.

    Args:
        package: ``kubernetes`` or ``aws``.
        props: properties as the provider plugin takes them: text, anything else as JSON.
    """

    def __init__(self, package: str, props: dict[str, pulumi.Input[str]]) -> None:
        super().__init__(package, package, dict(props), pulumi.ResourceOptions(version=_version(package)))


@cache
def _version(package: str) -> str:
    """Of the installed SDK of a provider."""
    return version(f"pulumi_{package}")


def kubernetes_provider(context: pulumi.Input[str]) -> PinnedProvider:
    """Kubernetes by a context, as :func:`gpuplane.stacks.upstream.checked_context` gives it."""
    return PinnedProvider("kubernetes", {"context": context})


def aws_provider(spec: EnvironmentSpec) -> PinnedProvider:
    """AWS by region and account; another account's credentials are refused by the provider itself."""
    aws = spec.environment.spec.aws
    assert aws is not None  # only layers of cloud: aws come here
    return PinnedProvider("aws", {"region": aws.region, "allowedAccountIds": json.dumps([aws.account_id])})


def with_provider(provider: pulumi.ProviderResource, *, protect: bool | None = None) -> pulumi.ResourceOptions:
    """Options that hand a provider to a component and all below it."""
    return pulumi.ResourceOptions(providers=[provider], protect=protect)
