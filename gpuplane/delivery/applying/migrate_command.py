"""``gpuplane migrate-stacks ENV``."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import click

from gpuplane.delivery.command_line import environment_options, errors, load, stderr_console
from gpuplane.delivery.exit_status import GOOD, REFUSED


@click.command("migrate-stacks")
@click.argument("environment")
@click.option("--yes", is_flag=True, help="Move; without it, only say what would be moved.")
@environment_options
def migrate_stacks(environment: str, yes: bool, environments: Path, as_of: date) -> None:
    """Move tenants between stacks after tenant_stacks of ENVIRONMENT changed; nothing on the cluster is touched."""
    with errors():
        from gpuplane.delivery.applying.gate import judged, require_ready
        from gpuplane.delivery.applying.migrate import migrate, moves
        from gpuplane.delivery.pulumi_engine import name_of

        spec, console = load(environments, environment), stderr_console()
        variables = require_ready(spec, ("tenants",))
        planned = judged(spec, as_of, console)
        if planned is None:
            sys.exit(REFUSED)
        found = moves(spec, planned, variables)
        for move in found:
            click.echo(f"{move.source} → {name_of(spec, move.destination)}: {len(move.urns)} resources")
        if not found:
            click.echo(f"{spec.name}: every tenant is in the stack that it should be in")
        if not yes:
            sys.exit(GOOD)
        lost = migrate(spec, planned, found, variables, console)
        for line in lost:
            click.echo(line)
        sys.exit(REFUSED if lost else GOOD)
