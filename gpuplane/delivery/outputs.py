"""What ``--out`` gives: every form of a report and the manifests, in one folder.

Files are written to a hidden folder first and then moved into place one by one, so that a reader never sees
half of one; what a former run left in ``manifests/`` goes.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.formats import formatted
from gpuplane.delivery.manifests import is_ours, manifests
from gpuplane.delivery.preview_report import PreviewReport

MANIFESTS = "manifests"

FILES: Mapping[str, str] = {"plan.json": "json", "report.md": "markdown", "report.html": "html", "findings.sarif": "sarif",
                            "findings.junit.xml": "junit"}
"""File name to format."""


class UnsafeOutputError(CannotStart, ValueError):
    """The folder cannot take the files without harm to something that is not ours; nothing was written."""


def discard_former(out: Path) -> None:
    """Remove the reports of a former run: one that says "pass" must not outlive the input it was about.

    Raises:
        UnsafeOutputError: ``out`` is a file, or ``manifests/`` holds something that gpuplane did not write; nothing was removed.
    """
    _former_manifests(out)
    for name in FILES:
        (out / name).unlink(missing_ok=True)


def write_outputs(report: PreviewReport, out: Path) -> list[Path]:
    """Write every form of the report and the manifests into ``out``; returns the files, sorted.

    Raises:
        UnsafeOutputError: ``out`` is a file, or ``manifests/`` holds something that gpuplane did not write.
    """
    former = _former_manifests(out)
    texts = {name: formatted(report, form) for name, form in FILES.items()}
    texts.update({f"{MANIFESTS}/{path}": text for path, text in manifests(report).items()})
    out.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".gpuplane-", dir=out))  # in it, so that a move never crosses file systems
    try:
        written = [_move(staging, out, name, text) for name, text in sorted(texts.items())]
    finally:
        shutil.rmtree(staging)
    _remove(former - set(written), out / MANIFESTS)
    (out / MANIFESTS).mkdir(exist_ok=True)
    return written


def _move(staging: Path, out: Path, name: str, text: str) -> Path:
    new, final = staging / "new", out / PurePosixPath(name)
    new.write_text(text, encoding="utf-8", newline="\n")
    final.parent.mkdir(parents=True, exist_ok=True)
    return new.replace(final)


def _former_manifests(out: Path) -> set[Path]:
    """Files of a former run, all of them ours."""
    if out.exists() and not out.is_dir():
        raise UnsafeOutputError(f"{out} is a file; --out needs a folder. Choose another path.")
    for name in FILES:
        if (out / name).is_dir():
            raise UnsafeOutputError(f"{out / name} is a folder; a file of that name has to go there. Choose another path.")
    folder = out / MANIFESTS
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UnsafeOutputError(f"{folder} is no folder of its own. Choose another path for --out.")
    found = {path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()} if folder.is_dir() else set()
    foreign = sorted(str(path) for path in found if not _is_ours(path))
    if foreign:
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        raise UnsafeOutputError(f"{folder} holds files that gpuplane did not write: {', '.join(foreign[:3])}{more}. "
                            "They would be lost; move them, or choose another path for --out.")
    return found


def _is_ours(path: Path) -> bool:
    if path.is_symlink() or not path.is_file() or path.suffix not in (".yaml", ".txt"):
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return is_ours(file.readline())


def _remove(stale: set[Path], folder: Path) -> None:
    for path in stale:
        path.unlink()
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
