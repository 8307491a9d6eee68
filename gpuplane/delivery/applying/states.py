"""Stacks as the backend has them: which there are, what they hold, and edits of their state through the Pulumi CLI."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pulumi import automation as auto

from gpuplane.delivery.exit_status import EngineFailed
from gpuplane.delivery.pulumi_engine import DetachedPulumi, exported, name_of, reason, settings_of
from gpuplane.delivery.secrets_provider import wished
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey
from gpuplane.stacks.program import PROJECT

TENANT_TYPE = "gpuplane:index:Tenant"
_STACK_TYPE = "pulumi:pulumi:Stack"
_REWRITE = ("refresh", "import")
"""Commands that encrypt the state anew."""
Resource = Mapping[str, Any]


@contextmanager
def workspace(variables: Mapping[str, str]) -> Iterator[auto.LocalWorkspace]:
    """The project without a program.

    Raises:
        EngineFailed: Pulumi refuses what is asked of it.
    """
    with tempfile.TemporaryDirectory(prefix="gpuplane-") as folder:
        settings = auto.ProjectSettings(name=PROJECT, runtime="python")
        try:
            yield auto.LocalWorkspace(work_dir=folder, env_vars=dict(variables), project_settings=settings,
                                      pulumi_command=DetachedPulumi())
        except auto.CommandError as error:
            raise EngineFailed(reason(error)) from None


def stack_names(variables: Mapping[str, str]) -> frozenset[str]:
    """Names of all stacks of the project in this backend."""
    with workspace(variables) as space:
        return frozenset(stack.name.rpartition("/")[2] for stack in space.list_stacks())


def stacks_among(wanted: Iterable[str], variables: Mapping[str, str]) -> frozenset[str]:
    """Which of these stacks there are. Pulumi lists none where the state of one cannot be read: then each is asked for by itself."""
    asked = frozenset(wanted)
    try:
        return stack_names(variables) & asked
    except EngineFailed:
        return frozenset(name for name in asked if _is_there(name, variables))


def _is_there(name: str, variables: Mapping[str, str]) -> bool:
    """Whether there is a stack of that name, its state readable or not."""
    try:
        deployment(name, variables)
    except EngineFailed as error:
        return "no stack named" not in str(error)
    return True


def deployment(name: str, variables: Mapping[str, str]) -> dict[str, Any]:
    """What a stack's state holds, as ``pulumi stack export`` writes it, secrets encrypted; empty where nothing was ever applied.

    Raises:
        EngineFailed: it cannot be read; begins with the stack's name.
    """
    try:
        with workspace(variables) as space:
            return exported(space, space.pulumi_command, name)
    except EngineFailed as error:
        raise EngineFailed(f"{name}: {error}") from None


def resources(name: str, variables: Mapping[str, str]) -> tuple[Resource, ...]:
    """Resources in a stack's state."""
    return tuple(deployment(name, variables).get("resources") or ())


def resources_if_any(name: str, variables: Mapping[str, str]) -> tuple[Resource, ...]:
    """The same, and nothing where there is no such stack."""
    return resources(name, variables) if name in stack_names(variables) else ()


def outputs(name: str, variables: Mapping[str, str]) -> Mapping[str, Any]:
    """What a stack exports; empty where there is no such stack."""
    found = resources_if_any(name, variables)
    return next((one.get("outputs") or {} for one in found if one["type"] == _STACK_TYPE), {})


def is_applied(spec: EnvironmentSpec, layer: str, variables: Mapping[str, str], names: frozenset[str]) -> bool:
    """Whether a layer's own stack holds anything."""
    name = spec.stack_name(layer)
    return name in names and bool(resources(name, variables))


def tenants_in(found: tuple[Resource, ...]) -> frozenset[str]:
    """Tenants that a state holds."""
    return frozenset(one["urn"].rpartition("::")[2] for one in found if one["type"] == TENANT_TYPE)


def tenant_stacks_there(spec: EnvironmentSpec, names: frozenset[str], variables: Mapping[str, str]) -> tuple[StackKey, ...]:
    """Stacks of single tenants of this environment in the backend, with or without a document, by what they say that they hold."""
    begin = f"{spec.stack_name('tenants')}-"
    found = (StackKey("tenants", name.removeprefix(begin)) for name in sorted(names) if name.startswith(begin))
    return tuple(key for key in found if key.tenant in spec.tenants or _holds(spec, key, variables))


def _holds(spec: EnvironmentSpec, key: StackKey, variables: Mapping[str, str]) -> bool:
    """Whether a stack says that it is this tenant's; the name alone may be another environment's."""
    there = resources(name_of(spec, key), variables)
    said = next((one.get("outputs") or {} for one in there if one["type"] == _STACK_TYPE), {})
    return (said.get("environment"), said.get("tenant")) == (spec.name, key.tenant) or tenants_in(there) == {key.tenant}


def run_cli(arguments: Sequence[str], variables: Mapping[str, str]) -> str:
    """Run one Pulumi command on the project, without its program; returns what it printed.

    Raises:
        EngineFailed: it failed.
    """
    with workspace(variables) as space:
        if arguments[0] in _REWRITE:
            name = arguments[arguments.index("--stack") + 1]
            settings = settings_of(exported(space, space.pulumi_command, name))
            if settings is not None:
                space.save_stack_settings(name, settings)
        result = space.pulumi_command.run(list(arguments), space.work_dir, dict(variables))
        return str(result.stdout)


def make(spec: EnvironmentSpec, name: str, variables: Mapping[str, str]) -> None:
    """Make a stack that holds nothing, with the secrets provider of the environment.

    Raises:
        EngineFailed: Pulumi says no.
    """
    provider = wished(spec)
    run_cli(["stack", "init", name, *(("--secrets-provider", provider) if provider is not None else ())], variables)


def remove_empty(name: str, variables: Mapping[str, str]) -> None:
    """Take away a stack that holds nothing."""
    with workspace(variables) as space:
        space.remove_stack(name)


def import_deployment(name: str, state: Mapping[str, Any], variables: Mapping[str, str]) -> None:
    """Replace what a stack's state holds."""
    with workspace(variables) as space:
        space.import_stack(name, auto.Deployment(version=3, deployment=json.loads(json.dumps(state))))
