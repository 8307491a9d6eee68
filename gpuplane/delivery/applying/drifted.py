"""What differs between a stack's state and what is really there, and who wrote it; nothing is changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gpuplane.delivery.applying import live_objects
from gpuplane.delivery.applying.expected_changes import why_expected
from gpuplane.delivery.applying.field_owners import Owner, last_writers, owners
from gpuplane.delivery.applying.stack_run import TAKE_BACK, Interrupts, run_stack
from gpuplane.delivery.applying.states import Resource, resources_if_any, tenants_in
from gpuplane.delivery.live_progress import LiveProgress, short
from gpuplane.delivery.pulumi_engine import name_of
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey
from gpuplane.spec.errors import listed
from gpuplane.spec.vocabulary import TENANT

if TYPE_CHECKING:
    from rich.console import Console

    from gpuplane.delivery.applying.apply_stack import Applier
    from gpuplane.planning.environment_plan import EnvironmentPlan

_AT_MOST_NAMED = 5


@dataclass(frozen=True)
class FieldDrift:
    """One field: its path, and who wrote it, the latest first (``certain`` where the server says that they own it)."""

    path: str
    writers: tuple[Owner, ...] = ()
    certain: bool = True


@dataclass(frozen=True)
class Drift:
    """One object that is not as it was applied.

    Attributes:
        stack: whose state.
        urn: of the resource.
        tenant: whose object; empty for the platform's.
        gone: whether it is not there any more.
        fields: that differ; empty where it is gone.
    """

    stack: str
    urn: str
    tenant: str
    gone: bool
    fields: tuple[FieldDrift, ...] = ()

    @property
    def who(self) -> str:
        """Who wrote the fields, each once, the latest first."""
        certain = [writer for each in self.fields if each.certain for writer in each.writers]
        found = sorted(set(certain), key=lambda one: one.at, reverse=True)
        if found:
            return ", ".join(map(str, found))
        guessed = sorted({writer for each in self.fields for writer in each.writers}, key=lambda one: one.at, reverse=True)
        return f"nobody owns the field now; last wrote: {', '.join(map(str, guessed))}" if guessed else ""

    def __str__(self) -> str:
        what = "is gone" if self.gone else f"differs: {', '.join(each.path for each in self.fields)}" if self.fields else "differs"
        return f"{short(self.urn)} {what}" + (f" (by {self.who})" if self.who else "")


def drift_of(spec: EnvironmentSpec, planned: EnvironmentPlan, key: StackKey, variables: Mapping[str, str], interrupts: Interrupts,
             console: Console, *, quiet: bool = False) -> tuple[Drift, ...]:
    """What differs in one stack, by URN; what controllers change by design is left out.

    Raises:
        EngineFailed: Pulumi or the cluster cannot be asked.
    """
    name = name_of(spec, key)
    held = {one["urn"]: one for one in resources_if_any(name, variables)}
    if not held:
        return ()
    with LiveProgress(console, f"comparing {name} with what is there", dry=True, quiet=quiet) as progress:
        run_stack(spec, planned, key, variables, interrupts, progress,
                  lambda stack, progress: stack.preview_refresh(on_event=progress.on_event))
    tenants = tenants_in(tuple(held.values())) | spec.tenants.keys()
    found = (_drift(spec, name, held.get(urn, {}), urn, operation, fields, tenants)
             for urn, (operation, fields) in sorted(progress.changed.items()))
    return tuple(one for one in found if one is not None)


def drift_before(applier: Applier, key: StackKey) -> tuple[Drift, ...]:
    """What an apply would touch and somebody else has changed."""
    found = drift_of(applier.spec, applier.planned, key, applier.variables, applier.interrupts, applier.console, quiet=True)
    if not found:
        return ()
    with LiveProgress(applier.console, "", dry=True, quiet=True) as progress:
        run_stack(applier.spec, applier.planned, key, {**applier.variables, **TAKE_BACK}, applier.interrupts, progress,
                  lambda stack, progress: stack.preview(on_event=progress.on_event))
    return tuple(one for one in found if one.urn in progress.changed)


def said_of(touched: Sequence[Drift]) -> str:
    """A sentence's beginning."""
    return f"what it would change has drifted: {listed(map(str, touched), _AT_MOST_NAMED, '; ')}"


def held_by(spec: EnvironmentSpec, touched: Sequence[Drift]) -> str:
    """Why a stack is held; empty where nothing has drifted."""
    if not touched:
        return ""
    return (f"{said_of(touched)}. Look at `gpuplane drift {spec.name}`; take the change into the wish, or undo it with --repair, then run "
            "this again.")


def _drift(spec: EnvironmentSpec, stack: str, resource: Resource, urn: str, operation: str, paths: Iterable[str],
           tenants: Iterable[str]) -> Drift | None:
    inputs: Mapping[str, Any] = resource.get("inputs") or {}
    tenant = _tenant(inputs, frozenset(tenants))
    if operation == "delete":
        return Drift(stack, urn, tenant, True)
    is_object = str(resource.get("type", "")).startswith("kubernetes:") and "apiVersion" in inputs
    live = live_objects.read(spec, inputs) if is_object else None
    fields = tuple(_field(live, path) for path in paths)
    kind = str(inputs.get("kind", ""))
    kept = tuple(each for each in fields if not why_expected(kind, each.path, each.writers if each.certain else ()))
    return Drift(stack, urn, tenant, False, kept) if kept or not fields else None


def _field(live: Mapping[str, Any] | None, path: str) -> FieldDrift:
    if live is None:
        return FieldDrift(path)
    found = owners(live, path)
    return FieldDrift(path, found) if found else FieldDrift(path, last_writers(live), certain=False)


def _tenant(inputs: Mapping[str, Any], tenants: frozenset[str]) -> str:
    metadata = inputs.get("metadata") or {}
    said = (metadata.get("labels") or inputs.get("tags") or {}).get(TENANT)
    if isinstance(said, str) and said:
        return said
    place = str(metadata.get("namespace") or metadata.get("name") or "")
    return place if place in tenants else ""
