"""The rendered folder on disk: what is ours is written and goes, what is not is never touched."""

from __future__ import annotations

import difflib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from gpuplane.delivery.handoff import judged_with, provenance, rendered
from gpuplane.delivery.manifests import is_ours
from gpuplane.delivery.outputs import UnsafeOutputError

_OWN_JSON = (provenance.FILE, judged_with.FILE, rendered.OUTPUTS)
_MOST_BYTES = 50_000_000


def write_rendered(folder: Path, texts: Mapping[str, str]) -> tuple[int, int, int]:
    """Write files that differ, remove former ones that are not among them; the provenance comes last.

    Returns:
        How many are new or other, the same, and gone.

    Raises:
        UnsafeOutputError: something that gpuplane did not write is in the way; nothing was written.
    """
    former = former_files(folder)
    _require_ours(folder, texts)
    changed = {path: text for path, text in texts.items() if former.get(path) != text}
    gone = sorted(former.keys() - texts.keys())
    folder.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".gpuplane-", dir=folder))
    try:
        for path in sorted(changed, key=lambda path: (path == provenance.FILE, path)):
            _moved(staging, folder / PurePosixPath(path), changed[path])
    finally:
        shutil.rmtree(staging)
    for path in gone:
        (folder / path).unlink()
    _without_empty(folder, gone)
    return len(changed), len(texts) - len(changed), len(gone)


def differences(folder: Path, texts: Mapping[str, str]) -> Iterator[str]:
    """What writing would change, as unified diffs; nothing is written."""
    former = former_files(folder)
    for path in sorted({*former, *texts}):
        before, after = former.get(path, ""), texts.get(path, "")
        if before != after:
            yield from difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True),
                                            f"a/{path}" if before else "/dev/null", f"b/{path}" if after else "/dev/null")


def former_files(folder: Path) -> dict[str, str]:
    """Text of every file below a folder that gpuplane wrote, by path; links are followed nowhere.

    Raises:
        UnsafeOutputError: the folder is something else.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UnsafeOutputError(f"{folder} is no folder of its own. Choose another path.")
    found: dict[str, str] = {}
    for path in _files(folder) if folder.is_dir() else ():
        name = path.relative_to(folder).as_posix()
        text = _text(path)
        if text is not None and (is_ours(text) if path.suffix in (".yaml", ".txt") else name in _OWN_JSON):
            found[name] = text
    return found


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        elif path.is_file() and not path.is_symlink():
            yield path


def _text(path: Path) -> str | None:
    if path.suffix not in (".yaml", ".txt", ".json") or path.stat().st_size > _MOST_BYTES:
        return None
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except UnicodeDecodeError:
        return None


def _require_ours(folder: Path, texts: Mapping[str, str]) -> None:
    former, foreign = former_files(folder), []
    for name in texts:
        path = folder / PurePosixPath(name)
        links = [above for above in PurePosixPath(name).parents if above.name and (folder / above).is_symlink()]
        if links or path.is_symlink() or (path.exists() and name not in former):
            foreign.append(str(path))
    if (folder / provenance.FILE).exists():
        provenance.read_provenance(folder)  # a file of that name that is none of ours says so
    if foreign:
        raise UnsafeOutputError(f"{folder} holds files that gpuplane did not write where its own go: {', '.join(sorted(foreign)[:5])}. "
                                "Move them, or choose another path for --out.")


def _moved(staging: Path, final: Path, text: str) -> None:
    new = staging / "new"
    new.write_text(text, encoding="utf-8", newline="\n")
    final.parent.mkdir(parents=True, exist_ok=True)
    new.replace(final)


def _without_empty(folder: Path, gone: list[str]) -> None:
    for name in gone:
        for above in PurePosixPath(name).parents:
            path = folder / above
            if above.name and path.is_dir() and not any(path.iterdir()):
                path.rmdir()
