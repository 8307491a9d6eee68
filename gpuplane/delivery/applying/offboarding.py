"""Tenants that the state holds and no document describes: they go by name alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gpuplane.delivery.applying.states import resources, tenant_stacks_there, tenants_in
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey


@dataclass(frozen=True)
class Offboarding:
    """Who is left behind.

    Attributes:
        tenants: their names.
        stacks: those that are theirs alone.
    """

    tenants: frozenset[str] = frozenset()
    stacks: tuple[StackKey, ...] = ()


def left_behind(spec: EnvironmentSpec, layers: tuple[str, ...], names: frozenset[str], variables: Mapping[str, str]) -> Offboarding:
    """Tenants that the state of the layer ``tenants`` holds and no document describes."""
    if "tenants" not in layers:
        return Offboarding()
    if spec.environment.spec.tenant_stacks:
        stacks = tuple(key for key in tenant_stacks_there(spec, names, variables) if key.tenant not in spec.tenants)
        return Offboarding(frozenset(key.tenant for key in stacks), stacks)
    whole = spec.stack_name("tenants")
    held = tenants_in(resources(whole, variables)) if whole in names else frozenset()
    return Offboarding(held - spec.tenants.keys())
