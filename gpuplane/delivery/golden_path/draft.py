"""A change of the wishes that is tried on a copy first: what the environment cannot be is never written, not even by a kill in between."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.whole_file import create_whole, write_whole
from gpuplane.spec.catalog_files import RUNTIME_FOLDER
from gpuplane.spec.document_files import shown_path
from gpuplane.spec.errors import InvalidSpec, SpecError

if TYPE_CHECKING:
    from gpuplane.delivery.preview_report import Comparison, PreviewReport
    from gpuplane.policies.finding import Finding

_SHARED = ("catalog.yaml", "prices.yaml", RUNTIME_FOLDER)


@dataclass(frozen=True)
class Judged:
    """What the environment would be with the change.

    Attributes:
        report: with the difference from before, where there was a before.
        own: blocking findings that were not there before.
    """

    report: PreviewReport
    own: tuple[Finding, ...]


@dataclass(frozen=True)
class Draft:
    """A copy of one environment and of what all environments share, to be changed and judged.

    Attributes:
        environments: the real folder.
        environment: name; it may be a new one.
        copy: the copy of ``environments``.
    """

    environments: Path
    environment: str
    copy: Path

    def put(self, relative: str, text: str) -> None:
        """Write a file of the copy; ``relative`` is its path below the environments' folder."""
        path = self.copy / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")

    def judged(self, as_of: date) -> Judged:
        """Preview the copy, beside the environment as it is where there is one.

        Raises:
            InvalidSpec: with every error, in the names of the real files.
        """
        from gpuplane.delivery import preview as previews
        from gpuplane.spec.loader import load_environment

        try:
            spec = load_environment(self.copy, self.environment)
            report = previews.preview(spec, as_of)
        except InvalidSpec as error:
            raise InvalidSpec([self._real(each) for each in error.errors]) from None
        before = self._before(as_of)
        if before is not None:
            report = previews.with_comparison(spec, report, _comparison(before, report))
        report = replace(report, findings=tuple(replace(each, file=self._named(each.file)) for each in report.findings))
        known = {(finding.rule, finding.message) for finding in before.blocking} if before is not None else set()
        return Judged(report, tuple(finding for finding in report.blocking if (finding.rule, finding.message) not in known))

    def _before(self, as_of: date) -> PreviewReport | None:
        from gpuplane.delivery import preview as previews
        from gpuplane.spec.loader import load_environment

        if not (self.environments / self.environment / "environment.yaml").is_file():
            return None
        try:
            return previews.preview(load_environment(self.environments, self.environment), as_of)
        except InvalidSpec:  # it was wrong before; what is said of the copy is all there is to say
            return None

    def _real(self, error: SpecError) -> SpecError:
        return SpecError(self._named(error.file), error.line, error.path, error.message, error.remedy)

    def _named(self, file: str) -> str:
        """A file of the copy by its real name."""
        return file.replace(shown_path(self.copy), shown_path(self.environments), 1)


def _comparison(before: PreviewReport, after: PreviewReport) -> Comparison:
    import json

    from gpuplane.delivery.changes import changes_between
    from gpuplane.delivery.isolation_json import edges_from_json
    from gpuplane.delivery.preview_report import Comparison
    from gpuplane.delivery.render_json import to_json, views_from_json

    data = json.loads(to_json(before))
    return Comparison("before", "", data["plan"], changes_between(views_from_json(data), views_from_json(json.loads(to_json(after)))),
                      edges=edges_from_json(data))


@contextmanager
def drafted(environments: Path, environment: str) -> Iterator[Draft]:
    """A draft, whose copy goes when the block ends."""
    from gpuplane.spec.loader import environment_names

    with tempfile.TemporaryDirectory(prefix="gpuplane-draft-") as folder:
        copy = Path(folder) / "environments"
        copy.mkdir()
        others = (f"{name}/environment.yaml" for name in environment_names(environments) if name != environment)  # releases come from them
        for name in (environment, *_SHARED, *others):
            _copied(environments / name, copy / name)
        yield Draft(environments, environment, copy)


def _copied(source: Path, target: Path) -> None:
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)


def write_new(path: Path, text: str) -> None:
    """Write a file that must not be there yet, whole or not at all.

    Raises:
        CannotStart: it is there, or cannot be written.
    """
    try:
        create_whole(path, text.encode())
    except FileExistsError:
        raise CannotStart(f"{shown_path(path)} is there already; nothing was written. Edit it, or choose another name.") from None
    except OSError as error:
        raise CannotStart(f"{shown_path(path)} cannot be written: {error.strerror}.") from None


def write_over(path: Path, before: str, text: str) -> None:
    """Replace a file, whole or not at all, unless somebody has changed it meanwhile.

    Raises:
        CannotStart: it holds something else than ``before``, or cannot be written.
    """
    try:
        if path.read_text(encoding="utf-8") != before:
            raise CannotStart(f"{shown_path(path)} was changed meanwhile; nothing was written. Run the command again.")
        write_whole(path, text, path.stat().st_mode & 0o777)
    except OSError as error:
        raise CannotStart(f"{shown_path(path)} cannot be written: {error.strerror}.") from None
