"""One case against the program, in this process, in a scratch folder of its own."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from click.testing import CliRunner

from gpuplane.delivery.exit_status import ENGINE_FAILED, WRONG_INPUT, CannotStart
from gpuplane.spec.environment_spec import EnvironmentSpec
from tests.fuzz.case import Case
from tests.fuzz.corpus import ROOT
from tests.fuzz.guard import bounded
from tests.fuzz.invariants import Defect, answered, readable, written


def run(case: Case) -> None:
    """Try one input.

    Raises:
        Defect: an invariant does not hold.
    """
    with _scratch(case), bounded():
        _read(case) if not case.arguments and case.file else _command(case)


def signature(case: Case) -> str:
    """What is wrong with the answer to this input; empty for nothing."""
    try:
        run(case)
    except Defect as defect:
        return f"{case.target}: {defect.signature}"
    return ""


def loads(case: Case) -> bool:
    """Whether an environment loads with this document in it."""
    from gpuplane.spec.errors import InvalidSpec

    with _scratch(case):
        try:
            _load(case)
        except InvalidSpec:
            return False
        except Exception:  # a case of its own will find it
            return False
    return True


def _command(case: Case) -> None:
    from gpuplane.cli import cli

    result = CliRunner().invoke(cli, list(case.arguments), prog_name="gpuplane")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise Defect(_place(result.exception), "".join(traceback.format_exception(result.exception))[-3000:])
    offline = result.exit_code == ENGINE_FAILED and "cannot be read:" in result.stderr and case.arguments[:2] == ("prices", "refresh")
    answered(WRONG_INPUT if offline else result.exit_code, _text(result.stdout_bytes, "stdout"), _text(result.stderr_bytes, "stderr"), _format(case.arguments))
    if "--out" in case.arguments:
        _inside(case)


def _text(output: bytes, where: str) -> str:
    try:
        return output.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Defect(f"{where} is not UTF-8", str(error)) from None


def _format(arguments: tuple[str, ...]) -> str:
    """What the output has to be; help is text, whatever else was asked for."""
    if not {"-h", "--help", "--version"}.isdisjoint(arguments):
        return "text"
    asked = next((arguments[at + 1] for at, each in enumerate(arguments[:-1]) if each == "--format"), "text")
    return {"comment": "markdown", "annotations": "json" if asked == "gitlab" else "commands"}.get(arguments[0] if arguments else "", asked)


def _read(case: Case) -> None:
    """The function that reads the file, where that is quicker than a command."""
    from gpuplane.catalog.bench_results import WrongResult
    from gpuplane.planning.promotion.result_files import evaluation_result
    from gpuplane.spec.errors import InvalidSpec

    try:
        _FUNCTIONS.get(case.target, lambda each: evaluation_result(each.content))(case)
    except InvalidSpec as invalid:
        readable(invalid.errors)
    except WrongResult as wrong:
        _brief(str(wrong))
    except CannotStart as refused:
        _brief(str(refused))
    except Defect:
        raise
    except Exception as error:
        raise Defect(_place(error), "".join(traceback.format_exception(error))[-3000:]) from None


def _load(case: Case) -> None:
    from gpuplane.spec.loader import environment_names, load_catalogs, load_environment

    name = case.file.partition("/")[0]
    if "/" in case.file and name in environment_names(Path("environments")):
        load_environment(Path("environments"), name)
    else:
        load_catalogs(Path("environments"))


def _brief(refusal: str) -> None:
    if not refusal or len(refusal) > 5000:
        raise Defect("unreadable refusal", refusal[:500]) from None


@cache
def _staging() -> EnvironmentSpec:
    from gpuplane.spec.loader import load_environment

    return load_environment(ROOT / "environments", "staging")


def _samples(case: Case) -> None:
    from gpuplane.delivery.canary_samples import from_file

    entry = next(each for each in _staging().services.values() if each.document.spec.running_canary is not None)
    from_file(Path(case.file), entry, entry.document.spec.running_canary)


def _outputs(case: Case) -> None:
    from gpuplane.delivery.handoff.known_outputs import read_outputs, with_outputs

    with_outputs((), read_outputs(Path(case.file)))


def _state_copy(case: Case) -> None:
    from gpuplane.delivery.applying.state_copies import read_copy

    read_copy(_staging(), Path(case.file).parent)


_FUNCTIONS: Mapping[str, Callable[[Case], object]] = {"load": _load, "samples": _samples, "outputs": _outputs, "state-copy": _state_copy}


def _place(error: BaseException) -> str:
    """Type of the exception, and the innermost place of ours."""
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if str(ROOT) in frame.filename and "/tests/" not in frame.filename
            and "/.venv/" not in frame.filename]
    frame = ours[-1] if ours else None
    return f"{type(error).__name__} in {Path(frame.filename).relative_to(ROOT)}:{frame.name}:{frame.lineno}" if frame else type(error).__name__


def _inside(case: Case) -> None:
    """Nothing was written outside the folder that was named."""
    known = {"environments", "cache", "out", "rendered", "preview", "records", "copy", "in", "manifest.yaml", "good.csv", case.file.partition("/")[0]}
    wanted = {case.arguments[at + 1].partition("/")[0] for at, each in enumerate(case.arguments[:-1]) if each == "--out"}
    strange = {each.name for each in Path().iterdir()} - known - wanted
    if strange and case.target != "command-line":
        raise Defect("a file outside the output folder", repr(sorted(strange)))
    for folder in sorted(wanted):
        for file in sorted(Path(folder).rglob("*")) if case.arguments[0] == "preview" else ():
            if file.is_file():
                written(file.name, file.read_bytes())


_folders: dict[str, Path] = {}
"""Scratch folders of this process by setting, used again: each case puts its file in and takes it out."""


@contextmanager
def _scratch(case: Case) -> Iterator[None]:
    folder = _folder(case)
    path = folder / ("environments" if case.setting else "") / case.file
    former = path.read_bytes() if case.file and path.is_file() else None
    where = Path.cwd()
    with _alone(folder):
        os.chdir(folder)
        try:
            if case.file:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(case.content)
            yield
        finally:
            os.chdir(where)
            if former is not None:
                path.write_bytes(former)
            elif case.file:
                with suppress(OSError):
                    path.unlink()
            if case.target in ("environment", "command-line", "name") or "--out" in case.arguments:
                _forget(case)


def _folder(case: Case) -> Path:
    key = f"{os.getpid()} {case.setting}"
    if key not in _folders:
        base = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
        folder = Path(mkdtemp(prefix="gpuplane-fuzz-", dir=base), "a", "b", "c")
        folder.mkdir(parents=True)
        if case.setting:
            shutil.copytree(ROOT / case.setting, folder / "environments")
        (folder / "manifest.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {example.com/team: x}}\nspec: {containers: [{name: a, image: a}]}\n")
        from tests.fuzz.seeds import offers

        (folder / "good.csv").write_bytes(offers()[1])
        _folders[key] = folder
    return _folders[key]


def _forget(case: Case) -> None:
    """The next case of this setting gets a fresh folder: this one may have written anything."""
    folder = _folders.pop(f"{os.getpid()} {case.setting}", None)
    if folder is not None:
        shutil.rmtree(folder.parents[2], ignore_errors=True)


def forget_all() -> None:
    """Remove the scratch folders of this process."""
    for key in [each for each in _folders if each.startswith(f"{os.getpid()} ")]:
        shutil.rmtree(_folders.pop(key).parents[2], ignore_errors=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Without network, without Pulumi, and with a cache of its own; a command has no business with any of them here."""
    changed = {"XDG_CACHE_HOME": str(folder / "cache"), "HOME": str(folder), "PATH": "/usr/bin:/bin", "CI": "true", "NO_COLOR": "1", "COLUMNS": "160",
               "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CEILING_DIRECTORIES": str(folder.parent), "GIT_TERMINAL_PROMPT": "0"}
    former = {name: os.environ.get(name) for name in (*changed, "KUBECONFIG", "PYTHONWARNINGS")}
    connect, sys.dont_write_bytecode = socket.socket.connect, True
    os.environ.update(changed)
    os.environ.pop("KUBECONFIG", None)
    socket.socket.connect = _refused  # type: ignore[method-assign]
    try:
        yield
    finally:
        socket.socket.connect = connect  # type: ignore[method-assign]
        for name, value in former.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _refused(*_: Any) -> None:
    raise ConnectionRefusedError(111, "no network in a fuzzer")
