"""Changes that are no drift: what controllers, webhooks and the API server write by design (``data/expected-changes.tsv``)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gpuplane.delivery.applying.field_owners import Owner


@dataclass(frozen=True)
class ExpectedChange:
    """One row: regular expressions that match whole, and why such a change is expected."""

    kind: re.Pattern[str]
    path: re.Pattern[str]
    manager: re.Pattern[str]
    why: str


@cache
def expected_changes() -> tuple[ExpectedChange, ...]:
    """All rows."""
    text = (files("gpuplane.delivery.applying") / "data" / "expected-changes.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader((line for line in text.splitlines() if not line.startswith("#")), delimiter="\t", quoting=csv.QUOTE_NONE)
    return tuple(ExpectedChange(re.compile(row["kind"]), re.compile(row["path"]), re.compile(row["manager"]), row["why"]) for row in rows)


def why_expected(kind: str, path: str, owners: Iterable[Owner]) -> str:
    """Why a field of an object differs by design; empty where it does not.

    Every manager that owns the field must be one of whom it is expected: a hand beside a controller is a hand.
    """
    managers = [owner.manager for owner in owners] or [""]
    for row in expected_changes():
        if row.kind.fullmatch(kind) and row.path.fullmatch(path) and all(row.manager.fullmatch(manager) for manager in managers):
            return row.why
    return ""
