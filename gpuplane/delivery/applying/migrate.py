"""``gpuplane migrate-stacks``: the layer ``tenants`` from one stack into one for each tenant, or back, with nothing made or deleted.

``pulumi state move`` does the work, tenant by tenant; what is moved is moved. A run that was stopped is gone on with by the next: it moves
what is still where it was. A stack goes once it holds nothing real, and a preview of every stack has to show no delete and no replace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpuplane.delivery import pulumi_engine
from gpuplane.delivery.applying import states
from gpuplane.delivery.applying.stack_run import run_alone
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.live_progress import LiveProgress, short
from gpuplane.delivery.object_digest import urn_tail
from gpuplane.delivery.offline_engine import render_stack
from gpuplane.delivery.pulumi_engine import DetachedPulumi, name_of
from gpuplane.delivery.secrets_provider import require_wished
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey
from gpuplane.spec.errors import listed

if TYPE_CHECKING:
    from rich.console import Console

    from gpuplane.planning.environment_plan import EnvironmentPlan

_LOSSES = ("delete", "replace", "create-replacement", "delete-replaced", "create")
_NAMED = 5


@dataclass(frozen=True)
class Move:
    """Resources that go from one stack to another."""

    source: str
    destination: StackKey
    urns: tuple[str, ...]


def moves(spec: EnvironmentSpec, planned: EnvironmentPlan, variables: Mapping[str, str]) -> tuple[Move, ...]:
    """What is not where the environment says that it should be.

    Raises:
        CannotStart: the state holds something that no document asks for, so that nobody can say where it belongs.
    """
    names = states.stack_names(variables)
    whole = StackKey("tenants")
    if not spec.environment.spec.tenant_stacks:
        sources = states.tenant_stacks_there(spec, names, variables)
        return tuple(Move(name_of(spec, key), whole, urns) for key in sources if (urns := _moving(name_of(spec, key), variables)))
    source = name_of(spec, whole)
    left = _moving(source, variables) if source in names else ()
    found: list[Move] = []
    for key in spec.stacks_of("tenants") if left else ():
        theirs = {urn_tail(view.urn) for view in render_stack(spec, planned, key)}
        urns = tuple(urn for urn in left if urn_tail(urn) in theirs)
        left = tuple(urn for urn in left if urn not in urns)
        found += [Move(source, key, urns)] if urns else []
    if left:
        raise CannotStart(f"{source} holds what no document asks for: {listed(map(short, left), _NAMED)}. Take the change of "
                          f"tenant_stacks back, run `gpuplane up {spec.name} --layer tenants` (with --offboard for tenants that are gone), "
                          "then migrate. Nothing was moved.")
    return tuple(found)


def migrate(spec: EnvironmentSpec, planned: EnvironmentPlan, found: tuple[Move, ...], variables: Mapping[str, str],
            console: Console) -> tuple[str, ...]:
    """Move, take away stacks that hold nothing any more, and preview; returns what an apply would make or delete: nothing, if all is well.

    Raises:
        EngineFailed: a stack's secrets are encrypted by something else than the environment says, and nothing was moved; or Pulumi
            stopped, and the next run goes on.
    """
    for source in sorted({move.source for move in found}):
        require_wished(spec, source, states.deployment(source, variables))
    for move in found:
        destination = name_of(spec, move.destination)
        with pulumi_engine.opened(spec, planned, move.destination, variables, DetachedPulumi()):
            pass  # it is there now
        states.run_cli(["state", "move", *move.urns, "--source", move.source, "--dest", destination, "--yes"], variables)
        console.print(f"[green]✓[/] {len(move.urns)} resources from {move.source} to {destination}", highlight=False)
    for source in sorted({move.source for move in found}):
        if not _moving(source, variables):
            states.run_cli(["stack", "rm", "--yes", "--force", "--preserve-config", source], variables)
            console.print(f"[green]✓[/] {source} held nothing any more and is gone", highlight=False)
    return tuple(_would_change(spec, planned, variables, console))


def _moving(stack: str, variables: Mapping[str, str]) -> tuple[str, ...]:
    """URNs of a stack's own resources: without itself, providers and references to other stacks, which every stack has."""
    return tuple(one["urn"] for one in states.resources(stack, variables) if not one["type"].startswith("pulumi:"))


def _would_change(spec: EnvironmentSpec, planned: EnvironmentPlan, variables: Mapping[str, str], console: Console) -> Iterator[str]:
    names = states.stack_names(variables)
    for key in (key for key in spec.stacks_of("tenants") if name_of(spec, key) in names):
        name = name_of(spec, key)
        with LiveProgress(console, f"previewing {name}", dry=True) as progress:
            run_alone(spec, planned, key, variables, progress, lambda stack, progress: stack.preview(on_event=progress.on_event))
        for urn, (operation, _) in sorted(progress.changed.items()):
            if operation in _LOSSES and not urn_tail(urn).partition("::")[2].startswith("pulumi:"):
                yield f"{name}: {operation} {short(urn)}"
