"""What ``--out`` gives: every form of a report and the manifests, in one folder.

Files are written to a hidden folder first and then moved into place one by one, so that a reader never sees
half of one; what a former run left in ``manifests/`` and ``records/`` goes. Only files that a run of gpuplane wrote are ever replaced or
removed: each is known by its first lines.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath

from gpuplane.delivery.chunks import done_by_all
from gpuplane.delivery.data_record_forms import TITLE, record_files
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.formats import formatted_pieces
from gpuplane.delivery.manifests import is_ours, manifests
from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.shared_judging import fitting
from gpuplane.delivery.whole_file import write_whole
from gpuplane.spec.errors import listed

MANIFESTS, RECORDS = "manifests", "records"

FILES: Mapping[str, str] = {"plan.json": "json", "report.md": "markdown", "report.html": "html", "findings.sarif": "sarif",
                            "findings.junit.xml": "junit"}
"""File name to format."""

_MARKS: Mapping[str, re.Pattern[str]] = {name: re.compile(mark, re.DOTALL) for name, mark in {
    "plan.json": r'^\{\s*"as_of": "[^"]*",\s*"blocking": \[', "report.md": r"^\W*\*\*[A-Z]+:\*\* ",
    "report.html": r"<title>[A-Z]+: gpuplane preview of ", "findings.sarif": r'"driver": \{\s*"name": "gpuplane"',
    "findings.junit.xml": r'<testsuites name="gpuplane"', "capacity.json": r'^\{\s*"admission": \{\s*"at_maximum": ',
    "capacity.txt": r"^tenant +devices +guaranteed ", "capacity.svg": r'^(\s*$|<svg [^>]*aria-labelledby="capacity-title")',
    "rehearsal.json": r'^\{\s*"rehearsal": \{', "rehearsal.txt": r"^\S+: .*\(\d+ of \d+ claims agree, ",
    "rehearsal.md": r"^### \S Rehearsal of ", "rehearsal.html": r"<title>(dis)?agrees: gpuplane rehearse "}.items()}
"""What stands in the first 2000 characters of a file of that name that is ours."""
_OURS: Mapping[str, Mapping[str, Callable[[str], bool]]] = {
    MANIFESTS: {".yaml": is_ours, ".txt": is_ours},
    RECORDS: {".md": lambda text: text.startswith(f"# {TITLE} "), ".json": lambda text: text.startswith('{\n  "allowed_regions": ')}}
"""Folders that we fill, and whether a file there is ours, by its suffix and its first characters."""


class UnsafeOutputError(CannotStart, ValueError):
    """The folder cannot take the files without harm to something that is not ours; nothing was written."""


def discard_former(out: Path) -> None:
    """Remove what a former run wrote: reports that say "pass", and manifests, must not outlive the input they were about.

    Raises:
        UnsafeOutputError: ``out`` is a file, or something that gpuplane did not write is in the way; nothing was removed.
    """
    former = _former(out)
    discard(out, FILES)
    for folder, files in former.items():
        if files:
            _remove(files, out / folder)
            if not any((out / folder).iterdir()):
                (out / folder).rmdir()


def discard(out: Path, names: Collection[str]) -> None:
    """Remove files of these names that a former run wrote.

    Raises:
        UnsafeOutputError: ``out`` is a file, or something that gpuplane did not write has one of the names; nothing was removed.
    """
    if out.exists() and not out.is_dir():
        raise UnsafeOutputError(f"{out} is a file; --out needs a folder. Choose another path.")
    for name in names:
        _require_ours(out / name)
    for name in names:
        (out / name).unlink(missing_ok=True)


def write_files(out: Path, texts: Mapping[str, str]) -> None:
    """Write files into a folder, each whole.

    Args:
        texts: by name.
    """
    for name, text in texts.items():
        write_whole(out / name, text)


def write_outputs(report: PreviewReport, out: Path) -> list[Path]:
    """Write every form of the report and the manifests into ``out``; returns the files, sorted.

    Raises:
        UnsafeOutputError: ``out`` is a file, or ``manifests/`` or ``records/`` holds something that gpuplane did not write.
    """
    former = _former(out)
    parts: dict[str, Callable[[], Mapping[str, Iterable[str]]]] = {
        name: lambda name=name: {name: formatted_pieces(report, FILES[name])} for name in FILES}  # type: ignore[misc]
    parts[MANIFESTS] = lambda: {f"{MANIFESTS}/{path}": (text,) for path, text in manifests(report).items()}
    parts[RECORDS] = lambda: {
        f"{RECORDS}/{path}": (report.redaction.text(text),) for path, text in record_files(report.records).items()}
    out.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".gpuplane-", dir=out))  # in it, so that a move never crosses file systems

    def staged(part: str) -> dict[str, str]:
        return {name: _staged(staging, f"{part}-{number}", pieces) for number, (name, pieces) in enumerate(sorted(parts[part]().items()))}

    try:
        # The longest first: it is this process's, and manifests take as long in another.
        made = done_by_all(["plan.json", MANIFESTS, *(part for part in parts if part not in ("plan.json", MANIFESTS))], staged, least=2,
                            most=fitting(len(report.resources)))
        places = {name: file for some in made.values() for name, file in some.items()}
        written = [_move(staging / places[name], out / PurePosixPath(name)) for name in sorted(places)]
    finally:
        shutil.rmtree(staging)
    for folder, files in former.items():
        _remove(files - set(written), out / folder)
    (out / MANIFESTS).mkdir(exist_ok=True)
    return written


def _staged(staging: Path, file: str, pieces: Iterable[str]) -> str:
    with (staging / file).open("w", encoding="utf-8", newline="\n") as opened:
        opened.writelines(pieces)
    return file


def _move(new: Path, final: Path) -> Path:
    final.parent.mkdir(parents=True, exist_ok=True)
    return new.replace(final)


def _former(out: Path) -> Mapping[str, set[Path]]:
    """Files of a former run by folder, all of them ours."""
    if out.exists() and not out.is_dir():
        raise UnsafeOutputError(f"{out} is a file; --out needs a folder. Choose another path.")
    for name in FILES:
        _require_ours(out / name)
    return {name: _former_files(out / name) for name in _OURS}


def _former_files(folder: Path) -> set[Path]:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UnsafeOutputError(f"{folder} is no folder of its own. Choose another path for --out.")
    found = {path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()} if folder.is_dir() else set()
    foreign = sorted(str(path) for path in found if not _is_ours(path))
    if foreign:
        raise UnsafeOutputError(f"{folder} holds files that gpuplane did not write: {listed(foreign, 3)}. "
                            "They would be lost; move them, or choose another path for --out.")
    return found


def _require_ours(path: Path) -> None:
    """A file that has the name of one of ours was written by us, or is not there."""
    if path.is_dir():
        raise UnsafeOutputError(f"{path} is a folder; a file of that name has to go there. Choose another path.")
    if not path.exists() and not path.is_symlink():
        return
    ours = path.is_file() and not path.is_symlink()
    if ours:
        with path.open(encoding="utf-8", errors="replace") as file:
            ours = _MARKS[path.name].search(file.read(2000)) is not None
    if not ours:
        raise UnsafeOutputError(f"{path} was not written by gpuplane, and would be lost. Move it, or choose another path for --out.")


def _is_ours(path: Path) -> bool:
    begins = _OURS[_folder_of(path)].get(path.suffix)
    if path.is_symlink() or not path.is_file() or begins is None:
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return begins(file.read(2000))


def _folder_of(path: Path) -> str:
    """The one of our folders that a file is in; a folder of ours may lie below any path."""
    return next(part for part in reversed(path.parts[:-1]) if part in _OURS)


def _remove(stale: set[Path], folder: Path) -> None:
    for path in stale:
        path.unlink()
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
