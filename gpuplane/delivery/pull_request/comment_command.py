"""``gpuplane comment`` and ``gpuplane annotations``: what previews say, where a pull request shows it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from gpuplane.delivery.command_line import COUNT, errors, say
from gpuplane.delivery.exit_status import CannotStart

if TYPE_CHECKING:
    from gpuplane.delivery.pull_request.preview_file import PreviewFile

_ADDRESS = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'*+,;=%-]+")
_PREVIEWS = click.argument("previews", nargs=-1, required=True, type=click.Path(path_type=Path))


@click.command()
@_PREVIEWS
@click.option("--marker", default="preview", show_default=True, metavar="NAME",
              help="Name of the hidden marker that finds the comment again.")
@click.option("--report-url", default="", metavar="URL", help="Address of the artifact with the HTML reports.")
@click.option("--for", "forge", type=click.Choice(["github", "gitlab"]), default="github", show_default=True,
              help="Whose limit of a comment's length holds.")
@click.option("--post", type=click.Choice(["github", "gitlab"]),
              help="Post it there, or update it in place. Reads GITHUB_TOKEN, GITHUB_REPOSITORY and GITHUB_API_URL, or GITLAB_TOKEN, "
                   "CI_PROJECT_ID and CI_API_V4_URL.")
@click.option("--number", type=COUNT, help="Number of the pull or merge request to post to.")
@click.option("--author", default="", metavar="LOGIN", help="Whose comment is updated; default: who the token belongs to.")
def comment(previews: tuple[Path, ...], marker: str, report_url: str, forge: Literal["github", "gitlab"],
            post: Literal["github", "gitlab"] | None, number: int | None, author: str) -> None:
    """One Markdown comment from PREVIEWS, the --out folders of gpuplane preview."""
    with errors():
        from gpuplane.delivery.pull_request.comment import LIMITS, Links, marker_line
        from gpuplane.delivery.pull_request.comment import comment as written

        if report_url and _ADDRESS.fullmatch(report_url) is None:
            raise CannotStart(f"--report-url {report_url!r} is no address; allowed: http:// or https:// without spaces, brackets "
                               "or quotes.")
        try:
            first = marker_line(marker)
        except ValueError as error:
            raise CannotStart(f"--marker {error}.") from None
        text = written(_read(previews), marker, Links(report_url), LIMITS[post or forge])
        if post is None:
            click.echo(text, nl=False)
            return
        from gpuplane.delivery.pull_request.forge import forge_of

        if number is None:
            raise CannotStart("--post needs --number: which pull or merge request.")
        say(forge_of(post, os.environ, number).put(text, first, author))


@click.command("annotations")
@_PREVIEWS
@click.option("--format", "output_format", type=click.Choice(["github", "gitlab"]), default="github", show_default=True,
              help="github: workflow commands on stdout; gitlab: a code quality report.")
def annotate(previews: tuple[Path, ...], output_format: str) -> None:
    """What PREVIEWS found, as notes at the lines of files."""
    with errors():
        from gpuplane.delivery.pull_request.annotations import code_quality, workflow_commands

        found = _read(previews)
        sys.stdout.write(workflow_commands(found) if output_format == "github" else code_quality(found))


def _read(folders: tuple[Path, ...]) -> list[PreviewFile]:
    """All previews; two of one environment are a mistake.

    Raises:
        CannotStart: with what is wrong of all of them.
    """
    from gpuplane.delivery.pull_request.preview_file import read_preview

    wrong, found = [], []
    for folder in folders:
        try:
            found.append(read_preview(folder))
        except CannotStart as error:
            wrong.append(str(error))
    names = [each.environment for each in found]
    wrong += [f"{name!r} is previewed in more than one folder; name each environment once."
              for name in sorted({name for name in names if names.count(name) > 1})]
    if wrong:
        raise CannotStart("\n".join(wrong))
    return found
