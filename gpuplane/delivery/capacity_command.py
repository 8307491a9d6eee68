"""``gpuplane capacity ENV``: who is guaranteed, may borrow and can at most use which GPUs."""

from __future__ import annotations

import sys
from datetime import date
from functools import partial
from pathlib import Path

import click

from gpuplane.delivery.command_line import environment_options, errors, load, writing
from gpuplane.delivery.exit_status import GOOD, REFUSED
from gpuplane.delivery.wording import inert_form

FILES = ("capacity.json", "capacity.txt", "capacity.svg")
"""What ``--out`` gives."""


@click.command()
@click.argument("environment")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write capacity.json, capacity.txt and capacity.svg here.")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--cheapest", is_flag=True, help="Also search the cheapest fleet of the declared pools that meets the objectives.")
@environment_options
def capacity(environment: str, out: Path | None, output_format: str, cheapest: bool, environments: Path, as_of: date) -> None:
    """Say who is guaranteed, may borrow and can at most use which GPUs of ENVIRONMENT.

    Exit status 1 where the plan refuses something.
    """
    with errors():
        from gpuplane.catalog import catalog_of
        from gpuplane.delivery.capacity_json import to_json
        from gpuplane.delivery.capacity_report import capacity_report, to_text
        from gpuplane.planning import plan

        if out is not None:
            from gpuplane.delivery.outputs import discard

            writing(out, lambda: discard(out, FILES))
        spec = load(environments, environment)
        report = capacity_report(spec, plan(spec, catalog_of(spec), as_of))
        if cheapest:
            from dataclasses import replace

            from gpuplane.delivery.capacity_cheapest import cheapest_of
            from gpuplane.delivery.fleet_command import report_of

            report = replace(report, cheapest=cheapest_of(report_of(environments, environment, as_of)))
        if out is not None:
            from gpuplane.delivery.capacity_chart import capacity_chart
            from gpuplane.delivery.outputs import write_files
            from gpuplane.delivery.svg_figure import standalone

            files = dict(zip(FILES, (to_json(report), to_text(report), standalone(capacity_chart(report.rows))), strict=True))
            writing(out, partial(write_files, out, files))
        click.echo(inert_form(to_json(report) if output_format == "json" else to_text(report), output_format), nl=False)
        sys.exit(REFUSED if report.planned.refusals else GOOD)
