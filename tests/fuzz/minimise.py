"""The smallest input that shows the same defect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from tests.fuzz.case import Case

Part = TypeVar("Part")


def minimised(case: Case, shows: Callable[[Case], bool], tries: int = 400) -> Case:
    """A smaller case.

    Args:
        case: shows the defect.
        shows: whether another one does, too.
        tries: most cases that are tried.
    """
    left = [tries]

    def still(smaller: Case) -> bool:
        left[0] -= 1
        return left[0] >= 0 and shows(smaller)

    content = _smaller(case.content.splitlines(keepends=True), lambda part: still(replace(case, content=b"".join(part))))
    case = replace(case, content=b"".join(content))
    if len(case.content) < 4000 or left[0] > 50:
        step = max(1, len(case.content) // 200)
        parts = [case.content[at:at + step] for at in range(0, len(case.content), step)]
        case = replace(case, content=b"".join(_smaller(parts, lambda part: still(replace(case, content=b"".join(part))))))
    if case.target == "command-line":
        case = replace(case, arguments=tuple(_smaller(list(case.arguments), lambda part: still(replace(case, arguments=tuple(part))))))
    return case


def _smaller(parts: list[Part], shows: Callable[[list[Part]], bool]) -> list[Part]:
    """Leave out ever smaller runs of parts (Zeller's ddmin without its complements)."""
    size = max(1, len(parts) // 2)
    while parts:
        at = 0
        while at < len(parts):
            without = parts[:at] + parts[at + size:]
            if shows(without):
                parts = without
            else:
                at += size
        if size == 1:
            break
        size = max(1, size // 2)
    return parts
