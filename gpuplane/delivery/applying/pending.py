"""What a killed run left half done: operations that Pulumi began and never heard the end of.

Updates and deletes are settled by asking the cluster or cloud what is there. A create has no id yet: where the id follows from the
object's own name it is looked up, and taken into the state if it is there; where it does not, a person has to look.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gpuplane.delivery.applying import live_objects
from gpuplane.delivery.applying.import_file import Existing, take_in
from gpuplane.delivery.applying.import_ids import import_id
from gpuplane.delivery.applying.states import deployment, run_cli, stack_names
from gpuplane.delivery.applying.unsure import MADE, Begun
from gpuplane.delivery.exit_status import EngineFailed
from gpuplane.delivery.live_progress import short
from gpuplane.spec.environment_spec import EnvironmentSpec

_CREATING = "creating"
_MANAGER = "pulumi-kubernetes"
_UNSURE = "unsure"
"""Not Pulumi's own: the answer to a create was lost."""


def recover(spec: EnvironmentSpec, name: str, variables: Mapping[str, str], unsure: Sequence[Begun] = ()) -> tuple[str, ...]:
    """Settle pending operations of a stack, and creates that somebody is unsure of; returns a line about each.

    Raises:
        EngineFailed: one cannot be settled without a person, or Pulumi failed.
    """
    if name not in stack_names(variables):
        return ()
    state = deployment(name, variables)
    held = {one["urn"] for one in state.get("resources") or ()}
    operations = [one for one in state.get("pending_operations") or [] if one["type"] != "reading"]  # a read changed nothing
    lost = [one for one in unsure if one["urn"] not in held]
    operations += [{"type": _UNSURE, "resource": one} for one in lost]
    if not operations:
        return ()
    created = {one["resource"]["urn"]: _found(spec, name, one["resource"]) for one in operations if _is_creation(one)}
    _require_providers(spec, name, held, [one for one in lost if created.get(one["urn"])])
    _settle(name, state, {one["resource"]["urn"]: one["resource"] for one in operations},
            {urn: found for urn, found in created.items() if found}, variables)
    return tuple(_line(one, created) for one in operations if _is_real(one) and (one["type"] != _UNSURE or created[one["resource"]["urn"]]))


def _require_providers(spec: EnvironmentSpec, name: str, held: Collection[str], there: Sequence[Begun]) -> None:
    """A state of before the first apply has no provider to take anything in by."""
    if any(_provider(one) not in held for one in there):
        raise EngineFailed(f"{name}: {len(there)} objects were created that the state does not know, nor their provider: the first apply "
                           f"was not written. Take them in: `gpuplane adopt {spec.name} --yes`, then run this again.")


def _is_real(operation: Mapping[str, Any]) -> bool:
    """Whether it is about something outside the state: components and providers are nothing there."""
    return not operation["resource"]["type"].startswith(("pulumi:", "gpuplane:"))


def _is_creation(operation: Mapping[str, Any]) -> bool:
    return operation["type"] in (_CREATING, _UNSURE) and _is_real(operation)


def _line(operation: Mapping[str, Any], created: Mapping[str, str]) -> str:
    urn, kind = operation["resource"]["urn"], operation["type"]
    if _is_creation(operation):
        if operation["resource"].get(MADE):
            return f"{short(urn)} was made by a run whose state was not written: it is {'there, taken in' if created[urn] else 'not there'}"
        when = "a run was killed" if kind == _CREATING else "its answer was lost"
        return f"{short(urn)} was being created when {when}: it is {'there, taken in' if created[urn] else 'not there'}"
    return f"{short(urn)} was in work when a run was killed ({kind}): the state says now what is there"


def _settle(name: str, state: Mapping[str, Any], begun: Mapping[str, Begun], there: Mapping[str, str],
            variables: Mapping[str, str]) -> None:
    """Forget what was to be created, look at what was changed, and take in what had been created; nothing else is refreshed."""
    held = [one["urn"] for one in state.get("resources") or ()]
    operations = state.get("pending_operations") or ()
    if operations:
        changed = [one["resource"]["urn"] for one in operations if one["type"] != _CREATING and _is_real(one)]
        looked_at = [urn for urn in changed if urn in held] or held[:1]  # the first is the stack itself, with nothing to look at
        targets = (part for urn in looked_at for part in ("--target", urn))
        run_cli(["refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--stack", name, *targets], variables)
    found = [Existing(urn, begun[urn]["type"], there[urn], _parent(begun[urn]), _provider(begun[urn])) for urn in there]
    if found:
        take_in(name, [*_components(found, begun), *found], variables)


def _components(found: Sequence[Existing], begun: Mapping[str, Begun]) -> list[Existing]:
    """Components above objects that the state does not know either."""
    above: dict[str, Existing] = {}
    for one in found:
        urn = one.parent
        while urn in begun and urn not in above:
            above[urn] = Existing(urn, begun[urn]["type"], parent=_parent(begun[urn]))
            urn = above[urn].parent
    return list(above.values())


def _provider(resource: Begun) -> str:
    return str(resource.get("provider") or "").rpartition("::")[0]


def _parent(resource: Mapping[str, Any]) -> str:
    parent = str(resource.get("parent") or "")
    return "" if "::pulumi:pulumi:Stack::" in parent else parent


def _is_pulumis(live: Mapping[str, Any]) -> bool:
    """Whether Pulumi wrote to an object: the API server notes who did."""
    managers = ((live.get("metadata") or {}).get("managedFields")) or ()
    return any(str(one.get("manager", "")).startswith(_MANAGER) for one in managers)


def _found(spec: EnvironmentSpec, name: str, resource: Mapping[str, Any]) -> str:
    """Id of an object whose creation was begun, if it is there."""
    found = import_id(resource["type"], resource.get("inputs") or {})
    if found is None:
        raise EngineFailed(
            f"{name}: a run was killed while it created {short(resource['urn'])}, and its id does not follow from its name. Look whether "
            f"it is there. If it is: `pulumi refresh --stack {name} --import-pending-creates '{resource['urn']} ID'`; if not: "
            f"`pulumi refresh --stack {name} --clear-pending-creates`. Then run this again.")
    if resource["type"].startswith("kubernetes:"):
        live = live_objects.read(spec, resource.get("inputs") or {})
        if live is not None and not _is_pulumis(live):
            raise EngineFailed(f"{name}: a run was stopped while it created {short(resource['urn'])}; one of that name is there, and "
                               f"Pulumi did not make it. Rename one of the two, delete it, or take it in: `gpuplane adopt {spec.name}`.")
        return found if live is not None else ""
    return found
