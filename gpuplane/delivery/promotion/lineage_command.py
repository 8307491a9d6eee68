"""``gpuplane lineage``: from an endpoint back to revision, evaluations, approvals and commits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gpuplane.delivery.command_line import environment_options, errors, step
from gpuplane.delivery.promotion.options import onto_option
from gpuplane.delivery.wording import inert_form

if TYPE_CHECKING:
    from gpuplane.delivery.promotion.lineage import Lineage, LineageEvaluation


@click.command()
@click.argument("environment")
@click.argument("service", metavar="TENANT/SERVICE")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@onto_option
@environment_options
def lineage(environment: str, service: str, form: str, onto: str, environments: Path, as_of: date) -> None:
    """Walk from an endpoint of ENVIRONMENT back to objects, release, evaluations, approvals, promotions and commits."""
    with errors():
        from gpuplane.delivery.promotion import lineage as walk
        from gpuplane.delivery.promotion.repository import Repository
        from gpuplane.delivery.promotion.world import opened
        from gpuplane.delivery.redaction import NO_SECRETS

        with step("reading"), opened(Repository.around(environments, "lineage is read from git"), onto) as world:
            found = walk.lineage(world, environment, service, as_of)
        text = json.dumps(found.to_json_value(), indent=2, ensure_ascii=False) if form == "json" else "\n".join(_lines(found))
        click.echo(inert_form(NO_SECRETS.text(text), form))


def _lines(found: Lineage) -> Iterator[str]:
    yield f"{found.service} in {found.environment}, at commit {found.commit[:12]}"
    yield from _branch("endpoint", found.endpoints)
    yield from _branch("objects", [f"{each.kind} {each.namespace + '/' if each.namespace else ''}{each.name}" for each in found.objects])
    since = f" since {found.since} ({found.since_commit[:12]})" if found.since else ""
    yield from _branch(f"release {found.release}{since}", [
        f"model {found.model} revision {found.revision}", f"image {found.image}"])
    for each in found.evaluations:
        yield from _branch(f"evaluation {each.digest}", _evaluation(each))
    if not found.evaluations:
        yield "├─ evaluation: none of this release"
    for approval in found.approvals:
        yield (f"├─ approval {approval.digest} by {approval.approved_by} on {approval.approved_on}, committed by "
               f"{approval.author or 'nobody yet'} ({approval.commit[:12]})")
    if not found.approvals:
        yield "├─ approval: none of this release here"
    yield "└─ commits"
    for commit in found.commits:
        yield f"   ├─ {commit.hash[:12]} {commit.when} {commit.author}: {commit.subject}"
        yield from (f"   │  promotion {said}" for said in commit.promotions)
        yield from (f"   │  rollback {said}" for said in commit.rollbacks)
        yield from (f"   │  evidence {said}" for said in commit.evidence)


def _evaluation(found: LineageEvaluation) -> Iterator[str]:
    yield f"in {found.environment} on {found.gpu}, digest verified, added by {found.author or 'nobody yet'} ({found.commit[:12]})"
    for result in found.results:
        place = f" at {result.stored_at}" if result.stored_at else ""
        yield f"{result.format} of {result.measured_on}, raw {result.digest} {result.raw}{place}"
        yield f"  it names {', '.join(result.named) or 'nothing'}"
        yield from (f"  {measure}" for measure in result.measures)


def _branch(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"├─ {title}"
    yield from (f"│  {line}" for line in lines)
