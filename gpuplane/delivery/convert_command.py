"""``gpuplane convert``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gpuplane.delivery.command_line import errors, say
from gpuplane.delivery.exit_status import GOOD


@click.command()
@click.option("--environments", type=click.Path(file_okay=False, path_type=Path), default=Path("environments"), show_default=True,
              help="Folder of the environments.")
@click.option("--dry-run", is_flag=True, help="Show what would change; write nothing.")
def convert(environments: Path, dry_run: bool) -> None:
    """Write documents of an older apiVersion in the newest form; comments stay."""
    with errors():
        from gpuplane.delivery.convert import converted_files, difference, write_all
        from gpuplane.delivery.wording import plural
        from gpuplane.spec.model import API_VERSION

        found = converted_files(environments)
        if dry_run:
            click.echo("".join(difference(path, *texts) for path, texts in found.items()), nl=False)
        else:
            write_all({path: new for path, (_, new) in found.items()})
        done = "would be converted" if dry_run else "converted"
        say(f"{plural(len(found), 'document')} {done} to {API_VERSION}")
        sys.exit(GOOD)
