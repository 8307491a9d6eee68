"""What every command shares: options, progress, and the way from an error to a message and an exit status.

Exit status: 0 good; 1 refused or violated; 2 the input is wrong or a tool is missing; 3 the engine failed.
"""

from __future__ import annotations

import errno
import gc
import io
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from gpuplane.delivery.exit_status import ENGINE_FAILED, WRONG_INPUT, CannotStart, Stop

if TYPE_CHECKING:
    from rich.console import Console

    from gpuplane.spec.environment_spec import EnvironmentSpec


_NO_PATH = (errno.ENAMETOOLONG, errno.ELOOP)
"""What the system says of a path that nothing could ever be at; every other refusal of its is met where it can happen."""


COUNT = click.IntRange(1, 2**31 - 1)
"""Type of an option that counts something: what is more is nobody's, and in the end no number to reckon with."""
COUNT_OR_NONE = click.IntRange(0, 2**31 - 1)
"""The same, where none is a number too."""


class _Date(click.ParamType):  # type: ignore[type-arg]  # generic only in the stubs of newer releases
    name = "date"

    def convert(self, value: Any, param: Any, ctx: Any) -> date:
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date; allowed: YYYY-MM-DD", param, ctx)


class Number(click.FloatRange):
    """A number of the command line: a finite one. Every comparison with NaN is false, so that no range keeps it out."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        number = click.FLOAT.convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number; give one in digits.", param, ctx)
        return super().convert(number, param, ctx)


class Program(click.Group):
    """All commands. What is wrong with a command line is said without what would steer a terminal; what no encoding has is escaped."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # a name of a file that is not UTF-8
        return super().main(*arguments, **options)

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        with _plainly():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        with _plainly():
            return super().invoke(ctx)


@contextmanager
def _plainly() -> Iterator[None]:
    from gpuplane.delivery.wording import inert, printable

    try:
        yield
    except click.ClickException as error:
        vars(error)["message"] = inert("\n".join(map(printable, error.message.split("\n"))))
        raise


def collect_rarely(objects: int = 400_000) -> None:
    """Have Python look for garbage in cycles less often: a command lives for seconds, and nearly all that it makes stays until its end.

    A plan of a thousand tenants takes a third less time.

    Args:
        objects: how many more there are before it looks again.
    """
    gc.set_threshold(objects, 50, 1000)


def leave_as_it_is() -> None:
    """Have Python look for no garbage while it ends: the system takes back all memory at once, of ten thousand objects a second sooner.

    Files are closed and what is registered with ``atexit`` is done all the same.
    """
    gc.freeze()


def as_of_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--as-of``: the date that prices and exemptions are judged at."""
    return click.option("--as-of", type=_Date(), default=lambda: datetime.now(UTC).date(), show_default="today in UTC",
                        help="Date that prices and exemptions are judged at.")(command)


def environment_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that every command on an environment takes: ``--environments`` and ``--as-of``."""
    return click.option("--environments", type=click.Path(file_okay=False, path_type=Path), default=Path("environments"),
                        show_default=True, help="Folder of the environments.")(as_of_option(command))


def load(environments: Path, environment: str, cached: bool = False) -> EnvironmentSpec:
    """The environment's documents, cross-checked.

    Args:
        cached: documents that were parsed before are not parsed again; never where the answer lets an apply go.

    Raises:
        InvalidSpec: with all errors of all files.
    """
    from gpuplane.spec.loader import load_environment

    if not cached:
        return load_environment(environments, environment)
    from gpuplane.delivery.document_cache import DocumentCache, cache_file

    with DocumentCache(cache_file()) as documents:
        return load_environment(environments, environment, documents)


def writing(out: Path, work: Callable[[], object]) -> None:
    """Do some work in the output folder; one that cannot be written to is wrong input.

    Raises:
        CannotStart: the system says no.
    """
    try:
        work()
    except OSError as error:
        raise CannotStart(f"{out} cannot be written: {error.strerror}. Choose another folder.") from None


def stderr_console() -> Console:
    """A console for people; machine output goes to stdout."""
    from rich.console import Console

    return Console(stderr=True)


@contextmanager
def step(title: str) -> Iterator[Callable[[str], None]]:
    """Progress on stderr: a moving line on a terminal, one line a step elsewhere."""
    if not sys.stderr.isatty():
        say(title)
        yield say
        return
    from rich.markup import escape

    from gpuplane.delivery.wording import printable

    with stderr_console().status(escape(printable(title))) as status:
        yield lambda line: status.update(escape(printable(line)))


@contextmanager
def errors() -> Iterator[None]:
    """Errors to messages and exit statuses; what is not expected here is a defect and shows its traceback."""
    from gpuplane.spec.errors import InvalidSpec

    try:
        yield
    except InvalidSpec as error:
        from gpuplane.delivery.redaction import redaction_of_files

        count, said = len(error.errors), redaction_of_files(each.file for each in error.errors).text(str(error))
        stop(WRONG_INPUT, f"{said}\n{count} error{'s' if count != 1 else ''}; nothing was done.")
    except Stop as error:
        from gpuplane.delivery.redaction import NO_SECRETS

        stop(error.status, NO_SECRETS.text(str(error)))
    except click.Abort:  # the end of the input, or no at a question
        stop(WRONG_INPUT, "\nNot answered, so nothing was done. Where nobody can be asked, give the options that are asked for.")
    except BrokenPipeError:  # the reader has gone; no verdict was said whole, so none is taken for good
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ENGINE_FAILED)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_PATH:
            stop(WRONG_INPUT, f"{error.filename} cannot be a path: {error.strerror}. Name another.")
        import traceback

        from gpuplane.delivery.redaction import NO_SECRETS

        told = NO_SECRETS.text(traceback.format_exc())
        stop(ENGINE_FAILED, f"{told}This is a defect of gpuplane, not of the input; nothing was judged.")


def say(message: str, err: bool = True) -> None:
    """Tell people something, on stderr; what it quotes steers neither a terminal nor a runner that reads the log."""
    from gpuplane.delivery.wording import inert, printable

    click.echo(inert("\n".join(printable(line) for line in message.split("\n"))), err=err)


def stop(status: int, message: str) -> NoReturn:
    """Say it on stderr and exit."""
    say(message)
    sys.exit(status)
