"""The commands that change what runs, or ask what does: ``up``, ``destroy``, ``drift``, ``approve``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gpuplane.delivery.command_line import Number, environment_options, errors, load, say, stderr_console, writing
from gpuplane.delivery.exit_status import GOOD, CannotStart
from gpuplane.delivery.whole_file import write_whole

if TYPE_CHECKING:
    from gpuplane.delivery.applying.approval import Approval
    from gpuplane.spec.environment_spec import EnvironmentSpec

_FILE = click.Path(dir_okay=False, path_type=Path)


def layers_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--layer``."""
    return click.option("--layer", type=click.Choice(["cluster", "platform", "tenants"]), help="Only this layer.")(command)


def tenants_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--tenant``."""
    return click.option("--tenant", "tenants", metavar="TENANT", multiple=True,
                        help="Only this tenant's stack, where the environment says tenant_stacks.")(command)


def _run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
            click.option("--parallel", type=click.IntRange(1, 64), default=4, show_default=True, help="Stacks at once."),
            click.option("--wait-for-lock", "lock_seconds", type=Number(0), default=300.0, show_default=True, metavar="SECONDS",
                         help="How long to wait for another run on the same stack."),
            click.option("--take-over-lock", is_flag=True, help="The run that holds a lock on another machine is surely over."),
            click.option("--approved", "approved", type=_FILE, multiple=True, help="Apply only what this file approves.")):
        command = option(command)
    return command


def chosen_layers(spec: EnvironmentSpec, layer: str | None, tenants: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The one layer, the tenants' where tenants are named, else all."""
    if tenants and layer not in (None, "tenants"):
        raise CannotStart(f"--tenant is of the layer tenants; --layer says {layer}. Leave one of them out.")
    return ("tenants",) if tenants else (layer,) if layer is not None else spec.layers


@click.command()
@click.argument("environment")
@click.option("--offboard", metavar="TENANT", multiple=True, help="Delete what this tenant has, whose document is gone.")
@click.option("--attempts", type=click.IntRange(1, 20), default=4, show_default=True,
              help="Tries of a stack, where failures pass by themselves.")
@click.option("--resume", is_flag=True, help="Leave out what the last run had finished, where it did not get done.")
@click.option("--break-glass", "glass", metavar="REASON", default="", help="Without an approval, by whom environment.yaml allows.")
@click.option("--runs", type=click.Path(file_okay=False, path_type=Path), help="Folder of the records of runs.")
@_run_options
@tenants_option
@layers_option
@environment_options
def up(environment: str, offboard: tuple[str, ...], attempts: int, resume: bool, glass: str, runs: Path | None, parallel: int,
       lock_seconds: float, take_over_lock: bool, approved: tuple[Path, ...], tenants: tuple[str, ...], layer: str | None,
       environments: Path, as_of: date) -> None:
    """Apply ENVIRONMENT through the Pulumi CLI, once plan and rules pass."""
    with errors():
        from gpuplane.delivery.applying import up as applying
        from gpuplane.delivery.applying.actor import actor
        from gpuplane.delivery.applying.apply_stack import Patience
        from gpuplane.delivery.applying.break_glass import require_allowed
        from gpuplane.delivery.handoff.own_layers import require_own

        if as_of < datetime.now(UTC).date():
            raise CannotStart(f"--as-of {as_of} has passed: what is applied is judged at today's date or later.")
        spec = load(environments, environment)
        require_own(spec, chosen_layers(spec, layer, tenants))
        if glass:
            require_allowed(spec, actor(), glass)
        options = applying.UpOptions(
            chosen_layers(spec, layer, tenants), tenants, offboard, parallel, Patience(attempts, lock_seconds, take_over_lock), resume,
            _approval(spec, approved), glass, actor(), runs)
        sys.exit(applying.up(spec, as_of, stderr_console(), options))


@click.command()
@click.argument("environment")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_run_options
@layers_option
@environment_options
def destroy(environment: str, yes: bool, parallel: int, lock_seconds: float, take_over_lock: bool, approved: tuple[Path, ...],
            layer: str | None, environments: Path, as_of: date) -> None:
    """Delete what ENVIRONMENT's stacks hold, last layer first."""
    with errors():
        from gpuplane.delivery.applying import destroy as applying
        from gpuplane.delivery.applying.actor import actor
        from gpuplane.delivery.applying.apply_stack import Patience
        from gpuplane.delivery.applying.approval import may_approve
        from gpuplane.delivery.applying.gate import require_ready

        spec = load(environments, environment)
        layers = chosen_layers(spec, layer)
        if not may_approve(spec, actor()):
            raise CannotStart(f"{actor()} may not destroy {spec.name}: only those may whom spec.applying.approval names.")
        require_ready(spec, layers)
        if not yes:
            click.confirm(f"Delete everything in {', '.join(spec.stack_name(name) for name in layers)}?", abort=True, err=True)
        sys.exit(applying.destroy(spec, as_of, layers, stderr_console(), _approval(spec, approved), parallel,
                                  Patience(4, lock_seconds, take_over_lock)))


@click.command()
@click.argument("environment")
@click.option("--repair", is_flag=True, help="Bring back what drifted, and nothing else, once plan and rules pass.")
@click.option("--approved", "approved", type=_FILE, multiple=True, help="With --repair: only what this file approves.")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@tenants_option
@layers_option
@environment_options
def drift(environment: str, repair: bool, approved: tuple[Path, ...], output_format: str, tenants: tuple[str, ...], layer: str | None,
          environments: Path, as_of: date) -> None:
    """Report who changed what by hand; change nothing. Exit status 1 where there is drift."""
    with errors():
        from gpuplane.delivery.applying import drift_report

        spec = load(environments, environment)
        sys.exit(drift_report.drift(spec, as_of, chosen_layers(spec, layer, tenants), stderr_console(), click.echo, tenants=tenants,
                                    as_json=output_format == "json", repair=repair, approval=_approval(spec, approved)))


@click.command()
@click.argument("environment")
@click.option("--reason", default="", help="Why, for the record.")
@click.option("--lift", metavar="NAME", multiple=True, help="Protected thing that may go, as Pulumi names it: 'Namespace acme-namespace'.")
@click.option("--out", type=_FILE, help="Write the approval here instead of to stdout.")
@tenants_option
@layers_option
@environment_options
def approve(environment: str, reason: str, lift: tuple[str, ...], out: Path | None, tenants: tuple[str, ...], layer: str | None,
            environments: Path, as_of: date) -> None:
    """Approve what ENVIRONMENT's stacks would hold, by digest, once plan and rules pass."""
    with errors():
        from gpuplane.delivery.applying.approve import approval_of

        spec = load(environments, environment)
        text = approval_of(spec, as_of, chosen_layers(spec, layer, tenants), stderr_console(), tenants, reason, lift)
        if out is None:
            click.echo(text, nl=False)
        else:
            writing(out, lambda: write_whole(out, text))
            say(f"approval: {out}")
        sys.exit(GOOD)


def _approval(spec: EnvironmentSpec, files: tuple[Path, ...]) -> Approval | None:
    from gpuplane.delivery.applying.approval import read_approvals

    return read_approvals(spec, files) if files else None
