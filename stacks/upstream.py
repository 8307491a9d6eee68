"""Stack references between layers: each stack says what it is, and the next one checks that before it builds on it."""

from __future__ import annotations

from functools import partial

import pulumi

from gpuplane.spec.environment_spec import LAYERS, EnvironmentSpec


def export_identity(spec: EnvironmentSpec, layer: str, tenant: str = "") -> None:
    """Export what this stack holds, for the layers above it."""
    pulumi.export("environment", spec.name)
    pulumi.export("layer", layer)
    if tenant:
        pulumi.export("tenant", tenant)
    pulumi.export("cluster", spec.environment.spec.cluster.name)


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
    reference = pulumi.StackReference(f"{pulumi.get_organization()}/{pulumi.get_project()}/{spec.stack_name(below)}")
    expected = {"environment": spec.name, "layer": below, "cluster": spec.environment.spec.cluster.name}
    for key, value in expected.items():
        reference.require_output(key).apply(partial(_same, key, value))
    return reference


def _same(key: str, expected: str, found: object) -> None:
    if found != expected:
        raise pulumi.RunError(f"the stack below holds {key} {found!r}, this one {expected!r}: check the names under stacks: "
                              "of environment.yaml.")
