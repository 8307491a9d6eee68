"""Where records lie: one file for each, created once and never written again.

A record's name is its place in the chain alone. Two writers who saw the same end of the chain want the same name, and the store gives it
to one of them: the chain cannot fork. Records lie in folders of a thousand: the end is found in two listings, however long the chain is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.whole_file import create_whole

FOLDER: Final = "gpuplane-audit"
"""Beside Pulumi's own ``.pulumi`` in the state bucket."""
_NAME = re.compile(r"[0-9]{12}\.jsonl")
_THOUSAND = re.compile(r"[0-9]{9}")
MOST_BYTES_READ: Final = 2_000_000
"""Bytes read of one file: more than a record ever has."""


class Store(Protocol):
    """Records of one environment by name (:func:`name_of`)."""

    def last(self) -> int:
        """Sequence of the last record; 0 for none."""

    def read(self, sequence: int) -> bytes:
        """One record; empty where it is not there."""

    def create(self, sequence: int, line: bytes) -> bool:
        """Write a record that nobody has written: whole, durable, or not at all; False where one is there already."""

    def all(self) -> Iterator[tuple[int, bytes]]:
        """Every record, in order."""


def name_of(sequence: int) -> str:
    """Where a record lies: ``000000000/000000000042.jsonl``."""
    return f"{sequence // 1000:09d}/{sequence:012d}.jsonl"


def sequence_of(path: str) -> int:
    """The place that a file's name says; 0 where it is not named like a record."""
    name = path.rpartition("/")[2]
    return int(name[:12]) if _NAME.fullmatch(name) else 0


class FolderStore:
    """Records in a folder of a file system."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def last(self) -> int:
        for part in sorted(self._parts(), reverse=True):
            found = _sequences(each.name for each in part.iterdir())
            if found:
                return max(found)
        return 0

    def read(self, sequence: int) -> bytes:
        try:
            with (self._folder / name_of(sequence)).open("rb") as file:
                return file.read(MOST_BYTES_READ)
        except FileNotFoundError:
            return b""

    def create(self, sequence: int, line: bytes) -> bool:
        target = self._folder / name_of(sequence)
        try:
            create_whole(target, line, 0o600)
        except FileExistsError:
            return False
        except OSError as error:
            raise CannotStart(f"{target} cannot be written: {error.strerror}. Records need a folder that takes new files and hard links; "
                              "name another one with --audit or GPUPLANE_AUDIT.") from None
        return True

    def all(self) -> Iterator[tuple[int, bytes]]:
        for part in sorted(self._parts()):
            for sequence in sorted(_sequences(each.name for each in part.iterdir())):
                yield sequence, self.read(sequence)

    def _parts(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return [part for part in self._folder.iterdir() if _THOUSAND.fullmatch(part.name) and part.is_dir()]


def _sequences(names: Iterator[str]) -> list[int]:
    """What is not named like a record is none: a file that a killed writer left begins with a dot."""
    return [sequence for name in names if (sequence := sequence_of(name))]
