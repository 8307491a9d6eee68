"""``gpuplane fleet ENV``: the cheapest fleet that meets the objectives, and what the declared plan pays over it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from gpuplane.delivery.command_line import environment_options, errors, load
from gpuplane.delivery.wording import inert_form

if TYPE_CHECKING:
    from decimal import Decimal

    from rich.console import Console
    from rich.table import Table

    from gpuplane.catalog.throughput import Provenance
    from gpuplane.planning.fleet.market import Among
    from gpuplane.planning.fleet.report import FleetReport, NodeFleet, PipelineFleet, ServiceFleet

_OPTIONS = 6


@click.command("fleet")
@click.argument("environment")
@click.option("--among", type=click.Choice(["pools", "catalogue"]), default="pools", show_default=True,
              help="pools: only the declared pools; catalogue: every instance type with a price in the region as well.")
@click.option("--trust", type=click.Choice(["measured", "published", "modelled"]), default="modelled", show_default=True,
              help="Least trusted throughput that counts.")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@environment_options
def fleet(environment: str, among: str, trust: str, output_format: str, environments: Path, as_of: date) -> None:
    """The cheapest fleet that meets the objectives of ENVIRONMENT's services, with a proven bound."""
    with errors():
        from rich.console import Console

        report = report_of(environments, environment, as_of, among, trust)
        if output_format == "json":
            click.echo(inert_form(json.dumps(report.to_json_value(), indent=2, sort_keys=True, ensure_ascii=False), output_format))
        else:
            console = Console()
            print_report(report, console if console.is_terminal else Console(width=160))


def report_of(environments: Path, environment: str, as_of: date, among: str = "pools", trust: str = "modelled") -> FleetReport:
    """The fleet report of one environment."""
    from gpuplane.catalog.overlay import catalog_of
    from gpuplane.catalog.throughput import PROVENANCES
    from gpuplane.planning.canaries import with_canaries
    from gpuplane.planning.fleet.cheapest import fleet_report

    trusted = PROVENANCES[:PROVENANCES.index(cast("Provenance", trust)) + 1]
    spec = load(environments, environment)
    return fleet_report(with_canaries(spec), catalog_of(spec), as_of, cast("Among", among), trusted)


def print_report(report: FleetReport, console: Console) -> None:
    """The report for people: by service, then whole nodes in total, then who says so."""
    if not report.services:
        console.print("No service has objectives, so there is nothing to meet.", soft_wrap=True)
        return
    where = "in the declared pools" if report.among == "pools" else "among all instance types of the region"
    console.print(f"Cheapest fleet of {report.environment} {where}, as of {report.as_of.isoformat()} (USD a month of 730 hours)",
                  style="bold", soft_wrap=True)
    console.print("Each service by itself, by shares of nodes: what is left of a node is taken to be used by others", soft_wrap=True)
    console.print(_services(report.services))
    for service in report.services:
        if service.reason:
            console.print(f"  {service.service}: {service.reason}", soft_wrap=True)
        if service.options:
            console.print(f"\n{service.service}: each kind of GPU alone, by shares of nodes", style="bold", soft_wrap=True)
            console.print(_options(service))
    for pipeline in report.pipelines:
        console.print(f"\nPipeline {pipeline.tenant}/{pipeline.name}: {pipeline.promised_ms:f} of {pipeline.latency_ms:f} ms promised "
                      f"({100 - len(pipeline.steps)} of 100 requests at least)", style="bold", soft_wrap=True)
        console.print(_steps(pipeline))
    console.print("\nWhole nodes, all services together", style="bold")
    _nodes(console, "declared", report.declared)
    _nodes(console, "cheapest", report.cheapest)
    if report.overpaid_usd_per_month is not None:
        console.print(f"  the declared plan pays {_usd(report.overpaid_usd_per_month)} a month more", style="bold", soft_wrap=True)
    console.print(_not_in_it(report), soft_wrap=True)
    for source in report.sources:
        console.print(f"source: {source}", style="dim", soft_wrap=True)


def _not_in_it(report: FleetReport) -> str:
    """Where these figures and those of gpuplane cost differ."""
    volumes = report.root_volumes_usd_per_month
    words = "root volumes" if volumes is None else f"{_usd(volumes)} for the root volumes of the declared nodes"
    return f"  hours of nodes alone: gpuplane cost adds {words} and what cloud_use declares"


def _services(services: Iterable[ServiceFleet]) -> Table:
    table = _table(("service", "left"), ("declared", "left"), ("USD", "right"), ("cheapest", "left"), ("USD", "right"),
                   ("pays over", "right"), ("throughput", "left"))
    for row in services:
        declared = row.declared_hardware
        if row.declared_replicas is not None:
            declared = f"{row.declared_replicas} on {declared}"
        cheapest = ", ".join(f"{part.replicas} on {part.slot} ({part.offer})" for part in row.parts) or "none"
        table.add_row(row.service, declared, _usd(row.declared_usd_per_month), cheapest, _usd(row.cheapest_usd_per_month),
                      _usd(row.overpaid_usd_per_month), row.provenance)
    return table


def _steps(pipeline: PipelineFleet) -> Table:
    table = _table(("step", "left"), ("promised ms", "right"), ("kept ms", "right"), ("cheapest split ms", "right"), ("USD", "right"),
                   ("on", "left"))
    for row in pipeline.steps:
        table.add_row(row.service, f"{row.promised_ms:f}", _ms(row.kept_ms), _ms(row.split_ms), _usd(row.split_usd_per_month), row.split_on)
    return table


def _ms(value: Decimal | None) -> str:
    return "unknown" if value is None else f"{value:f}"


def _options(service: ServiceFleet) -> Table:
    table = _table(("GPU", "left"), ("node", "left"), ("replicas", "right"), ("USD", "right"), ("requests/USD", "right"),
                   ("tokens/USD", "right"), ("throughput", "left"))
    for row in service.options[:_OPTIONS]:
        tokens = "" if row.output_tokens_per_usd is None else f"{row.output_tokens_per_usd:,}".replace(",", " ")
        table.add_row(row.hardware, row.offer, str(row.replicas), _usd(row.usd_per_month),
                      f"{row.requests_per_usd:,}".replace(",", " "), tokens, row.provenance)
    return table


def _nodes(console: Console, word: str, nodes: NodeFleet) -> None:
    if nodes.usd_per_month is None or nodes.bound_usd_per_month is None:
        console.print(f"  {word}: {nodes.reason}", soft_wrap=True)
        return
    proof = "nothing is cheaper" if nodes.optimal else f"nothing costs less than {_usd(nodes.bound_usd_per_month)}"
    bought = ", ".join(f"{count} × {name}" for name, count in nodes.nodes.items()) or "no node"
    proof = f" (proven: {proof})" if word == "cheapest" else ""
    console.print(f"  {word}: {bought}: {_usd(nodes.usd_per_month)}{proof}", soft_wrap=True)
    for part in nodes.parts:
        console.print(f"    {part.service}: {part.replicas} × {part.slot} on {part.offer}", soft_wrap=True)


def _table(*columns: tuple[str, str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1))
    for heading, side in columns:
        table.add_column(heading, justify="right" if side == "right" else "left", overflow="fold")
    return table


def _usd(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"{amount:,.2f}".replace(",", " ")
