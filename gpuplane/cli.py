"""The command line. Every command imports what it needs when it runs: ``--help`` loads no provider.

Exit status: 0 good; 1 refused or violated; 2 the input is wrong or a tool is missing; 3 the engine failed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gpuplane import __version__
from gpuplane.delivery.canary_command import canary
from gpuplane.delivery.capacity_command import capacity
from gpuplane.delivery.command_line import (
    as_of_option,
    collect_rarely,
    environment_options,
    errors,
    load,
    stderr_console,
    step,
    stop,
    writing,
)
from gpuplane.delivery.cost_command import cost
from gpuplane.delivery.exit_status import GOOD, REFUSED, WRONG_INPUT, CannotStart
from gpuplane.delivery.fit_command import fit
from gpuplane.delivery.fleet_command import fleet
from gpuplane.delivery.prices_command import prices
from gpuplane.delivery.throughput_command import throughput

if TYPE_CHECKING:
    from gpuplane.delivery.preview_report import PreviewReport
    from gpuplane.graph.resource_view import ResourceView
    from gpuplane.policies.finding import Finding
    from gpuplane.spec.environment_spec import EnvironmentSpec

FORMATS = ("text", "markdown", "json", "html", "sarif", "junit")


def _layers(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--layer", type=click.Choice(["cluster", "platform", "tenants"]), help="Only this layer.")(command)


def _second_opinion(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--with", "second", type=click.Choice(["checkov"]),
                        help="Also ask this tool (make checkov-env); what only it says is advice and decides nothing.")(command)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="gpuplane")
def cli() -> None:
    """GPU and LLM-serving platforms for many teams, proven before they are applied."""
    collect_rarely()


@cli.command()
@click.argument("environment")
@click.option("--against", metavar="REF", help="Also render this git ref, and report the difference.")
@click.option("--engine", type=click.Choice(["offline", "pulumi"]), default="offline", show_default=True,
              help="offline: no cluster, no credentials; pulumi: against real state.")
@click.option("--out", type=click.Path(path_type=Path), help="Write plan.json, report.md, report.html, findings.*, manifests/ here.")
@click.option("--format", "output_format", type=click.Choice(FORMATS), default="text", show_default=True)
@_second_opinion
@_layers
@environment_options
def preview(environment: str, against: str | None, engine: str, out: Path | None, output_format: str, second: str | None,
            layer: str | None, environments: Path, as_of: date) -> None:
    """Plan, render, judge and price ENVIRONMENT."""
    with errors():
        if engine == "pulumi":
            from gpuplane.delivery import apply

            if against is not None or out is not None or second is not None or output_format != "text":
                raise CannotStart("--against, --out, --with and --format are of the offline engine; "
                                  "--engine pulumi prints what Pulumi would do.")

            spec = load(environments, environment)
            sys.exit(apply.preview(spec, as_of, _chosen(spec, layer), stderr_console(), click.echo))
        if layer is not None:
            raise CannotStart("--layer is of --engine pulumi; the offline engine always judges the whole environment.")
        if second is not None:
            _require(second)
        if out is not None:
            from gpuplane.delivery.outputs import discard_former, write_outputs

            writing(out, lambda: discard_former(out))
        report = _preview(environments, environment, against, as_of)
        if second is not None:
            report = replace(report, findings=_asked(report.findings, report.real_resources))
        if out is not None:
            with step("writing the report"):
                writing(out, lambda: write_outputs(report, out))
        _print(report, output_format)
        if out is not None:
            click.echo(f"report: {out / 'report.html'}", err=True)
        sys.exit(GOOD if report.verdict.value == "pass" else REFUSED)


def _require(second: str) -> None:
    """Say before the work that the tool is missing."""
    from gpuplane.delivery.checkov_opinion import require_checkov

    with step(f"looking for {second}"):
        require_checkov()


def _asked(findings: Sequence[Finding], views: Sequence[ResourceView]) -> tuple[Finding, ...]:
    from gpuplane.delivery.checkov_opinion import with_opinion

    with step(f"asking Checkov about {len(views)} resources"):
        return with_opinion(findings, views)


def _preview(environments: Path, environment: str, against: str | None, as_of: date) -> PreviewReport:
    from gpuplane.delivery import preview as previews

    def own() -> tuple[EnvironmentSpec, PreviewReport]:
        with step("reading"):
            spec = load(environments, environment, cached=True)
        with step("previewing") as progress:
            return spec, previews.preview(spec, as_of, progress)

    if against is None:
        return own()[1]
    from gpuplane.delivery.comparison import OtherSide

    with OtherSide(environments, environment, against, as_of) as other:
        spec, report = own()
        with step(f"comparing with {against}"):
            return previews.with_comparison(spec, report, other.compared_with(report))


def _print(report: PreviewReport, output_format: str) -> None:
    from gpuplane.delivery.formats import formatted

    try:
        if output_format == "text":
            from rich.console import Console

            from gpuplane.delivery.render_text import render_text

            # A pipe has no width: what reads it may want whole lines.
            render_text(report, Console(soft_wrap=False, width=None if sys.stdout.isatty() else 160))
        else:
            click.echo(formatted(report, output_format), nl=False)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough; the verdict stands
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@cli.command()
@click.argument("environment")
@click.option("--offboard", metavar="TENANT", multiple=True, help="Delete what this tenant has, whose document is gone.")
@_layers
@environment_options
def up(environment: str, offboard: tuple[str, ...], layer: str | None, environments: Path, as_of: date) -> None:
    """Apply ENVIRONMENT through the Pulumi CLI, once plan and rules pass."""
    with errors():
        from gpuplane.delivery import apply

        if as_of < datetime.now(UTC).date():
            raise CannotStart(f"--as-of {as_of} has passed: what is applied is judged at today's date or later.")
        spec = load(environments, environment)
        sys.exit(apply.up(spec, as_of, _chosen(spec, layer), stderr_console(), offboard))


@cli.command()
@click.argument("environment")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_layers
@environment_options
def destroy(environment: str, yes: bool, layer: str | None, environments: Path, as_of: date) -> None:
    """Delete what ENVIRONMENT's stacks hold, last layer first."""
    with errors():
        from gpuplane.delivery import apply

        spec = load(environments, environment)
        layers = _chosen(spec, layer)
        apply.require_ready(spec, layers)
        if not yes:
            click.confirm(f"Delete everything in {', '.join(spec.stack_name(name) for name in layers)}?", abort=True, err=True)
        sys.exit(apply.destroy(spec, as_of, layers, stderr_console()))


