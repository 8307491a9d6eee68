"""``gpuplane promote``: releases from one environment to the next, bound to evidence."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from gpuplane.delivery.command_line import environment_options, errors, step
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.promotion.options import branch_options, finish, now_option, onto_option, say_uncommitted


@click.command()
@click.option("--from", "source", metavar="ENV", help="Environment that releases come from.")
@click.option("--to", "target", metavar="ENV", required=True, help="Environment that they go to; its gates decide.")
@click.option("--service", metavar="TENANT/SERVICE", help="Only this service; left out, all that differ, or the next wave of them.")
@click.option("--looks", "seen", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="What was seen: gpuplane drift or gpuplane audit as JSON, or docs/schema/drift-result.json.")
@click.option("--again", is_flag=True, help="Also move a release that was rolled back before.")
@click.option("--verify", metavar="REF", help="Instead of --from: whether what this branch brings into --to, and REF has not, passed the "
              "gates of REF. Makes nothing.")
@branch_options
@onto_option
@now_option
@environment_options
def promote(source: str | None, target: str, service: str | None, seen: tuple[Path, ...], again: bool, verify: str | None, branch: str,
            dry_run: bool, body: Path | None, form: str, onto: str, now: datetime | None, environments: Path, as_of: date) -> None:
    """Move `release:` blocks from one environment to another, if the gates of the target let them.

    Makes one commit on a new branch, and never touches the work tree. Exit status 1: a gate says no, or cannot know.
    """
    with errors():
        from gpuplane.delivery.promotion import promotion
        from gpuplane.delivery.promotion.looks import looks
        from gpuplane.delivery.promotion.records import record
        from gpuplane.delivery.promotion.repository import Repository
        from gpuplane.delivery.promotion.world import moment, opened

        if (source is None) == (verify is None):
            raise CannotStart("Give --from ENV, or --verify REF; one of them.")
        if verify is not None and (service is not None or branch):
            raise CannotStart("--verify looks at every service of --to and makes no branch: leave --service and --branch out.")
        repository = Repository.around(environments, "a promotion is a commit")
        say_uncommitted(repository)
        looked = tuple(look for file in seen for look in looks(file))
        request = promotion.Request(source or "", target, service, moment(as_of, now), looked, branch, dry_run, again)
        with step("reading"), opened(repository, onto) as world:
            with step("previewing") as progress:
                if verify is not None:
                    from gpuplane.delivery.promotion import verification

                    with opened(repository, verify) as base:
                        report = verification.verify(world, base, request, progress)
                else:
                    report = promotion.promote(world, request, progress)
            if verify is None and not dry_run:
                record(world, report)
        finish(report, form, body)
