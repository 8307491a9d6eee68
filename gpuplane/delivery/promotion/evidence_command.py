"""``gpuplane evidence``: what was measured of a release, and who agrees to it, as documents for git."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import click

from gpuplane.delivery.command_line import environment_options, errors, say, step
from gpuplane.delivery.exit_status import GOOD, REFUSED, CannotStart


@click.group()
def evidence() -> None:
    """What was measured of a release: content-addressed documents that promotion is bound to."""


@evidence.command("add")
@click.option("--environment", metavar="ENV", required=True, help="Where it ran.")
@click.option("--service", metavar="TENANT/SERVICE", required=True)
@click.option("--results", multiple=True, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Raw result file: lm-evaluation-harness, vllm bench serve, or docs/schema/evaluation-result.json.")
@click.option("--at", metavar="REF", default="HEAD", show_default=True, help="Commit whose release ran.")
@click.option("--served-as", metavar="NAME", help="Name that the results call the model by, where it is not the model's own.")
@click.option("--stored-at", metavar="URI", default="", help="Where the raw files are kept.")
@click.option("--keep", is_flag=True, help="Also keep the raw files in evidence/results/, so that promotion reads them again itself.")
@environment_options
def add(environment: str, service: str, results: tuple[Path, ...], at: str, served_as: str | None, stored_at: str, keep: bool,
        environments: Path, as_of: date) -> None:
    """Write evidence/sha256-….yaml: what ran (release, image, arguments, charts, rules), and the figures with their intervals."""
    with errors():
        from gpuplane.delivery.promotion.evidence import new_evaluation
        from gpuplane.delivery.promotion.evidence_files import write_once
        from gpuplane.delivery.promotion.repository import Repository
        from gpuplane.delivery.promotion.world import opened

        repository = Repository.around(environments, "evidence binds the release of a commit")
        contents = {path: path.read_bytes() for path in results}
        with step("reading"), opened(repository, at) as world:
            digest, files = new_evaluation(world, environment, service, contents, as_of, served_as, stored_at, keep)
        for path in write_once(environments, files):
            say(f"wrote {path}")
        click.echo(digest)


@evidence.command("verify")
@click.option("--results", multiple=True, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Raw result file, from wherever it is kept.")
@click.option("--onto", metavar="REF", default="HEAD", show_default=True, help="Commit whose evidence is looked at.")
@environment_options
def verify(results: tuple[Path, ...], onto: str, environments: Path, as_of: date) -> None:  # noqa: ARG001 every command takes a date
    """Say which evaluations rest on raw files, and whether they say what the files say.

    Exit status 1: one says something else, or none rests on a file.
    """
    with errors():
        from gpuplane.delivery.promotion.evidence import resting_on
        from gpuplane.delivery.promotion.repository import Repository
        from gpuplane.delivery.promotion.world import opened

        with opened(Repository.around(environments, "evidence is committed"), onto) as world:
            found = [(path, list(resting_on(world, path))) for path in results]
        for path, said in found:
            for digest, same in said or [("", False)]:
                verdict = "says what it says" if same else "says something else"
                click.echo(f"{path}: {f'{digest} {verdict}' if digest else 'nothing rests on it'}")
    sys.exit(GOOD if all(said and all(same for _, same in said) for _, said in found) else REFUSED)


@evidence.command("approve")
@click.option("--environment", metavar="ENV", required=True, help="Where it may run.")
@click.option("--service", metavar="TENANT/SERVICE", required=True)
@click.option("--release", metavar="DIGEST", help="Release that is approved; left out, the one that the environment's only source has.")
@click.option("--by", metavar="ADDRESS", help="Who approves; left out, who git is set up for. The commit must be theirs.")
@click.option("--note", default="", help="What they say about it.")
@click.option("--onto", metavar="REF", default="HEAD", show_default=True, help="Commit that is read.")
@environment_options
def approve(environment: str, service: str, release: str | None, by: str | None, note: str, onto: str, environments: Path,
            as_of: date) -> None:
    """Agree to a release in an environment: writes evidence/sha256-….yaml, which the approver commits."""
    with errors():
        from gpuplane.delivery.promotion.evidence import new_approval
        from gpuplane.delivery.promotion.evidence_files import write_once
        from gpuplane.delivery.promotion.records import record_approval
        from gpuplane.delivery.promotion.repository import Repository
        from gpuplane.delivery.promotion.world import opened

        repository = Repository.around(environments, "an approval is committed")
        who = by or repository.user
        if not who:
            raise CannotStart("git knows no user.email; give --by ADDRESS.")
        with step("reading"), opened(repository, onto) as world:
            digest, chosen, files = new_approval(world, environment, service, release, who, as_of, note)
            spec = world.environment(environment)
        for path in write_once(environments, files):
            say(f"wrote {path}")
        record_approval(spec, service, chosen, digest, who)
        click.echo(digest)
