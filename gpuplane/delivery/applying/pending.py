"""What a killed run left half done: operations that Pulumi began and never heard the end of.

Updates and deletes are settled by asking the cluster or cloud what is there. A create has no id yet: where the id follows from the
object's own name it is looked up, and taken into the state if it is there; where it does not, a person has to look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gpuplane.delivery.applying import live_objects
from gpuplane.delivery.applying.import_ids import import_id
from gpuplane.delivery.applying.states import deployment, run_cli, stack_names
from gpuplane.delivery.exit_status import EngineFailed
from gpuplane.delivery.live_progress import short
from gpuplane.spec.environment_spec import EnvironmentSpec

_CREATING = "creating"


def recover(spec: EnvironmentSpec, name: str, variables: Mapping[str, str]) -> Iterator[str]:
    """Settle pending operations of a stack; yields a line about each.

    Raises:
        EngineFailed: one cannot be settled without a person, or Pulumi failed.
    """
    if name not in stack_names(variables):
        return
    operations = deployment(name, variables).get("pending_operations") or []
    if not operations:
        return
    there, urns = list[str](), list[str]()
    for operation in operations:
        resource = operation["resource"]
        urns.append(resource["urn"])
        if operation["type"] == _CREATING:
            found = _found(spec, name, resource)
            there += [resource["urn"], found] if found else []
            yield f"{short(resource['urn'])} was being created when a run was killed: it is {'' if found else 'not '}there"
        else:
            yield f"{short(resource['urn'])} was being changed when a run was killed ({operation['type']}): asking what is there"
    _settle(name, there, urns, variables)


def _settle(name: str, there: list[str], urns: list[str], variables: Mapping[str, str]) -> None:
    arguments = ["refresh", "--yes", "--skip-preview", "--stack", name]
    imports = [part for pair in zip(there[::2], there[1::2], strict=True) for part in ("--import-pending-creates", " ".join(pair))]
    targets = [part for urn in urns for part in ("--target", urn)]
    if imports:
        run_cli([*arguments, *targets, *imports], variables)
    run_cli([*arguments, *targets, "--clear-pending-creates"], variables)


def _found(spec: EnvironmentSpec, name: str, resource: Mapping[str, Any]) -> str:
    """Id of an object whose creation was begun, if it is there."""
    found = import_id(resource["type"], resource.get("inputs") or {})
    if found is None:
        raise EngineFailed(
            f"{name}: a run was killed while it created {short(resource['urn'])}, and its id does not follow from its name. Look whether "
            f"it is there. If it is: `pulumi refresh --stack {name} --import-pending-creates '{resource['urn']} ID'`; if not: "
            f"`pulumi refresh --stack {name} --clear-pending-creates`. Then run this again.")
    if resource["type"].startswith("kubernetes:"):
        inputs = resource.get("inputs") or {}
        return found if live_objects.read(spec, inputs) is not None else ""
    return found
