"""The part of a preview's ``plan.json`` that a pull request is told; the file may come from a fork, so it is data to be checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from gpuplane.delivery.changes import Action
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.json_file import object_in
from gpuplane.delivery.preview_report import SCHEMA_VERSION, sentence
from gpuplane.delivery.pull_request.impact import Impact
from gpuplane.planning.money.month import Month
from gpuplane.policies.finding import Finding

FILE = "plan.json"
MOST_BYTES = 512 << 20
"""A preview of a thousand tenants has a quarter of it."""
MOST = 10 ** 15
"""No amount in US dollars and no number of seconds comes near; larger ones are no numbers to reckon with, or to print."""


@dataclass(frozen=True)
class ChangeRow:
    """One object that differs."""

    action: Action
    urn: str
    kind: str
    namespace: str
    name: str
    tenant: str


@dataclass(frozen=True)
class PartyRow:
    """An end of a path."""

    name: str


@dataclass(frozen=True)
class EdgeRow:
    """A path between two parties."""

    medium: str
    source: PartyRow
    target: PartyRow
    sentence: str
    certain: bool
    allowed: str
    refused: bool


@dataclass(frozen=True)
class EdgesRow:
    """Paths that differ."""

    added: tuple[EdgeRow, ...]
    removed: tuple[EdgeRow, ...]


@dataclass(frozen=True)
class ComparisonRow:
    """The other ref."""

    ref: str
    commit: str
    note: str
    isolation: EdgesRow | None = None


@dataclass(frozen=True)
class JudgeRow:
    """The ref that judged, and what this side changes in its judge."""

    ref: str
    commit: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class MoneyRow:
    """The ledger's sum."""

    month: Month


@dataclass(frozen=True)
class PlanRow:
    """What of the plan is told."""

    budget_usd_per_month: Decimal
    money: MoneyRow


@dataclass(frozen=True)
class PreviewFile:
    """One environment's preview, as its ``plan.json`` says it."""

    environment: str
    as_of: date
    verdict: Literal["pass", "fail", "unknown"]
    blocking: tuple[str, ...]
    findings: tuple[Finding, ...]
    plan: PlanRow
    changes: tuple[ChangeRow, ...] | None
    comparison: ComparisonRow | None
    judge: JudgeRow | None = None
    impact: Impact | None = None

    @cached_property
    def in_the_way(self) -> tuple[Finding, ...]:
        """Findings that stop an apply."""
        said = set(self.blocking)
        return tuple(finding for finding in self.findings if not finding.waived and sentence(finding) in said)

    def stops(self, finding: Finding) -> bool:
        """Whether a finding stops an apply."""
        return finding in self._stopping

    @cached_property
    def _stopping(self) -> frozenset[Finding]:
        return frozenset(self.in_the_way)


def read_preview(folder: Path) -> PreviewFile:
    """The preview that ``gpuplane preview --out FOLDER`` wrote.

    Raises:
        CannotStart: there is none, it is too large, it is of another version, or it has a number that nothing can have.
    """
    file = folder / FILE if folder.is_dir() else folder
    try:
        data = object_in(file, MOST_BYTES)
    except OSError as error:
        raise CannotStart(f"{file} cannot be read: {error.strerror}. Write it with gpuplane preview ENV --against REF --out DIR.") from None
    except ValueError as error:
        raise CannotStart(f"{file}: is no preview in JSON: it is {error}.") from None
    version = data.get("schema_version")
    if version != SCHEMA_VERSION:
        raise CannotStart(f"{file}: has schema version {version!r}; this gpuplane reads {SCHEMA_VERSION}. "
                          "Preview and comment with the same one.")
    try:
        found = _READER.validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise CannotStart(f"{file}: {place}: {first['msg']} ({error.error_count()} errors); it is no preview of this version.") from None
    for place, number in (*_numbers("plan", found.plan), *_numbers("impact", found.impact)):
        if not -MOST <= number <= MOST:
            raise CannotStart(f"{file}: {place}: a number beyond {MOST}; it is no preview of this version.")
    return found


def _numbers(place: str, value: object) -> Iterator[tuple[str, int | float | Decimal]]:
    """Every number, with its place."""
    if isinstance(value, int | float | Decimal):
        yield place, value
    elif is_dataclass(value):
        for each in fields(value):
            yield from _numbers(f"{place}.{each.name}", getattr(value, each.name))
    elif isinstance(value, tuple):
        for number, each in enumerate(value):
            yield from _numbers(f"{place}.{number}", each)


_READER = TypeAdapter(PreviewFile)
