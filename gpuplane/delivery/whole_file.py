"""A file that is there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a text file, and its folder if need be; a reader sees the former file or this one, never half of one.

    Raises:
        OSError: the system says no; what was there is as it was.
    """
    with _beside(path, text.encode(), mode) as new:
        new.replace(path)


def keep_among_few(path: Path, text: str, most: int) -> None:
    """Write a file that only its owner reads into a folder that is for such files alone; the oldest go where there are more.

    Raises:
        OSError: the system says no.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(path, text, 0o600)
    for file in sorted(path.parent.iterdir(), key=lambda file: file.stat().st_mtime_ns, reverse=True)[most:]:
        file.unlink(missing_ok=True)


def create_whole(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file that is not there yet, and its folder if need be: whole, durable, or not at all.

    Raises:
        FileExistsError: it is there; of two writers one is told so.
        OSError: the system says no, or knows no hard links.
    """
    with _beside(path, content, mode) as new:
        path.hardlink_to(new)  # unlike a rename, this fails where somebody was quicker
        _sync(path.parent)


@contextmanager
def _beside(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    """The content in a file beside, on its disk; gone at the end unless it was renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".gpuplane-", dir=path.parent)
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.chmod(mode)
        yield new
    finally:
        new.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """A name is durable once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
