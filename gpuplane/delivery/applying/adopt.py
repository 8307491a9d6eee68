"""``gpuplane adopt``: what runs already moves into the state, and goes on running.

Three steps for each stack, each of which can be repeated: providers, which are nothing in the cluster, go into the state; objects that are
there, by the names that the wish gives them, are taken in as they are, below their components; a preview says what the next ``up`` does.
Where that preview would replace or delete something, the adoption is said to be no good, and the objects are put out of the state again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gpuplane.delivery.applying import helm_releases, live_objects, states
from gpuplane.delivery.applying.import_file import Existing, take_in
from gpuplane.delivery.applying.import_ids import import_id
from gpuplane.delivery.applying.stack_run import run_alone
from gpuplane.delivery.live_progress import LiveProgress, short
from gpuplane.delivery.object_digest import urn_tail
from gpuplane.delivery.offline_engine import render_stack
from gpuplane.delivery.pulumi_engine import name_of
from gpuplane.graph.resource_view import ResourceView
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey

if TYPE_CHECKING:
    from rich.console import Console

    from gpuplane.planning.environment_plan import EnvironmentPlan

_LOSSES = ("replace", "create-replacement", "delete-replaced", "delete")


@dataclass(frozen=True)
class Adoptable:
    """What of a stack is there already.

    Attributes:
        key, stack: the stack and its name.
        found: objects that are there and not in the state.
        unsure: AWS resources and Helm releases of which nobody could tell, each with the option that says it to be there.
        absent: AWS resources and Helm releases that were looked for and are not there.
        missing: how many Kubernetes objects are not there yet; the next ``up`` makes them, and what is absent.
    """

    key: StackKey
    stack: str
    found: tuple[Existing, ...]
    unsure: tuple[str, ...]
    absent: tuple[str, ...]
    missing: int


@dataclass(frozen=True)
class Adopted:
    """What a preview says after the import: updates are the wish's own; losses make it no good."""

    updates: tuple[str, ...]
    losses: tuple[str, ...]


def adoptable(spec: EnvironmentSpec, planned: EnvironmentPlan, key: StackKey, variables: Mapping[str, str],
              ids: Mapping[str, str], look: Callable[[str, Mapping[str, Any]], bool | None] = lambda *_: None) -> Adoptable:
    """Compare what a stack would hold with what is there.

    Args:
        ids: of AWS resources and Helm releases that are there, by Pulumi name: nobody looks for these.
        look: whether AWS has a resource, by type and inputs; None where nobody can tell.

    Raises:
        EngineFailed: the cluster or the backend cannot be asked.
    """
    name = name_of(spec, key)
    views = render_stack(spec, planned, key)
    held = {urn_tail(one["urn"]) for one in states.resources_if_any(name, variables)}
    providers = {view.type.rpartition(":")[2]: view.urn for view in views if view.type.startswith("pulumi:providers:")}
    found: list[Existing] = []
    unsure: list[str] = []
    absent: list[str] = []
    missing = 0
    for view in (view for view in views if _is_object(view) and urn_tail(view.urn) not in held):
        resource, follows = view.urn.rpartition("::")[2], import_id(view.type, view.props)
        known = ids.get(resource) or follows
        there = known is not None and (resource in ids or _is_there(spec, view, look))
        if known is None or there is None:  # who runs this knows
            unsure.append(f"{short(view.urn)} (--id {resource}={follows or '…'})")
        elif there:
            found.append(Existing(view.urn, view.type, known, view.parent, providers[view.type.partition(":")[0]]))
        elif view.is_kubernetes:
            missing += 1
        else:
            absent.append(f"{short(view.urn)} {known}")
    return Adoptable(key, name, tuple(found), tuple(unsure), tuple(absent), missing)


def _is_there(spec: EnvironmentSpec, view: ResourceView, look: Callable[[str, Mapping[str, Any]], bool | None]) -> bool | None:
    if view.type.startswith("kubernetes:helm.sh"):
        return helm_releases.is_there(spec, view.props)
    return live_objects.read(spec, view.props) is not None if view.is_kubernetes else look(view.type, view.props)


def adopt(spec: EnvironmentSpec, planned: EnvironmentPlan, what: Adoptable, variables: Mapping[str, str], console: Console) -> Adopted:
    """Take objects into the state, and see what an apply would do to them.

    Raises:
        EngineFailed: Pulumi says no; what is in the state by then may stay.
    """
    views = {view.urn: view for view in render_stack(spec, planned, what.key)}
    providers = [urn for urn, view in views.items() if view.type.startswith("pulumi:providers:")]
    with LiveProgress(console, f"preparing {what.stack}", quiet=True) as progress:
        run_alone(spec, planned, what.key, variables, progress,
                  lambda stack, progress: stack.up(on_event=progress.on_event, target=providers))
    held = {one["urn"] for one in states.resources(what.stack, variables)}
    take_in(what.stack, [*_components(what.found, views, held), *what.found], variables)
    with LiveProgress(console, f"previewing {what.stack}", dry=True) as progress:
        run_alone(spec, planned, what.key, variables, progress, lambda stack, progress: stack.preview(on_event=progress.on_event))
    ours = {one.urn for one in what.found}
    changed = [(short(urn), operation, fields) for urn, (operation, fields) in sorted(progress.changed.items()) if urn in ours]
    return Adopted(tuple(f"{name}: {', '.join(fields)}" for name, operation, fields in changed if operation == "update"),
                   tuple(f"{name} would go ({operation}): {', '.join(fields)}" for name, operation, fields in changed
                         if operation in _LOSSES))


def _components(found: Sequence[Existing], views: Mapping[str, ResourceView], held: Collection[str]) -> list[Existing]:
    """Components above objects, as far as the state has them not."""
    above: dict[str, Existing] = {}
    for one in found:
        urn = one.parent
        while urn and urn not in held and urn not in above:
            above[urn] = Existing(urn, views[urn].type, parent=views[urn].parent)
            urn = views[urn].parent
    return list(above.values())


def put_out(what: Adoptable, variables: Mapping[str, str]) -> None:
    """Forget adopted objects again; nothing happens to them.

    Raises:
        EngineFailed: Pulumi says no.
    """
    for one in reversed(_in_order(what.found)):
        states.run_cli(["state", "remove", one.urn, "--yes", "--force", "--stack", what.stack], variables)


def _in_order(found: Sequence[Existing]) -> list[Existing]:
    return sorted(found, key=lambda one: one.urn.count("$"))


def _is_object(view: ResourceView) -> bool:
    return view.custom and not view.type.startswith("pulumi:")
