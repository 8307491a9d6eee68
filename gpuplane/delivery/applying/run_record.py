"""The record of a run: JSON lines, one for each thing that happened, written as it happens.

It answers "what did that run do" and lets ``up --resume`` leave out what an interrupted run had finished. A line is written with one
``write`` and brought to the disk before the run goes on; a last line that was cut off by a crash is left out when it is read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from gpuplane.delivery.applying.outcome import Outcome
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.redaction import NO_SECRETS

_LARGEST_RECORD = 64 * 1024 * 1024
"""Bytes that are read of one record at most."""
_KEPT = 50
"""Records of an environment that stay; older ones go."""


class RunRecord:
    """The record of one run, open for writing.

    Attributes:
        path: where it is.
        lost: why a line could not be written; the run itself goes on.
    """

    def __init__(self, path: Path, environment: str, now: datetime) -> None:
        """Begin it; the folder is made if it is not there."""
        self.path, self.lost, self._lock = path, "", Lock()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self.write({"event": "run", "schema_version": 1, "environment": environment, "at": stamp(now), "pid": os.getpid()})

    def write(self, line: Mapping[str, Any]) -> None:
        """Add one line."""
        text = NO_SECRETS.text(json.dumps(dict(line), sort_keys=True, ensure_ascii=False)) + "\n"
        with self._lock:
            try:
                os.write(self._file, text.encode())
                os.fsync(self._file)
            except OSError as error:
                self.lost = str(error)

    def began(self, stack: str, digest: str, now: datetime) -> None:
        """A stack is being applied."""
        self.write({"event": "began", "stack": stack, "digest": digest, "at": stamp(now)})

    def ended(self, outcome: Outcome, digest: str, now: datetime) -> None:
        """A stack is applied, or not."""
        self.write({"event": "ended", "stack": outcome.name, "digest": digest, "result": outcome.result, "counts": dict(outcome.counts),
                    "attempts": outcome.attempts, "seconds": round(outcome.seconds, 1), "reason": outcome.reason, "at": stamp(now)})

    def unsure(self, stack: str, resources: Sequence[Mapping[str, Any]], now: datetime) -> None:
        """Nobody knows whether these were created."""
        self.write({"event": "unsure", "stack": stack, "resources": [dict(one) for one in resources], "at": stamp(now)})

    def close(self, status: int, now: datetime) -> None:
        """The run is over."""
        self.write({"event": "over", "status": status, "at": stamp(now)})
        os.close(self._file)


@dataclass(frozen=True)
class FormerRun:
    """What a record says.

    Attributes:
        path: the record.
        finished: digest by stack, of those that it applied.
        is_over: whether it came to its end with everything done.
    """

    path: Path
    finished: Mapping[str, str]
    is_over: bool


def new_record(folder: Path, environment: str, now: datetime) -> RunRecord:
    """A record of its own in an environment's folder of records; the oldest ones go.

    Raises:
        CannotStart: the folder takes none.
    """
    place = folder / environment
    try:
        for old in sorted(place.glob("*.jsonl"))[:-_KEPT]:
            old.unlink(missing_ok=True)
        return RunRecord(place / f"{now:%Y%m%dT%H%M%S%f}-{os.getpid()}.jsonl", environment, now)
    except OSError as error:
        raise CannotStart(f"{place}: the record of the run cannot be written: {error.strerror}. Nothing was applied; name another folder "
                          "with --runs.") from None


def last_unfinished(folder: Path, environment: str) -> FormerRun | None:
    """The newest run of an environment if it did not get done, else None."""
    newest = max((folder / environment).glob("*.jsonl"), default=None)
    if newest is None:
        return None
    former = read_record(newest)
    return None if former.is_over else former


def read_record(path: Path) -> FormerRun:
    """What a record says; lines that cannot be read are left out."""
    finished: dict[str, str] = {}
    is_over = False
    for line in lines_of(path):
        if line.get("event") == "ended":
            finished.pop(str(line.get("stack")), None)
            if line.get("result") in ("applied", "unchanged", "done before"):
                finished[str(line["stack"])] = str(line.get("digest"))
        is_over = line.get("event") == "over" and line.get("status") == 0
    return FormerRun(path, finished, is_over)


def stamp(now: datetime) -> str:
    """A time in UTC as ISO 8601 writes it, to the second."""
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def lines_of(path: Path) -> Iterator[Mapping[str, Any]]:
    """Lines of a record; those that cannot be read are left out."""
    with path.open("rb") as file:
        for text in file.read(_LARGEST_RECORD).splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict):
                yield line
