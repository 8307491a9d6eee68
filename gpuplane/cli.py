"""The command line. Every command imports what it needs when it runs: ``--help`` loads no provider.

Exit status: 0 good; 1 refused or violated; 2 the input is wrong or a tool is missing; 3 the engine failed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gpuplane import __version__
from gpuplane.delivery.applying.adopt_command import adopt
from gpuplane.delivery.applying.bootstrap_command import bootstrap
from gpuplane.delivery.applying.commands import approve, chosen_layers, destroy, drift, layers_option, tenants_option, up
from gpuplane.delivery.applying.migrate_command import migrate_stacks
from gpuplane.delivery.applying.state_command import state
from gpuplane.delivery.audit_command import audit
from gpuplane.delivery.canary_command import canary
from gpuplane.delivery.capacity_command import capacity
from gpuplane.delivery.command_line import (
    Program,
    as_of_option,
    collect_rarely,
    environment_options,
    errors,
    leave_as_it_is,
    load,
    say,
    stderr_console,
    step,
    stop,
    writing,
)
from gpuplane.delivery.convert_command import convert
from gpuplane.delivery.cost_command import cost
from gpuplane.delivery.environments_command import list_environments
from gpuplane.delivery.exit_status import GOOD, REFUSED, WRONG_INPUT, CannotStart
from gpuplane.delivery.fit_command import fit
from gpuplane.delivery.fleet_command import fleet
from gpuplane.delivery.golden_path.init_command import init
from gpuplane.delivery.golden_path.new_command import new
from gpuplane.delivery.handoff.render_command import render
from gpuplane.delivery.prices_command import prices
from gpuplane.delivery.promotion.evidence_command import evidence
from gpuplane.delivery.promotion.lineage_command import lineage
from gpuplane.delivery.promotion.promote_command import promote
from gpuplane.delivery.promotion.rollback_command import rollback
from gpuplane.delivery.pull_request.comment_command import annotate, comment
from gpuplane.delivery.rehearsal.rehearse_command import rehearse
from gpuplane.delivery.throughput_command import throughput

if TYPE_CHECKING:
    from gpuplane.delivery.preview_report import PreviewReport
    from gpuplane.graph.resource_view import ResourceView
    from gpuplane.policies.finding import Finding
    from gpuplane.spec.environment_spec import EnvironmentSpec

FORMATS = ("text", "markdown", "json", "html", "sarif", "junit")
_OBJECTS = 2_000_000
"""More than a preview of two hundred tenants makes, which so never looks for garbage: a twentieth of its time, for a tenth more memory."""


def _second_opinion(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--with", "second", type=click.Choice(["checkov"]),
                        help="Also ask this tool (make checkov-env); what only it says is advice and decides nothing.")(command)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="gpuplane")
def cli() -> None:
    """GPU and LLM-serving platforms for many teams, proven before they are applied."""
    collect_rarely()


@cli.command()
@click.argument("environment")
@click.option("--against", metavar="REF", help="Also render this git ref, and report the difference.")
@click.option("--judge", metavar="REF", help="Judge by the rules, budgets, facts, exemptions and promotion gates of this git ref.")
@click.option("--judged-by", hidden=True)
@click.option("--looks", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="What gpuplane drift or gpuplane audit saw, as JSON, for gates that ask for it; with --judge.")
@click.option("--engine", type=click.Choice(["offline", "pulumi"]), default="offline", show_default=True,
              help="offline: no cluster, no credentials; pulumi: against real state.")
@click.option("--out", type=click.Path(path_type=Path), help="Write plan.json, report.*, findings.*, manifests/ and records/ here.")
@click.option("--format", "output_format", type=click.Choice(FORMATS), default="text", show_default=True)
@_second_opinion
@tenants_option
@layers_option
@environment_options
def preview(environment: str, against: str | None, judge: str | None, judged_by: str | None, looks: tuple[Path, ...], engine: str,
            out: Path | None, output_format: str, second: str | None, layer: str | None, tenants: tuple[str, ...], environments: Path,
            as_of: date) -> None:
    """Plan, render, judge and price ENVIRONMENT."""
    with errors():
        if engine == "pulumi":
            from gpuplane.delivery.applying import pulumi_preview

            if any(each is not None for each in (against, judge, out, second)) or output_format != "text":
                raise CannotStart("--against, --judge, --out, --with and --format are of the offline engine; --engine pulumi prints what "
                                  "Pulumi would do.")

            spec = load(environments, environment)
            sys.exit(pulumi_preview.preview(spec, as_of, chosen_layers(spec, layer, tenants), stderr_console(), click.echo, tenants))
        if layer is not None or tenants:
            raise CannotStart("--layer and --tenant are of --engine pulumi; the offline engine always judges the whole environment.")
        if looks and judge is None and judged_by is None:
            raise CannotStart("--looks answers the gates of promotion, which --judge REF asks; give both.")
        if second is not None:
            _require(second)
        if out is not None:
            from gpuplane.delivery.outputs import discard_former, write_outputs

            writing(out, lambda: discard_former(out))
        if judge is not None:
            from gpuplane.delivery.judge_command import judged_elsewhere

            sys.exit(judged_elsewhere(environments, judge, [
                environment, "--as-of", as_of.isoformat(), "--format", output_format, *(("--out", str(out)) if out else ()),
                *(("--against", against) if against else ()), *(("--with", second) if second else ()),
                *(part for file in looks for part in ("--looks", str(file)))]))
        report = _preview(environments, environment, against, as_of, judged_by, looks, out is not None or output_format != "text")
        if second is not None:
            report = replace(report, findings=_asked(report.findings, report.real_resources))
        if out is not None:
            with step("writing the report"):
                writing(out, lambda: write_outputs(report, out))
        _print(report, output_format)
        if out is not None:
            say(f"report: {out / 'report.html'}")
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


def _preview(environments: Path, environment: str, against: str | None, as_of: date, judged_by: str | None, seen: tuple[Path, ...],
             files: bool) -> PreviewReport:
    from gpuplane.delivery import preview as previews
    from gpuplane.delivery.document_cache import cache_file
    from gpuplane.delivery.kept_findings import KeptFindings
    from gpuplane.delivery.tenant_renders import TenantRenders

    collect_rarely(_OBJECTS)
    renders = TenantRenders(cache_file().with_name("renders.sqlite")) if judged_by is None else None

    def own(rendered: Callable[[], None] = lambda: None) -> tuple[EnvironmentSpec, PreviewReport]:
        with step("reading"):
            spec = load(environments, environment, cached=judged_by is None)
        with step("previewing") as progress:
            if judged_by is not None:
                from gpuplane.delivery.judge_command import judged
                from gpuplane.delivery.promotion.looks import looks

                return judged(environments, environment, judged_by, as_of, progress, [look for file in seen for look in looks(file)])
            return spec, previews.preview(spec, as_of, progress, renders, KeptFindings(cache_file().with_name("findings")), rendered,
                                          files)

    if against is None:
        return own()[1]
    from gpuplane.delivery.comparison import OtherSide
    from gpuplane.delivery.kept_sides import KeptSides

    sides = KeptSides(cache_file().with_name("sides")) if renders is not None else None
    with OtherSide(environments, environment, against, as_of, sides=sides) as other:
        spec, report = own(lambda: other.begin(renders) if renders is not None else None)
        with step(f"comparing with {against}"):
            return previews.with_comparison(spec, report, other.compared_with(report, renders))


def _print(report: PreviewReport, output_format: str) -> None:
    from gpuplane.delivery.formats import formatted_pieces

    try:
        if output_format == "text":
            from rich.console import Console

            from gpuplane.delivery.render_text import render_text
            from gpuplane.delivery.wording import inert

            # A pipe has no width: what reads it may want whole lines.
            console = Console(soft_wrap=False, width=None if sys.stdout.isatty() else 160)
            with console.capture() as printed:
                render_text(report, console)
            click.echo(inert(report.redaction.text(printed.get())), nl=False)
            for one in report.stacks:
                click.echo(f"stack {one.name}: {one.resources} resources, {one.digest}")
        else:
            for piece in formatted_pieces(report, output_format):
                click.echo(piece, nl=False)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough; the verdict stands
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@cli.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--bypass", metavar="ENV", help="Instead: every way round the rules in this environment, with its proof; text or json.")
@click.option("--labels", type=click.Path(path_type=Path), help="YAML that says which labels mean tenant, data class, budget, …")
@click.option("--format", "output_format", type=click.Choice(["text", "json", "sarif", "junit"]), default="text", show_default=True)
@_second_opinion
@environment_options
def check(paths: tuple[Path, ...], bypass: str | None, labels: Path | None, output_format: str, second: str | None, environments: Path,
          as_of: date) -> None:
    """Judge any Kubernetes YAML by the rules; a set of files is judged as one platform."""
    with errors():
        if (bypass is None) != bool(paths):
            raise CannotStart("name either files and folders of manifests, or an environment with --bypass.")
        if bypass is not None:
            from gpuplane.delivery.bypass_command import audited, bypass_json, bypass_text

            if output_format not in ("text", "json") or labels is not None:
                raise CannotStart("--bypass prints text or json, and reads gpuplane's own labels.")
            with step("auditing") as progress:
                found = audited(load(environments, bypass), as_of, progress)
            click.echo(bypass_text(found) if output_format == "text" else bypass_json(found), nl=False)
            sys.exit(found.exit_status)
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
            say(result.redaction.text(str(error)))
        sys.exit(result.exit_status)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("docs/schema"))
def schema(folder: Path) -> None:
    """Write the JSON Schemas of all documents to FOLDER."""
    with errors():
        from gpuplane.catalog.runtime_schema import argument_schemas
        from gpuplane.delivery.published_schemas import write_published
        from gpuplane.spec.json_schema import write_schemas

        writing(folder, lambda: write_schemas(folder, argument_schemas()))
        writing(folder, lambda: write_published(folder))


@cli.command()
@click.option("--examples", is_flag=True, help="Instead: run the examples of the rules of your own; exit status 1 where one is not so.")
@as_of_option
def rules(examples: bool, as_of: date) -> None:
    """List all rules."""
    if examples:
        from gpuplane.delivery.wording import plural
        from gpuplane.policies.own_rules import own_rules
        from gpuplane.policies.rule_examples import broken_examples

        own = own_rules()
        broken = list(broken_examples(own, as_of))
        click.echo("\n".join(broken) or f"the examples of {plural(len(own), 'own rule')} say what they should")
        sys.exit(REFUSED if broken else GOOD)
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


cli.add_command(up)
cli.add_command(adopt)
cli.add_command(migrate_stacks)
cli.add_command(convert)
cli.add_command(state)
cli.add_command(bootstrap)
cli.add_command(destroy)
cli.add_command(drift)
cli.add_command(approve)
cli.add_command(prices)
cli.add_command(cost)
cli.add_command(fleet)
cli.add_command(throughput)


cli.add_command(audit)
cli.add_command(list_environments)
cli.add_command(canary)
cli.add_command(capacity)
cli.add_command(comment)
cli.add_command(annotate)
cli.add_command(init)
cli.add_command(new)
cli.add_command(render)
cli.add_command(fit)
cli.add_command(rehearse)
cli.add_command(promote)
cli.add_command(rollback)
cli.add_command(lineage)
cli.add_command(evidence)


def main() -> None:
    """Entry point of the ``gpuplane`` command."""
    try:
        cli(prog_name="gpuplane")
    finally:
        leave_as_it_is()
