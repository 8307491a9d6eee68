"""What an approval is of: one digest for each stack, over what would be applied and nothing else.

Names of files and lines of comments, other tenants, the stack's own name and the order in which things are registered are no part of
it: a merge that changes none of a stack's objects keeps its approval.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gpuplane.delivery.changes import is_real
from gpuplane.delivery.object_digest import digest_over, object_digests
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey


@dataclass(frozen=True)
class StackDigest:
    """One stack and what it would hold.

    Attributes:
        name: of the stack.
        key: what it holds.
        digest: ``sha256:`` and 64 hexadecimal digits.
        resources: how many real resources that is.
    """

    name: str
    key: StackKey
    digest: str
    resources: int


def stack_digests(spec: EnvironmentSpec, planned: EnvironmentPlan, layers: Iterable[str] = ()) -> tuple[StackDigest, ...]:
    """Digests of an environment's stacks (of these layers, or of all), in the order they are applied."""
    keys = [key for layer in layers or spec.layers for key in spec.stacks_of(layer)]
    return tuple(stack_digest(spec, planned, key) for key in keys)


def stack_digest(spec: EnvironmentSpec, planned: EnvironmentPlan, key: StackKey) -> StackDigest:
    """Digest of one stack."""
    from gpuplane.delivery.offline_engine import render_stack

    return digests_of(spec, {key: render_stack(spec, planned, key)})[0]


def digests_of(spec: EnvironmentSpec, stacks: Mapping[StackKey, tuple[ResourceView, ...]]) -> tuple[StackDigest, ...]:
    """Digests of rendered stacks, in their order."""
    return tuple(StackDigest(spec.stack_name(key.layer, key.tenant), key, digest_over(object_digests(views)), sum(map(is_real, views)))
                 for key, views in stacks.items())
