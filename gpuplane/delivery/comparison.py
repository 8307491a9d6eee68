"""The same environment at another git ref, rendered by that ref's own code where it has any.

The state of an offline preview is a git ref: both sides are rendered, and the difference is the change.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from gpuplane.delivery.changes import changes_between
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.preview_report import Comparison, PreviewReport
from gpuplane.delivery.render_json import to_json, views_from_json

_TIMEOUT_SECONDS = 600


@dataclass
class OtherSide:
    """A preview of another ref under way in a child process; :meth:`finish` waits for it."""

    ref: str
    commit: str
    folder: tempfile.TemporaryDirectory[str]
    child: subprocess.Popen[str] | None

    def finish(self, report: PreviewReport) -> Comparison:
        """The comparison, once both sides are there."""
        try:
            return self._compared(report)
        finally:
            self.folder.cleanup()

    def _compared(self, report: PreviewReport) -> Comparison:
        if self.child is None:
            note = f"{report.environment} does not exist at {self.ref}: everything is new."
            return Comparison(self.ref, self.commit, None, changes_between((), _own(report)), note)
        output, errors = self.child.communicate(timeout=_TIMEOUT_SECONDS)
        if self.child.returncode not in (0, 1):
            note = f"{self.ref} cannot be previewed, so there is nothing to compare with: {_last(errors)}"
            return Comparison(self.ref, self.commit, None, (), note)
        data: dict[str, Any] = json.loads(output)
        return Comparison(self.ref, self.commit, data["plan"], changes_between(views_from_json(data), _own(report)))


def _own(report: PreviewReport) -> tuple[Any, ...]:
    """This side's resources after the same trip through JSON, so that equal is equal; places are kept."""
    return views_from_json(json.loads(to_json(report)))


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def start(environments: Path, environment: str, ref: str, as_of: date) -> OtherSide:
    """Begin to preview the environment as it is at ``ref``.

    Raises:
        CannotStart: not a git repository, or no such ref.
    """
    top = Path(_git(environments, "rev-parse", "--show-toplevel", what="a git repository"))
    commit = _git(environments, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", what=f"a commit {ref!r}")
    relative = environments.resolve().relative_to(top.resolve())
    folder = tempfile.TemporaryDirectory(prefix="gpuplane-ref-")
    _extract(top, commit, Path(folder.name))
    if not (Path(folder.name) / relative / environment / "environment.yaml").is_file():
        return OtherSide(ref, commit, folder, None)
    return OtherSide(ref, commit, folder, _child(Path(folder.name), relative, environment, as_of))


def _git(where: Path, *arguments: str, what: str) -> str:
    try:
        found = subprocess.run(["git", *arguments], cwd=where, capture_output=True, text=True, check=False)
    except OSError as error:
        raise CannotStart(f"git cannot be run in {where}: {error.strerror}.") from None
    if found.returncode != 0:
        raise CannotStart(f"{where} has no {what}. {found.stderr.strip()}".strip())
    return found.stdout.strip()


def _extract(top: Path, commit: str, folder: Path) -> None:
    with subprocess.Popen(["git", "archive", "--format=tar", commit], cwd=top, stdout=subprocess.PIPE) as archive:
        assert archive.stdout is not None
        with tarfile.open(fileobj=archive.stdout, mode="r|") as tar:
            tar.extractall(folder, filter="data")


def _child(folder: Path, relative: Path, environment: str, as_of: date) -> subprocess.Popen[str]:
    """``gpuplane preview`` in the other tree: with its own code where it holds gpuplane, with ours where it holds only wishes."""
    command = [sys.executable, "-m", "gpuplane", "preview", environment, "--environments", str(relative),
               "--as-of", as_of.isoformat(), "--format", "json"]
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONSAFEPATH"}
    if not (folder / "gpuplane" / "__init__.py").is_file():
        variables["PYTHONSAFEPATH"] = "1"
    return subprocess.Popen(command, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
