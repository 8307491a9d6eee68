"""``gpuplane cost``: what an environment costs in a month, by tenant, service and pool, and what a change adds."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gpuplane.delivery.command_line import environment_options, errors, load, step
from gpuplane.delivery.exit_status import GOOD, REFUSED
from gpuplane.delivery.wording import inert_form

if TYPE_CHECKING:
    from gpuplane.delivery.comparison import OtherSide
    from gpuplane.delivery.cost_report import Against, Before, CostReport
    from gpuplane.delivery.cost_table import By


@click.command()
@click.argument("environment")
@click.option("--against", metavar="REF", help="Also plan this git ref, and show the difference.")
@click.option("--by", type=click.Choice(["tenant", "service", "pool"]), default="tenant", show_default=True,
              help="Rows of the table; JSON always has all of them.")
@click.option("--format", "output_format", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)
@environment_options
def cost(environment: str, against: str | None, by: By, output_format: str, environments: Path, as_of: date) -> None:
    """Say what ENVIRONMENT costs in a month: at its minimum, as expected and at worst.

    Exit status 1: a budget is broken, an increase is not approved, or a price is unknown.
    """
    with errors():
        report = _report(environments, environment, against, as_of)
        click.echo(inert_form(_formatted(report, by, output_format), output_format), nl=False)
        sys.exit(GOOD if report.verdict == "pass" else REFUSED)


def _report(environments: Path, environment: str, against: str | None, as_of: date) -> CostReport:
    from gpuplane.catalog import catalog_of
    from gpuplane.delivery.comparison import OtherSide
    from gpuplane.delivery.cost_report import cost_report
    from gpuplane.planning import plan

    spec = load(environments, environment)
    if against is None:
        return cost_report(spec, plan(spec, catalog_of(spec), as_of))
    with OtherSide(environments, environment, against, as_of, "cost") as other:
        planned = plan(spec, catalog_of(spec), as_of)
        with step(f"comparing with {against}"):
            return cost_report(spec, planned, *_before(other))


def _before(other: OtherSide) -> tuple[Against, Before | None]:
    from gpuplane.delivery.comparison import NoAnswer
    from gpuplane.delivery.cost_report import SCHEMA_VERSION, Against, before_from_json

    if not other.exists:
        return Against(other.ref, other.commit, ""), {}
    try:
        return Against(other.ref, other.commit, ""), before_from_json(other.answer(SCHEMA_VERSION))
    except (NoAnswer, KeyError, TypeError) as error:
        return Against(other.ref, other.commit, f"{other.ref} cannot be planned, so there is nothing to compare with: {error}"), None


def _formatted(report: CostReport, by: By, output_format: str) -> str:
    if output_format == "json":
        import json

        return json.dumps(report.to_json_value(), indent=2, ensure_ascii=False) + "\n"
    from gpuplane.delivery.render_cost import render_cost_markdown, render_cost_text

    return render_cost_text(report, by) if output_format == "text" else render_cost_markdown(report, by)