@cli.command()
@click.argument("environment")
@_layers
@environment_options
def drift(environment: str, layer: str | None, environments: Path, as_of: date) -> None:
    """Report what was changed by hand; change nothing. Exit status 1 where there is drift."""
    with errors():
        from gpuplane.delivery import apply

        spec = load(environments, environment)
        sys.exit(apply.drift(spec, as_of, _chosen(spec, layer), stderr_console(), click.echo))


@cli.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--labels", type=click.Path(path_type=Path), help="YAML that says which labels mean tenant, data class, budget, …")
@click.option("--format", "output_format", type=click.Choice(["text", "json", "sarif", "junit"]), default="text", show_default=True)
@_second_opinion
@as_of_option
def check(paths: tuple[Path, ...], labels: Path | None, output_format: str, second: str | None, as_of: date) -> None:
    """Judge any Kubernetes YAML by the rules; a set of files is judged as one platform."""
    with errors():
        from gpuplane.delivery.check import check_paths, load_label_map
        from gpuplane.delivery.formats import formatted_check
        from gpuplane.spec.vocabulary import LabelMap

        if second is not None:
            _require(second)
        result = check_paths(paths, load_label_map(labels) if labels is not None else LabelMap(), (), as_of)
        if second is not None:
            result = replace(result, judgement=replace(result.judgement, findings=_asked(result.findings, result.views)))
        click.echo(formatted_check(result, output_format), nl=False)
        for error in result.errors:
            click.echo(str(error), err=True)
        sys.exit(result.exit_status)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("docs/schema"))
def schema(folder: Path) -> None:
    """Write the JSON Schemas of all documents to FOLDER."""
    with errors():
        from gpuplane.catalog.runtime_schema import argument_schemas
        from gpuplane.delivery.capacity_json import write_capacity_schema
        from gpuplane.delivery.check_schema import write_check_schema
        from gpuplane.delivery.cost_schema import write_cost_schema
        from gpuplane.delivery.preview_schema import write_preview_schema
        from gpuplane.spec.json_schema import write_schemas

        write_schemas(folder, argument_schemas())
        write_preview_schema(folder)
        write_cost_schema(folder)
        write_capacity_schema(folder)
        write_check_schema(folder)


@cli.command()
def rules() -> None:
    """List all rules."""
    from gpuplane.planning.refusal import RULES
    from gpuplane.policies.registry import all_rules

    found = all_rules()
    for rule in found:
        click.echo(f"{rule.id:<7} {rule.severity:<9} {rule.title}")
    for rule_id in sorted(RULES.keys() - {rule.id for rule in found}):
        click.echo(f"{rule_id:<7} {'plan':<9} {RULES[rule_id]}")


@cli.command()
@click.argument("rule_id", metavar="RULE")
def explain(rule_id: str) -> None:
    """Say what RULE is for, how to satisfy it, and show examples."""
    from gpuplane.planning.refusal import RULES
    from gpuplane.policies.registry import all_rules

    rule = next((rule for rule in all_rules() if rule.id == rule_id.upper()), None)
    if rule is None and rule_id.upper() in RULES:
        click.echo(f"{rule_id.upper()} is judged by the plan, with the arithmetic shown: {RULES[rule_id.upper()]}.")
        return
    if rule is None:
        stop(WRONG_INPUT, f"there is no rule {rule_id!r}; there are: {', '.join(rule.id for rule in all_rules())}")
    from gpuplane.policies.reference import explained

    click.echo(explained(rule))


cli.add_command(prices)
cli.add_command(cost)
cli.add_command(fleet)
cli.add_command(throughput)


def _chosen(spec: EnvironmentSpec, layer: str | None) -> tuple[str, ...]:
    return (layer,) if layer is not None else spec.layers


cli.add_command(canary)
cli.add_command(capacity)
cli.add_command(fit)


def main() -> None:
    """Entry point of the ``gpuplane`` command."""
    cli(prog_name="gpuplane")
