"""``gpuplane environments``: the environments that there are, and which of them a change concerns; what a pipeline runs over."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from gpuplane.delivery.command_line import errors, say
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.spec.errors import shown


@click.command("environments")
@click.argument("names", nargs=-1)
@click.option("--environments", type=click.Path(file_okay=False, path_type=Path), default=Path("environments"), show_default=True,
              help="Folder of the environments.")
@click.option("--also", type=click.Path(file_okay=False, path_type=Path), help="Also name those of this folder.")
@click.option("--since", metavar="REF", help="Only those that files changed since this git ref concern.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_environments(names: tuple[str, ...], environments: Path, also: Path | None, since: str | None, form: str) -> None:
    """Print the names of all environments, one a line; or, once they are known, just those NAMES."""
    with errors():
        from gpuplane.spec.loader import environment_names

        if not environments.is_dir():
            raise CannotStart(f"{environments} is no folder. Name the folder of the environments with --environments.")
        found = sorted({*environment_names(environments), *(environment_names(also) if also else ())})
        if not found:
            raise CannotStart(f"{environments} holds no environment: no folder in it has an environment.yaml.")
        unknown = sorted(set(names) - set(found))
        if unknown:
            raise CannotStart(f"there is no environment {', '.join(map(shown, unknown))}; there are: {', '.join(found)}.")
        if names:
            found = sorted(set(names))
        elif since is not None:
            found = concerned(found, _changed_since(environments, since), _inside(environments))
        click.echo(json.dumps(found) + "\n" if form == "json" else "".join(f"{name}\n" for name in found), nl=False)


def concerned(names: Sequence[str], changed: Iterable[str] | None, folder: str) -> list[str]:
    """Those of some environments that changed files concern.

    Args:
        names: of the environments.
        changed: files below the top of the repository; None: it cannot be known, so all are concerned.
        folder: of the environments, there; ``.`` for the top itself.
    """
    if changed is None:
        return list(names)
    prefix = "" if folder == "." else f"{folder}/"
    found: set[str] = set()
    for file in changed:
        first, below, _ = file.removeprefix(prefix).partition("/") if file.startswith(prefix) else ("", "", "")
        if below and first in names:
            found.add(first)
        elif not file.startswith("docs/") and not file.endswith(".md"):
            return list(names)  # the engine, the catalogue, a pin: it may concern anybody
    return sorted(found)


def _inside(environments: Path) -> str:
    from gpuplane.delivery.comparison import repository_of

    return environments.resolve().relative_to(repository_of(environments, "--since asks it what changed").resolve()).as_posix()


def _changed_since(environments: Path, ref: str) -> list[str] | None:
    """Files that differ between a commit and HEAD; None where the commit is not known, as before the first push of a branch."""
    from gpuplane.delivery.comparison import commit_of, git, repository_of

    top = repository_of(environments, "--since asks it what changed")
    try:
        commit = commit_of(top, ref)
    except CannotStart:
        say(f"{shown(ref)} is not known here: every environment is named.")
        return None
    listed = git(top, "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", commit, "HEAD", what=f"difference from {commit}")
    return [name for name in listed.split("\0") if name]
