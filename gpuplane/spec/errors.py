"""What is wrong with a document: one record an error, all of them raised together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, order=True)
class SpecError:
    """One thing wrong in one document.

    Attributes:
        file: path as the reader named it, relative to the working directory where possible.
        line: 1-based line, 0 where the file as a whole is meant.
        path: dotted path of the field, e.g. ``spec.quota.h100``; empty for the document as a whole.
        message: what is wrong, with the value and what is allowed.
        remedy: what to do.
    """

    file: str
    line: int
    path: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        subject = f" {self.path}:" if self.path else "" if self.line else ":"
        remedy = f" {self.remedy}" if self.remedy else ""
        return f"{place}{subject} {self.message}{remedy}"


def dotted(path: Sequence[str | int]) -> str:
    """``("spec", "egress", 0, "cidr")`` as ``spec.egress[0].cidr``; odd keys are quoted so that a path stays one short line."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f"{'.' if text else ''}{_key(step)}"
    return text


def _key(step: str) -> str:
    return step if step.isprintable() and len(step) <= 80 else shown(step)


def shown(value: Any) -> str:
    """A value for an error message: JSON on one line, at most 80 characters."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = type(value).__name__
    if not text.isprintable():
        text = json.dumps(value)
    return text if len(text) <= 80 else text[:79] + "…"


def listed(parts: Iterable[str], most: int = 6, between: str = ", ") -> str:
    """The first parts in words, and how many more there are."""
    found = list(parts)
    return between.join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")


def choices(names: Iterable[str]) -> str:
    """What there is to choose from, in order."""
    return ", ".join(sorted(names)) or "none"


class InvalidSpec(Exception):
    """The documents cannot be read as a wish; ``errors`` holds every reason, sorted by file and line."""

    def __init__(self, errors: Sequence[SpecError]) -> None:
        self.errors = tuple(sorted(set(errors)))
        super().__init__("\n".join(str(error) for error in self.errors))
