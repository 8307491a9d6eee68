"""``gpuplane bootstrap ENV``."""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gpuplane.delivery.command_line import environment_options, errors, load, say
from gpuplane.delivery.exit_status import GOOD, CannotStart

if TYPE_CHECKING:
    from gpuplane.delivery.applying.bootstrap import Ci


@click.command()
@click.argument("environment")
@click.option("--github", "repository", metavar="OWNER/REPO",
              help="Jobs of this repository in the GitHub environment ENVIRONMENT take the role.")
@click.option("--gitlab", "project", metavar="GROUP/PROJECT", help="Jobs of this project take the role.")
@click.option("--branch", default="main", show_default=True, help="With --gitlab: on this branch.")
@click.option("--yes", is_flag=True, help="Make it; without it, only say what would be made.")
@environment_options
def bootstrap(environment: str, repository: str | None, project: str | None, branch: str, yes: bool, environments: Path,
              as_of: date) -> None:  # noqa: ARG001
    """Make the bucket and key for ENVIRONMENT's state, and the role that CI takes, through the AWS CLI. Can be run again."""
    with errors():
        from gpuplane.delivery.applying.aws_cli import AwsCli
        from gpuplane.delivery.applying.bootstrap import Bootstrap
        from gpuplane.delivery.applying.record_events import record_bootstrap
        from gpuplane.delivery.audit.log import VARIABLE

        spec = load(environments, environment)
        aws = spec.environment.spec.aws
        if aws is None:
            raise CannotStart(f"{spec.name} is not in AWS (no aws in environment.yaml): bootstrap makes an S3 bucket, a KMS key and an IAM "
                              "role. Keep its state where `pulumi login` can.")
        run = Bootstrap(spec, AwsCli(aws.region), _ci(repository, project, branch, spec.name), yes,
                        lambda what: click.echo(f"{'set' if yes else 'would set'}: {what}"))
        run.run()
        if yes and run.made:
            record_bootstrap(os.environ.get(VARIABLE) or run.state_backend, spec.name, run.made)
        for line in run.next_steps():
            click.echo(line)
        if not yes:
            say("Nothing was changed; --yes makes it.")
        sys.exit(GOOD)


def _ci(repository: str | None, project: str | None, branch: str, environment: str) -> Ci | None:
    from gpuplane.delivery.applying.bootstrap import github, gitlab

    if repository is not None and project is not None:
        raise CannotStart("--github and --gitlab are two ways to one role; give one of them.")
    said = repository or project
    if said is not None and said.count("/") < 1:
        raise CannotStart(f"{said!r} is not OWNER/REPO.")
    return github(repository, environment) if repository else gitlab(project, branch) if project else None
