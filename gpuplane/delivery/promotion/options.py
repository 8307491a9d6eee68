"""Options that the commands around promotion share, and the last step of each: print, record, exit."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from gpuplane.delivery.command_line import say, writing
from gpuplane.delivery.exit_status import GOOD, REFUSED
from gpuplane.delivery.wording import inert_form
from gpuplane.spec.errors import listed

if TYPE_CHECKING:
    from gpuplane.delivery.promotion.report import MoveReport
    from gpuplane.delivery.promotion.repository import Repository

_YEARS = 1970, 9998


class _Moment(click.DateTime):
    """A moment with its zone, in years that have a day before and after them whatever the zone."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        found: datetime = super().convert(value, param, ctx)
        if not _YEARS[0] <= found.year <= _YEARS[1]:
            self.fail(f"{value!r} is of no year that ages are counted to; allowed: {_YEARS[0]} to {_YEARS[1]}", param, ctx)
        return found


def onto_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--onto``: the commit that is read and built on."""
    return click.option("--onto", metavar="REF", default="HEAD", show_default=True,
                        help="Commit that is read and built on; what is not committed is neither seen nor touched.")(command)


def now_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--now``: the moment that ages are counted to."""
    return click.option("--now", type=_Moment(["%Y-%m-%dT%H:%M:%S%z"]), show_default="the clock",
                        help="Moment that ages are counted to, e.g. 2026-11-21T12:00:00+00:00.")(command)


def branch_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--branch``, ``--dry-run``, ``--body`` and ``--format``."""
    for option in (
            click.option("--branch", metavar="NAME", default="", help="Branch that is made; left out, one whose name says what moves."),
            click.option("--dry-run", is_flag=True, help="Make nothing: only say what would move, and what the gates say."),
            click.option("--body", type=click.Path(dir_okay=False, path_type=Path), help="Also write the body of the pull request here."),
            click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)):
        command = option(command)
    return command


def say_uncommitted(repository: Repository) -> None:
    """On stderr: files that are not committed, and so are not seen."""
    files = repository.uncommitted()
    if files:
        say(f"not committed, and so not seen: {listed(files, 3)}")


def finish(report: MoveReport, form: str, body: Path | None) -> NoReturn:
    """Print it, write the body, and exit: 0 made or nothing to do, 1 refused."""
    from gpuplane.delivery.promotion.render import render_move_markdown, render_move_text
    from gpuplane.delivery.redaction import NO_SECRETS

    if body is not None:
        writing(body, lambda: body.write_text(NO_SECRETS.text(render_move_markdown(report)), encoding="utf-8"))
    if form == "json":
        text = json.dumps(report.to_json_value(), indent=2, ensure_ascii=False) + "\n"
    else:
        text = render_move_text(report) if form == "text" else render_move_markdown(report)
    click.echo(inert_form(NO_SECRETS.text(text), form), nl=False)
    sys.exit(GOOD if report.verdict == "pass" else REFUSED)
