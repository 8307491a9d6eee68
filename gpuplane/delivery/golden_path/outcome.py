"""The end of every ``gpuplane new``: judge the draft, show the preview, write the file or not, and say what to commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import click

from gpuplane.delivery.command_line import say, step
from gpuplane.delivery.exit_status import GOOD, REFUSED
from gpuplane.delivery.golden_path.draft import Draft, Judged, write_new
from gpuplane.spec.document_files import shown_path


@dataclass(frozen=True)
class NewFile:
    """A document that is to be: its path below the environments' folder, its text, and what it is in a commit's subject."""

    relative: str
    text: str
    subject: str


def concluded(draft: Draft, files: Sequence[NewFile], as_of: date, force: bool) -> int:
    """Judge the draft, show it, and write the files where nothing of their own is refused, or ``force`` says so.

    Returns:
        0 written, 1 refused (written with ``force``).

    Raises:
        InvalidSpec, CannotStart: nothing was written.
    """
    for file in files:
        draft.put(file.relative, file.text)
    with step("previewing"):
        judged = draft.judged(as_of)
    if judged.own and not force:
        _show(judged)
        click.echo(f"refused: {', '.join(shown_path(draft.environments / file.relative) for file in files)} not written; --force writes "
                   "it all the same, for whoever is to fix the rest.", err=True)
        return REFUSED
    for file in files:
        write_new(draft.environments / file.relative, file.text)
    _show(judged)
    _commit(draft, files, judged)
    return REFUSED if judged.own else GOOD


def _show(judged: Judged) -> None:
    from io import StringIO

    from rich.console import Console

    from gpuplane.delivery.render_text import render_text

    console = Console(file=StringIO(), width=120)
    with console.capture() as printed:
        render_text(judged.report, console)
    click.echo(judged.report.redaction.text(printed.get()), nl=False)


def _commit(draft: Draft, files: Sequence[NewFile], judged: Judged) -> None:
    paths = " ".join(shown_path(draft.environments / file.relative) for file in files)
    old = len(judged.report.blocking) - len(judged.own)
    if old:
        say(f"note: {draft.environment} was refused before, for {old} other reason{'s' if old != 1 else ''}.")
    click.echo(f'wrote {paths}\ncommit:\n  git add {paths}\n  git commit -m "{files[0].subject}"')


def said(path: Path, text: str, subject: str) -> None:
    """Say that a file that belongs to no environment is there, and what to commit."""
    click.echo(f'wrote {shown_path(path)}\n{text}commit:\n  git add {shown_path(path)}\n  git commit -m "{subject}"')
