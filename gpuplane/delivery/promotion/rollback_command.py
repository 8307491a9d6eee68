"""``gpuplane rollback``: back to a release that ran before, in one commit."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from gpuplane.delivery.command_line import environment_options, errors, step
from gpuplane.delivery.promotion.options import branch_options, finish, now_option, onto_option, say_uncommitted


@click.command()
@click.argument("environment")
@click.argument("service", metavar="[TENANT/SERVICE]", required=False)
@click.option("--to", "to", metavar="COMMIT|DATE", help="Releases of this commit, or of the end of this day; left out, those before the "
              "present ones.")
@branch_options
@onto_option
@now_option
@environment_options
def rollback(environment: str, service: str | None, to: str | None, branch: str, dry_run: bool, body: Path | None, form: str, onto: str,
             now: datetime | None, environments: Path, as_of: date) -> None:
    """Return a service of ENVIRONMENT, or all of them, to releases that git's history has.

    Rules, fit and budget are asked as ever; evaluations, soak and approvals are not, and the report says so. One commit on a new branch.
    """
    with errors():
        from gpuplane.delivery.promotion import rollback as rollbacks
        from gpuplane.delivery.promotion.records import record
        from gpuplane.delivery.promotion.repository import Repository
        from gpuplane.delivery.promotion.world import moment, opened

        repository = Repository.around(environments, "a rollback goes by git's history")
        say_uncommitted(repository)
        back = rollbacks.Back(environment, service, to, moment(as_of, now), branch, dry_run)
        with step("reading"), opened(repository, onto) as world:
            with step("previewing") as progress:
                report = rollbacks.roll_back(world, back, progress)
            if not dry_run:
                record(world, report)
        finish(report, form, body)
