"""What a stack holds, and the order of things: settings, gate, cluster identity, then resources.

A bare ``pulumi up`` goes through :func:`run`; the offline engine and ``gpuplane up`` have passed the gate
already and call :func:`register`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pulumi

from gpuplane.catalog import catalog_of
from gpuplane.components.former_names import keep_former_names
from gpuplane.planning import plan
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import LAYERS, EnvironmentSpec, StackKey
from gpuplane.spec.errors import InvalidSpec
from gpuplane.spec.loader import environment_names, load_environment
from gpuplane.stacks import cluster, cluster_identity, gate, platform_services, tenants
from gpuplane.stacks.upstream import export_identity

PROJECT = "gpuplane"
"""Name of the Pulumi project, and of its config keys."""

_COMPOSE = {"cluster": cluster.compose, "platform": platform_services.compose}


@dataclass(frozen=True)
class StackSettings:
    """What a stack holds.

    Attributes:
        environments: folder of the environments.
        environment, layer: what it holds.
        tenant: the one tenant it is of; empty for all of the layer.
        as_of: the date that prices and exemptions are judged at.
    """

    environments: Path
    environment: str
    layer: str
    as_of: date
    tenant: str = ""


def run() -> None:
    """The Pulumi program: registers nothing unless the gate passes and the cluster is the pinned one."""
    settings = stack_settings()
    gate.require_pass(settings.environments, settings.environment, settings.as_of)
    spec = load_environment(settings.environments, settings.environment)
    if settings.layer not in spec.layers:
        raise pulumi.RunError(f"environment {spec.name} has no layer {settings.layer}; it has: {', '.join(spec.layers)}.")
    _require_stack(spec, settings)
    cluster_identity.require_pinned(spec, settings.layer)
    register(spec, plan(spec, catalog_of(spec), settings.as_of), settings.layer, settings.tenant)


def _require_stack(spec: EnvironmentSpec, settings: StackSettings) -> None:
    """Return only if the environment has such a stack: the choice of ``tenant_stacks`` is the environment's, never a stack's."""
    there_are = spec.stacks_of(settings.layer)
    if StackKey(settings.layer, settings.tenant) in there_are:
        return
    if there_are == (StackKey(settings.layer),):
        raise pulumi.RunError(f"{PROJECT}:tenant is {settings.tenant!r}, but {spec.name} keeps its layer {settings.layer} in one stack: "
                              "remove the key, or set tenant_stacks: true in environment.yaml and run `gpuplane migrate-stacks`.")
    names = ", ".join(key.tenant for key in there_are)
    raise pulumi.RunError(f"{PROJECT}:tenant is {settings.tenant!r}; {spec.name} has one stack for each tenant: {names}.")


def register(spec: EnvironmentSpec, planned: EnvironmentPlan, layer: str, tenant: str = "") -> None:
    """Register the resources of one layer, or of one tenant in it, in the running stack."""
    keep_former_names()
    if layer == "tenants":
        tenants.compose(spec, planned, tenant)
    else:
        _COMPOSE[layer](spec, planned)
    export_identity(spec, layer, tenant)


def register_tenant(spec: EnvironmentSpec, planned: EnvironmentPlan, tenant: str) -> None:
    """Register what layer ``tenants`` holds of one tenant; of all tenants together it is the layer."""
    tenants.compose(spec, planned, tenant)


def stack_settings() -> StackSettings:
    """Settings of the running stack: its config keys, and where they are missing the environment that claims the stack.

    Raises:
        pulumi.RunError: what the stack holds is not said anywhere.
    """
    config = pulumi.Config(PROJECT)
    environments = Path(config.get("environments") or Path(pulumi.runtime.get_root_directory() or ".") / "environments")
    said, today = config.get("as-of"), datetime.now(UTC).date()
    as_of = date.fromisoformat(said) if said else today
    if as_of < today:
        raise pulumi.RunError(f"{PROJECT}:as-of is {as_of}, which has passed: what is applied is judged at today's date or later.")
    environment, layer, tenant = config.get("environment"), config.get("layer"), config.get("tenant") or ""
    if (environment is None) != (layer is None):
        raise pulumi.RunError(f"only one of {PROJECT}:environment and {PROJECT}:layer is set: set both, or neither.")
    if environment is None or layer is None:
        environment, layer, tenant = _claimed(environments, pulumi.get_stack())
    if layer not in LAYERS:
        raise pulumi.RunError(f"{PROJECT}:layer is {layer!r}; allowed: {', '.join(LAYERS)}.")
    return StackSettings(environments, environment, layer, as_of, tenant)


def _claimed(environments: Path, stack: str) -> tuple[str, str, str]:
    """Environment, layer and tenant whose ``stacks:`` (or default stack names) claim a stack."""
    unreadable = []
    for name in environment_names(environments):
        try:
            spec = load_environment(environments, name)
        except InvalidSpec as error:
            unreadable.append(str(error))
            continue
        for key in (key for layer in spec.layers for key in spec.stacks_of(layer)):
            if spec.stack_name(key.layer, key.tenant) == stack:
                return name, key.layer, key.tenant
    message = (f"no environment below {environments} claims the stack {stack!r}: set what it holds with "
               f"`pulumi config set {PROJECT}:environment ENV` and `pulumi config set {PROJECT}:layer {'|'.join(LAYERS)}`.")
    raise pulumi.RunError("\n".join([message, *unreadable]))
