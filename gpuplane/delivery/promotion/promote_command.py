"""``gpuplane promote``: releases from one environment to the next, bound to evidence."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from gpuplane.delivery.command_line import environment_options, errors, step
from gpuplane.delivery.promotion.options import branch_options, finish, now_option, onto_option


@click.command()
@click.option("--from", "source", metavar="ENV", required=True, help="Environment that releases come from.")
@click.option("--to", "target", metavar="ENV", required=True, help="Environment that they go to; its gates decide.")
@click.option("--service", metavar="TENANT/SERVICE", help="Only this service; left out, all that differ, or the next wave of them.")
@click.option("--drift", "drift", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Result of looking for drift (docs/schema/drift-result.json).")
@click.option("--again", is_flag=True, help="Also move a release that was rolled back before.")
@branch_options
@onto_option
@now_option
@environment_options
def promote(source: str, target: str, service: str | None, drift: tuple[Path, ...], again: bool, branch: str, dry_run: bool,
            body: Path | None, form: str, onto: str, now: datetime | None, environments: Path, as_of: date) -> None:
    """Move `release:` blocks from one environment to another, if the gates of the target let them.

    Makes one commit on a new branch, and never touches the work tree. Exit status 1: a gate says no, or cannot know.
    """
    with errors():
        from gpuplane.delivery.promotion import promotion
        from gpuplane.delivery.promotion.drift_results import drift_result
        from gpuplane.delivery.promotion.records import record
        from gpuplane.delivery.promotion.repository import Repository
        from gpuplane.delivery.promotion.world import moment, opened

        repository = Repository.around(environments, "a promotion is a commit")
        request = promotion.Request(source, target, service, moment(as_of, now), tuple(map(drift_result, drift)), branch, dry_run, again)
        with step("reading"), opened(repository, onto) as world:
            with step("previewing") as progress:
                report = promotion.promote(world, request, progress)
            if not dry_run:
                record(world, report)
        finish(report, form, body)
