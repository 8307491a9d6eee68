"""``gpuplane state backup|restore|check ENV``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gpuplane.delivery.command_line import environment_options, errors, load, say, writing
from gpuplane.delivery.exit_status import GOOD, REFUSED, CannotStart

if TYPE_CHECKING:
    from gpuplane.spec.environment_spec import EnvironmentSpec


@click.group("state")
def state() -> None:
    """Copies of ENVIRONMENT's state, and whether it is kept well."""


@state.command()
@click.argument("environment")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="New folder for the copy.")
@environment_options
def backup(environment: str, out: Path, environments: Path, as_of: date) -> None:  # noqa: ARG001
    """Copy the state of all stacks of ENVIRONMENT into a folder; secrets stay encrypted."""
    with errors():
        from gpuplane.delivery import pulumi_engine
        from gpuplane.delivery.applying.run_record import stamp
        from gpuplane.delivery.applying.state_copies import write_copy

        spec = load(environments, environment)
        variables = pulumi_engine.require_tools(spec)
        writing(out, lambda: click.echo("\n".join(write_copy(spec, out, variables, stamp(datetime.now(UTC))))))


@state.command()
@click.argument("environment")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), required=False)
@click.option("--stack", "stacks", multiple=True, help="Only this stack.")
@click.option("--before", type=click.Path(file_okay=False, path_type=Path),
              help="New folder for a copy of the state as it is now: what a restore replaces can be restored.")
@click.option("--yes", is_flag=True, help="Restore; without it, only say what would be.")
@environment_options
def restore(environment: str, folder: Path | None, stacks: tuple[str, ...], before: Path | None, yes: bool, environments: Path,
            as_of: date) -> None:  # noqa: ARG001
    """Put the state of ENVIRONMENT's stacks back as FOLDER has it. The cluster is not touched: look at `gpuplane drift` afterwards.

    Without FOLDER: list what `up` has kept before it applied (state in files only).
    """
    with errors():
        from gpuplane.delivery import pulumi_engine
        from gpuplane.delivery.applying import state_copies, states
        from gpuplane.delivery.applying.record_events import record_restore
        from gpuplane.delivery.applying.run_record import stamp

        spec = load(environments, environment)
        variables = pulumi_engine.require_tools(spec)
        if folder is None:
            _list_kept(spec, stacks, variables)
            sys.exit(GOOD)
        if before is None:
            raise CannotStart("--before FOLDER is missing: a new folder for a copy of the state as it is now.")
        copies = state_copies.read_copy(spec, folder, stacks)
        for copy in copies:
            click.echo(f"{copy.stack}: {copy.resources} resources")
        if not yes:
            say("Nothing was changed; --yes restores.")
            sys.exit(GOOD)
        state_copies.require_openable(copies)
        replaced = tuple(sorted(states.stacks_among((copy.stack for copy in copies), variables)))
        if replaced:
            writing(before, lambda: state_copies.write_copy(spec, before, variables, stamp(datetime.now(UTC)), _left_out, replaced))
        for line in state_copies.restore(spec, copies, variables):
            say(line)
        record_restore(spec, [copy.stack for copy in copies])


def _list_kept(spec: EnvironmentSpec, stacks: tuple[str, ...], variables: Mapping[str, str]) -> None:
    """Copies that `up` kept, also of a stack whose state cannot be read.

    Raises:
        CannotStart: after the list, with the copies that are damaged.
    """
    from gpuplane.delivery.applying.kept_states import kept

    names = stacks or tuple(spec.stack_name(key.layer, key.tenant) for layer in spec.layers for key in spec.stacks_of(layer))
    problems = list[CannotStart]()
    found = list(kept(spec.name, names, variables, problems.append))
    for stack, at, resources, copy in found:
        click.echo(f"{stack}  {at}  {resources} resources  {copy}")
    if problems:
        raise CannotStart("\n".join(map(str, problems)))
    if not found:
        say(f"{variables['PULUMI_BACKEND_URL']} has no kept copies of {', '.join(names)}.")


def _left_out(error: Exception) -> None:
    """A state that is restored because it cannot be read cannot be copied before that either."""
    say(f"{error}\nThere is no copy of it as it is now.")


@state.command()
@click.argument("environment")
@environment_options
def check(environment: str, environments: Path, as_of: date) -> None:  # noqa: ARG001
    """Say whether ENVIRONMENT's state is encrypted and versioned. Exit status 1 where it is not, or where nobody can tell."""
    with errors():
        from gpuplane.delivery import pulumi_engine
        from gpuplane.delivery.applying.remedies import helped
        from gpuplane.delivery.applying.state_check import problems

        spec = load(environments, environment)
        variables = pulumi_engine.require_tools(spec)
        with helped(spec, variables):
            found = problems(spec, variables)
        click.echo("\n".join(found) or f"{spec.name}: the state is encrypted and versioned")
        sys.exit(REFUSED if found else GOOD)
