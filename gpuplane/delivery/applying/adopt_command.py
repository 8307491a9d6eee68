"""``gpuplane adopt ENV``: files for ``pulumi import``, and the import itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gpuplane.delivery.applying.commands import chosen_layers, layers_option, tenants_option
from gpuplane.delivery.command_line import environment_options, errors, load, say, stderr_console, writing
from gpuplane.delivery.exit_status import GOOD, REFUSED, CannotStart
from gpuplane.delivery.whole_file import write_whole

if TYPE_CHECKING:
    from rich.console import Console

    from gpuplane.delivery.applying.adopt import Adoptable
    from gpuplane.planning.environment_plan import EnvironmentPlan
    from gpuplane.spec.environment_spec import EnvironmentSpec


@click.command()
@click.argument("environment")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write a file for `pulumi import` for each stack here.")
@click.option("--yes", is_flag=True, help="Take them in, and preview the next apply. Nothing on the cluster is changed.")
@click.option("--id", "ids", metavar="NAME=ID", multiple=True, help="An AWS resource or Helm release that is there, and its id.")
@click.option("--aws", "asks_aws", is_flag=True, help="Ask AWS by the AWS CLI, reading only, which of its resources are there.")
@tenants_option
@layers_option
@environment_options
def adopt(environment: str, out: Path | None, yes: bool, ids: tuple[str, ...], asks_aws: bool, tenants: tuple[str, ...],
          layer: str | None, environments: Path, as_of: date) -> None:
    """Take objects of ENVIRONMENT that are there already into its state, without an outage."""
    with errors():
        from gpuplane.delivery.applying.adopt import adoptable
        from gpuplane.delivery.applying.gate import judged, require_ready
        from gpuplane.delivery.applying.import_file import import_json
        from gpuplane.delivery.applying.waves import waves_of

        spec = load(environments, environment)
        layers, known = chosen_layers(spec, layer, tenants), _ids(ids)
        variables, console = require_ready(spec, layers), stderr_console()
        planned = judged(spec, as_of, console)
        if planned is None:
            sys.exit(REFUSED)
        look = _looker(spec) if asks_aws else (lambda *_: None)
        found = [adoptable(spec, planned, key, variables, known, look) for wave in waves_of(spec, layers, tenants) for key in wave]
        for one in found:
            click.echo(_said(one))
            if out is not None and one.found:
                path, text = out / f"{one.stack}.import.json", import_json(one.found)
                writing(out, lambda path=path, text=text: write_whole(path, text))  # type: ignore[misc]
        if not yes:
            say("Nothing was changed; --yes takes them in.")
            sys.exit(GOOD)
        sys.exit(_take_in(spec, planned, [one for one in found if one.found], variables, console))


def _take_in(spec: EnvironmentSpec, planned: EnvironmentPlan, found: list[Adoptable], variables: dict[str, str], console: Console) -> int:
    from gpuplane.delivery.applying.adopt import adopt as take
    from gpuplane.delivery.applying.adopt import put_out
    from gpuplane.delivery.applying.record_events import record_adoption
    from gpuplane.delivery.live_progress import short

    status = GOOD
    for one in found:
        done = take(spec, planned, one, variables, console)
        if done.losses:
            put_out(one, variables)
            click.echo("\n".join([f"{one.stack}: not adopted; an apply would lose:", *(f"  {line}" for line in done.losses)]))
            status = REFUSED
            continue
        record_adoption(spec, one.stack, [short(each.urn) for each in one.found])
        click.echo("\n".join([f"{one.stack}: {len(one.found)} adopted; the next up replaces none and changes {len(done.updates)}",
                              *(f"  ~ {line}" for line in done.updates)]))
    return status


def _looker(spec: EnvironmentSpec) -> Callable[[str, Mapping[str, Any]], bool | None]:
    from gpuplane.delivery.applying.aws_cli import AwsCli
    from gpuplane.delivery.applying.aws_look import looker

    return looker(spec, AwsCli(spec.environment.spec.region or ""))


def _ids(said: tuple[str, ...]) -> dict[str, str]:
    wrong = [one for one in said if not all(one.partition("="))]
    if wrong:
        raise CannotStart(f"--id {wrong[0]!r} is not NAME=ID, e.g. prod-vpc=vpc-0a1b2c3d.")
    return {one.partition("=")[0]: one.partition("=")[2] for one in said}


def _said(one: Adoptable) -> str:
    lines = [f"{one.stack}: {len(one.found)} are there already, {one.missing + len(one.absent)} are not"]
    lines += [f"  {each.name} ({each.type.rpartition(':')[2]}) {each.id}" for each in one.found]
    lines += [f"  not there: {each}" for each in one.absent]
    if one.unsure:
        lines += ["  not looked for, or nobody can tell; the next up makes them anew unless you say that they are there:",
                  *(f"    {each}" for each in one.unsure)]
    return "\n".join(lines)
