"""The same environment at another git ref, rendered by that ref's own code where it has any.

The state of an offline preview is a git ref: both sides are rendered, and the difference is the change.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

from gpuplane.delivery.changes import changes_between
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.isolation_json import edges_from_json
from gpuplane.delivery.kept_sides import KeptSides, ListedFile, Worked, key_of
from gpuplane.delivery.preview_report import SCHEMA_VERSION, Comparison, PreviewReport
from gpuplane.delivery.render_json import to_json, views_from_json
from gpuplane.delivery.tenant_renders import TenantRenders
from gpuplane.graph.resource_view import ResourceView
from gpuplane.spec.errors import InvalidSpec

_TIMEOUT_SECONDS = 600
_LEAST, _MOST = 24, 20_000
"""Tenants below which the other side takes no longer than to start a child, and objects above which a child takes too much memory."""


class NoAnswer(Exception):
    """The other side has nothing to compare with; the message says why."""


class OtherSide:
    """A preview of another ref, under way in a child process while this side is previewed; leaving it ends the child.

    Args:
        environments: folder of the environments, in a git repository.
        environment: name of one.
        ref: what to compare with.
        as_of: date that both sides are judged at.
        command: ``preview``, or ``cost``, which only plans.
        sides: other sides of comparisons before; never where the answer lets an apply go. Of one that is there no file is checked out.

    Attributes:
        ref, commit: what is compared with.

    Raises:
        CannotStart: not a git repository, or no such ref.
    """

    def __init__(self, environments: Path, environment: str, ref: str, as_of: date, command: str = "preview",
                 sides: KeptSides | None = None) -> None:
        self.ref = ref
        self._top = repository_of(environments, "--against compares with a commit")
        self.commit = commit_of(environments, ref)
        self._relative = environments.resolve().relative_to(self._top.resolve())
        self._environment, self._as_of, self._command, self._sides = environment, as_of, command, sides
        self._folder = tempfile.TemporaryDirectory(prefix="gpuplane-ref-", ignore_cleanup_errors=True)
        self._tree = Path(self._folder.name)
        self._environments, self._child = self._tree / self._relative, None  # type: Path, subprocess.Popen[str] | None
        self._ending = ExitStack()
        self._begun: Callable[[], Worked] | None = None
        self._has_program = command != "preview" or bool(
            git(self._top, "ls-tree", "--name-only", self.commit, "gpuplane", what=f"tree {self.commit}"))
        if self._has_program:
            self._start()
        elif not self._is_kept:
            _ = self._checking_out  # while this side is read

    @cached_property
    def _checking_out(self) -> Callable[[], None]:
        return self._ending.enter_context(_checking_out(self._top, self.commit, self._tree))

    def _files(self) -> Path:
        """Folder of the environments, once all files are there."""
        self._checking_out()
        return self._environments

    @cached_property
    def _listed(self) -> tuple[ListedFile, ...]:
        """Files below the environments' folder in the commit."""
        inside = "" if self._relative == Path() else f"{self._relative.as_posix()}/"
        where = ["--", inside] if inside else []
        rows = git(self._top, "ls-tree", "-r", "-z", "--full-tree", self.commit, *where, what=f"tree {self.commit}").split("\0")
        found = ((*said.split(), path.removeprefix(inside)) for said, _, path in (row.partition("\t") for row in rows if row))
        return tuple(ListedFile(mode, digest, path) for mode, _, digest, path in found)

    @cached_property
    def _key(self) -> str | None:
        return None if self._has_program else key_of(self._listed, self._environment, self._as_of)

    @property
    def _is_kept(self) -> bool:
        return self._sides is not None and self._key is not None and self._sides.holds(self._key)

    def _start(self) -> subprocess.Popen[str] | None:
        """The preview by the ref's own program, where it has one."""
        if self._child is None and self.exists and not self._shares:
            self._child = _child(self._tree, self._relative, self._environment, self._as_of, self._command)
        return self._child

    @property
    def exists(self) -> bool:
        """Whether the environment is there at that ref."""
        if not self._has_program and not any(each.is_link for each in self._listed):
            return any(each.path == f"{self._environment}/environment.yaml" for each in self._listed)
        return (self._files() / self._environment / "environment.yaml").is_file()

    @cached_property
    def _shares(self) -> bool:
        """Without a program of its own the other side is rendered by this one, which then need not render what both have in common."""
        if not self._has_program:
            return True
        self._checking_out()
        return self._command == "preview" and not (self._tree / "gpuplane" / "__init__.py").is_file()

    def __enter__(self) -> OtherSide:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.communicate()
        self._ending.close()
        self._folder.cleanup()

    def begin(self, renders: TenantRenders) -> None:
        """Have the other side worked out while this one is judged: to be called when this one's tenants are rendered.

        Args:
            renders: as of :meth:`compared_with`.
        """
        if len(renders.asked) >= _LEAST and renders.objects <= _MOST and not self._is_kept and self.exists and self._shares:
            from gpuplane.delivery.shared_side import shared_side_beside

            self._checking_out()
            self._begun = self._ending.enter_context(
                shared_side_beside(self._files, self._environment, self._as_of, renders, self._sides, self._key))

    def compared_with(self, report: PreviewReport, renders: TenantRenders | None = None) -> Comparison:
        """The comparison, once both sides are there; where the other side cannot be previewed, a note says why.

        Args:
            report: this side.
            renders: tenants that were rendered before, those of this side among them.
        """
        if not self.exists:
            note = f"{report.environment} does not exist at {self.ref}: everything is new."
            return Comparison(self.ref, self.commit, None, changes_between((), _own(report)), note, ())
        try:
            if self._shares:
                return self._shared(report, renders)
            data = self.answer(SCHEMA_VERSION)
            return Comparison(self.ref, self.commit, data["plan"], changes_between(views_from_json(data), _own(report)),
                              edges=edges_from_json(data))
        except (NoAnswer, KeyError, TypeError, ValueError) as error:
            note = f"{self.ref} cannot be previewed, so there is nothing to compare with: {error}"
            return Comparison(self.ref, self.commit, None, (), note)

    def views(self) -> tuple[ResourceView, ...]:
        """Every resource of the other side.

        Raises:
            NoAnswer: the environment is not there, or cannot be previewed.
        """
        if not self.exists:
            raise NoAnswer(f"{self._environment} does not exist there")
        if not self._shares:
            return views_from_json(self.answer(SCHEMA_VERSION))
        from gpuplane.delivery.shared_side import rendered_side

        try:
            return rendered_side(self._files(), self._environment, self._as_of)
        except InvalidSpec as error:
            raise NoAnswer(_first_error(str(error).replace(f"{self._folder.name}/", ""))) from None

    def _shared(self, report: PreviewReport, renders: TenantRenders | None) -> Comparison:
        from gpuplane.delivery.shared_side import differing, shared_side

        try:
            worked = self._begun() if self._begun is not None else shared_side(
                self._files, self._environment, self._as_of, renders, self._sides, self._key)
        except InvalidSpec as error:
            raise NoAnswer(_first_error(str(error).replace(f"{self._folder.name}/", ""))) from None
        plan, changes, edges = differing(worked, self._as_of, report)
        return Comparison(self.ref, self.commit, plan, changes, edges=edges)

    def answer(self, schema_version: int) -> dict[str, Any]:
        """What the command printed there as JSON.

        Raises:
            NoAnswer: it took too long, failed, or speaks another schema version.
        """
        child = self._start()
        assert child is not None  # it exists
        try:
            output, errors = child.communicate(timeout=_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            raise NoAnswer(f"it took more than {_TIMEOUT_SECONDS} s") from None
        try:
            data: dict[str, Any] = json.loads(output)
            version = data["schema_version"]
        except (ValueError, KeyError, TypeError) as error:
            raise NoAnswer(_first_error(errors) or str(error)) from None
        if version != schema_version:
            raise NoAnswer(f"its report has schema version {version}, this one {schema_version}")
        return data


def _own(report: PreviewReport) -> tuple[Any, ...]:
    """This side's resources after the same trip through JSON, so that equal is equal; places are kept."""
    return views_from_json(json.loads(to_json(report)))


def _first_error(text: str) -> str:
    """The line that says what went wrong: an error with its place, else the last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if ".yaml:" in line), lines[-1] if lines else "")


def repository_of(folder: Path, why: str) -> Path:
    """Top of the git repository around a folder.

    Raises:
        CannotStart: there is none; ``why`` says what it is needed for.
    """
    return Path(git(folder, "rev-parse", "--show-toplevel", what=f"git repository around it: {why}"))


def commit_of(folder: Path, ref: str) -> str:
    """The commit that a ref of the repository around a folder names.

    Raises:
        CannotStart: there is no such ref.
    """
    return git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}",
               what=f"commit, branch or tag {ref!r}; fetch it, or name another")


def git(where: Path, *arguments: str, what: str, **variables: str) -> str:
    """What a git command prints, without white space around it.

    Raises:
        CannotStart: git is missing, or failed: ``where`` has no ``what``.
    """
    try:
        found = subprocess.run(["git", *arguments], cwd=where, env={**os.environ, **variables}, capture_output=True, text=True,
                               errors="surrogateescape", check=False)
    except OSError as error:
        raise CannotStart(f"git cannot be run in {where}: {error.strerror}.") from None
    if found.returncode != 0:
        raise CannotStart(f"{where} has no {what}.")
    return found.stdout.strip()


def check_out(top: Path, commit: str, folder: Path) -> None:
    """The commit's whole tree, through an index of its own: neither the repository nor its work tree is touched or asked."""
    with _checking_out(top, commit, folder) as done:
        done()


@contextmanager
def _checking_out(top: Path, commit: str, folder: Path) -> Iterator[Callable[[], None]]:
    """The same while this process goes on.

    Yields:
        What waits for all files to be there.

    Raises:
        CannotStart: from that too.
    """
    # In a work tree of its own: attributes of files are the commit's, and none of what lies in the repository's work tree, which may be
    # somebody else's change.
    where = {"GIT_DIR": git(top, "rev-parse", "--absolute-git-dir", what="git repository"), "GIT_WORK_TREE": str(folder),
             "GIT_INDEX_FILE": str(folder / ".gpuplane-index")}
    git(top, "read-tree", commit, what=f"tree {commit}", **where)
    running = subprocess.Popen(["git", "checkout-index", "--all", "--quiet"], cwd=folder, env={**os.environ, **where},
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def done() -> None:
        if running.wait() != 0:
            raise CannotStart(f"{top} has no files of {commit}.")

    try:
        yield done
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()


def _child(folder: Path, relative: Path, environment: str, as_of: date, name: str) -> subprocess.Popen[str]:
    """A command in the other tree: with its own code where it holds a gpuplane that knows it, else with ours."""
    command = [sys.executable, "-m", "gpuplane", name, environment, "--environments", str(relative),
               "--as-of", as_of.isoformat(), "--format", "json"]
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONSAFEPATH"}
    knows = folder / "gpuplane" / ("__init__.py" if name == "preview" else f"delivery/{name}_command.py")
    if not knows.is_file():
        variables["PYTHONSAFEPATH"] = "1"
    return subprocess.Popen(command, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
