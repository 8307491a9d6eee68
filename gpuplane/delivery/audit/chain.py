"""Whether a chain is whole: nothing changed, taken out, put in or moved, and nothing cut off behind an anchor."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gpuplane.delivery.audit.event import Record, record_from
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.spec.errors import shown

_ANCHOR = re.compile(r"([1-9][0-9]{0,11})@(sha256:[0-9a-f]{64})")


@dataclass(frozen=True)
class Anchor:
    """A place of the chain that somebody wrote down elsewhere: what comes before it can neither change nor go unseen."""

    sequence: int
    hash: str

    @staticmethod
    def read(text: str) -> Anchor:
        """From ``SEQUENCE@sha256:HEX``.

        Raises:
            CannotStart: it is none.
        """
        found = _ANCHOR.fullmatch(text)
        if found is None:
            raise CannotStart(f"{shown(text)} is no anchor; allowed: SEQUENCE@sha256:HEX, as gpuplane audit --verify prints it.")
        return Anchor(int(found[1]), found[2])

    def __str__(self) -> str:
        return f"{self.sequence}@{self.hash}"


@dataclass(frozen=True)
class Chain:
    """What a log holds of one environment.

    Attributes:
        environment: its name.
        records: those that can be read, in order.
        problems: what is wrong with the chain, one sentence each; empty: it is whole.
        unreadable: places of lines that are no records.
    """

    environment: str
    records: tuple[Record, ...]
    problems: tuple[str, ...]
    unreadable: tuple[int, ...] = ()

    @property
    def head(self) -> Anchor | None:
        """The last record, to be written down where nobody who can write the log can write; None where there is none."""
        return Anchor(self.records[-1].sequence, self.records[-1].hash) if self.records else None


def read_chain(environment: str, lines: Iterable[tuple[int, bytes]], anchors: Iterable[Anchor] = ()) -> Chain:
    """Read and verify the stored lines of an environment, in the order of their names.

    Args:
        lines: place by its name, and bytes.
        anchors: places that were written down before.
    """
    records: list[Record] = []
    problems: list[str] = []
    unreadable: list[int] = []
    before, expected = "", 1
    for place, line in lines:
        if place != expected:
            problems.append(f"record {expected} is missing" if place == expected + 1 else f"records {expected} to {place - 1} are missing")
        expected = place + 1
        try:
            record = record_from(line)
        except ValueError as error:
            unreadable.append(place)
            problems.append(f"record {place} {error}")
            before = ""
            continue
        problems += _wrong(record, place, environment, before)
        records.append(record)
        before = record.hash
    problems += _lost({record.sequence: record.hash for record in records}, anchors)
    return Chain(environment, tuple(records), tuple(problems), tuple(unreadable))


def _wrong(record: Record, place: int, environment: str, before: str) -> Iterator[str]:
    if record.sequence != place:
        yield f"record {place} says it is record {record.sequence}"
    if record.environment != environment:
        yield f"record {place} is of environment {shown(record.environment)}"
    if record.hash != record.computed_hash():
        yield f"record {place} was changed: its hash is not that of what it says"
    if record.previous != before:
        yield f"record {place} does not follow the one before it"


def _lost(known: dict[int, str], anchors: Iterable[Anchor]) -> Iterator[str]:
    for anchor in anchors:
        if anchor.sequence not in known:
            yield f"record {anchor.sequence}, which was written down, is not there: the log was cut off"
        elif known[anchor.sequence] != anchor.hash:
            yield f"record {anchor.sequence} is another one than was written down: the log was written again"
