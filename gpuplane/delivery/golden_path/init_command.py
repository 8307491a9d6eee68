"""``gpuplane init``: a company's own repository, with gpuplane pinned as its engine."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import click

from gpuplane.delivery.command_line import errors
from gpuplane.delivery.exit_status import CannotStart

_NAME = r"[A-Za-z0-9][-\w.]*"
_REPOSITORIES = {"github": f"{_NAME}/{_NAME}", "gitlab": f"{_NAME}(?:/{_NAME}){{1,20}}"}
_MORE = """{ci} judges each change, the gates of promotion included, and does nothing else. With --workflows OWNER/NAME@REVISION of
gpuplane's repository it also comments, plans and applies after the merge, looks for drift every night and promotes
(docs/continuous-integration.md there)."""
_SETTINGS = "What to set in {ci} beside it (required check, environments, variables): docs/continuous-integration.md of gpuplane."


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--name", help="Whose platform it is.  [default: the folder's name]")
@click.option("--ci", type=click.Choice(["github", "gitlab", "none"]), default="github", show_default=True, help="What runs the checks.")
@click.option("--workflows", default="", metavar="OWNER/NAME@REVISION",
              help="Repository with gpuplane's reusable workflows, which GitHub's then call, ten lines each, or template, which GitLab's "
                   "includes; a commit is best.")
def init(folder: Path, name: str | None, ci: str, workflows: str) -> None:
    """Start a repository in FOLDER: environments, rules and facts of your own, CI, and the engine pinned. Nothing is overwritten."""
    with errors():
        from gpuplane.delivery.golden_path.starter_files import starter_files

        title = name or folder.absolute().name
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,60}", title):
            raise CannotStart(f"--name {title!r}; allowed: letters, digits, spaces, dots, hyphens, at most 61, beginning with a letter or "
                              "digit.")
        if workflows and (ci not in _REPOSITORIES or not re.fullmatch(rf"{_REPOSITORIES[ci]}@[A-Za-z0-9][-\w./]*", workflows)):
            raise CannotStart(f"--workflows {workflows!r}; allowed: OWNER/NAME@REVISION, with --ci github or gitlab.")
        found = starter_files(title, ci, workflows)
        write_all(folder, found)
        for path in found:
            if not path.startswith("schemas/"):
                click.echo(f"wrote {folder / path}")
        if ci != "none":
            click.echo((_SETTINGS if workflows else _MORE).format(ci={"github": "GitHub", "gitlab": "GitLab"}[ci]))
        click.echo(f"next:\n  cd {folder}\n  git init && git add -A && git commit -m 'Start the platform'\n"
                   "  pip install --require-hashes -r locked.txt && pip install --no-deps -r requirements.txt\n"
                   "  gpuplane new environment dev")


def write_all(folder: Path, found: Mapping[str, str]) -> None:
    """Write all files, or none where one of them is there.

    Raises:
        CannotStart: naming every file that is in the way.
    """
    there = [path for path in found if (folder / path).exists() or (folder / path).is_symlink()]
    if there:
        raise CannotStart(f"{folder} has {', '.join(there)} already; nothing was written. Choose another folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".gpuplane-", dir=folder) as staging:
            for path, text in found.items():
                (new := Path(staging) / path).parent.mkdir(parents=True, exist_ok=True)
                new.write_text(text, encoding="utf-8", newline="\n")
            for path in found:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.move(Path(staging) / path, folder / path)
    except OSError as error:
        raise CannotStart(f"{folder} cannot be written: {error.strerror}. Choose another folder.") from None
