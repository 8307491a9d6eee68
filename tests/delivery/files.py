"""Changes to files of a copy of the environments."""

from __future__ import annotations

from pathlib import Path


def edit(path: Path, old: str, new: str) -> None:
    """Replace the first place where ``old`` stands; it has to stand somewhere."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
