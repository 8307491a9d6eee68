"""Digests of texts and of files by their path: ``sha256:`` and 64 hexadecimal digits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def digest(text: str | bytes) -> str:
    """``sha256:…``."""
    return f"sha256:{hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()}"


def digest_of(digests: Mapping[str, str]) -> str:
    """One digest over files, by their digests by path."""
    return digest("".join(f"{digests[path]}  {path}\n" for path in sorted(digests)))


def digests_below(folder: Traversable, suffix: str = "", above: str = "") -> dict[str, str]:
    """Digest of each file below a folder by its path; compiled files count for nothing.

    Args:
        suffix: what the files' names end with.
        above: what stands before each path.
    """
    found: dict[str, str] = {}
    for each in folder.iterdir():
        if each.is_dir() and each.name != "__pycache__":
            found.update(digests_below(each, suffix, f"{above}{each.name}/"))
        elif each.is_file() and each.name.endswith(suffix) and not each.name.endswith(".pyc"):
            found[f"{above}{each.name}"] = digest(each.read_bytes())
    return found
