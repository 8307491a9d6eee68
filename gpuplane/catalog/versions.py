"""Versions as numbers, so that they compare as they should."""

from __future__ import annotations


def numbers(version: str) -> tuple[int, ...]:
    """``0.9.0`` is less than ``0.20.0``; a leading ``v`` and what follows a ``-`` do not count.

    Raises:
        ValueError: a part is no number.
    """
    return tuple(int(part) for part in version.removeprefix("v").partition("-")[0].split("."))
