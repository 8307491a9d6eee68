"""Stack references between layers: each stack says what it is, and the next one checks that before it builds on it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pulumi

from gpuplane.spec.environment_spec import LAYERS, EnvironmentSpec
from gpuplane.stacks.cluster_identity import CERTIFICATE_AUTHORITY, ENDPOINT, created_mismatch


def export_identity(spec: EnvironmentSpec, layer: str, tenant: str = "") -> None:
    """Export what this stack holds, for the layers above it."""
    pulumi.export("environment", spec.name)
    pulumi.export("layer", layer)
    if tenant:
        pulumi.export("tenant", tenant)
    pulumi.export("cluster", spec.environment.spec.cluster.name)


def export_cluster(endpoint: pulumi.Output[str], certificate_authority: pulumi.Output[str]) -> None:
    """Export by what the cluster is known that this stack has created; both are public, and no other cluster has them."""
    pulumi.export(ENDPOINT, endpoint)
    pulumi.export(CERTIFICATE_AUTHORITY, certificate_authority)


def require_upstream(spec: EnvironmentSpec, layer: str) -> pulumi.StackReference | None:
    """The stack of the layer below, checked to be of the same environment and cluster; None for the lowest layer.

    The reference fails where that stack does not exist: apply the layers in order. The check runs beside the first
    registrations and fails the update; which cluster is written to is checked before, by :mod:`gpuplane.stacks.cluster_identity`.
    """
    position = spec.layers.index(layer)
    if position == 0:
        return None
    below = spec.layers[position - 1]
    assert below in LAYERS
    reference = _reference(spec, below)
    expected = {"environment": spec.name, "layer": below, "cluster": spec.environment.spec.cluster.name}
    reference.outputs.apply(partial(_require_same, expected))
    return reference


def checked_context(spec: EnvironmentSpec, layer: str, below: pulumi.StackReference | None) -> pulumi.Input[str]:
    """The kubeconfig's context, for the provider that writes to the cluster.

    Where gpuplane created the cluster and nobody pinned it, it comes out only once the context is found to lead to what the stack of
    layer ``cluster`` exports: without it there is no provider, hence not one write.
    """
    context = spec.environment.spec.cluster.context
    if not spec.environment.spec.known_by_export:
        return context
    home = below if below is not None and spec.layers.index(layer) == 1 else _reference(spec, LAYERS[0])

    def checked(found: list[str]) -> str:
        problem = created_mismatch(spec, found[0], found[1])
        if problem is not None:
            raise pulumi.RunError(problem)
        return context

    return pulumi.Output.all(home.require_output(ENDPOINT), home.require_output(CERTIFICATE_AUTHORITY)).apply(checked)


def _reference(spec: EnvironmentSpec, layer: str) -> pulumi.StackReference:
    return pulumi.StackReference(f"{pulumi.get_organization()}/{pulumi.get_project()}/{spec.stack_name(layer)}")


def _require_same(expected: Mapping[str, str], found: Mapping[str, object]) -> None:
    for key, value in expected.items():
        if found.get(key) != value:
            raise pulumi.RunError(f"the stack below holds {key} {found.get(key)!r}, this one {value!r}: check the names under stacks: "
                                  "of environment.yaml.")
