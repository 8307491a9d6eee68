"""The log: chains of records, one for each environment, in the state bucket or a folder."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gpuplane.delivery.audit.event import AuditEvent, Record, record_from, record_of
from gpuplane.delivery.audit.identity import Who, who_from_environment
from gpuplane.delivery.audit.store import FOLDER, FolderStore, Store
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.redaction import NO_SECRETS, Redaction
from gpuplane.delivery.state_backend import backend_of, folder_of
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.errors import shown

VARIABLE: Final = "GPUPLANE_AUDIT"
"""Names another place for the records than the state's: a folder, ``file://DIR`` or ``s3://BUCKET/PREFIX``."""
_INSTEAD: Final = {"gs": " yet (keep them in S3 or a folder)", "azblob": " yet (keep them in S3 or a folder)",
                   "https": " (Pulumi Cloud takes no files)"}
_ENVIRONMENT: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,98}[a-z0-9])?")
_TRIES: Final = 200
"""How often a writer who came second looks for the new end of the chain."""


class AuditLog:
    """Append-only records of what was planned, judged, approved and done."""

    def __init__(self, place: str) -> None:
        """Open the log of a backend URL or folder; nothing is made before the first record.

        Raises:
            CannotStart: no records can be kept there.
        """
        self.place = place
        self._open = _opener(place)

    def append(self, event: AuditEvent, who: Who, at: datetime, redaction: Redaction = NO_SECRETS) -> Record:
        """Record an event at the end of its environment's chain; returns the record.

        Args:
            who: who did it.
            at: when, with its zone.
            redaction: secrets of the inputs; what has a secret's form is taken out anyway.

        Raises:
            CannotStart: the place cannot be written to, or the last record cannot be read.
        """
        store = self._open(event.environment)
        for _ in range(_TRIES):
            record = record_of(event, who, at, self._end(store, event.environment), redaction)
            if store.create(record.sequence, record.line.encode()):
                return record
        raise CannotStart(f"{self.place}: other writers came first {_TRIES} times; nothing was recorded. Run the command again.")

    def lines(self, environment: str) -> Iterator[tuple[int, bytes]]:
        """Stored lines of an environment by their place in the chain, in order, unread."""
        return self._open(environment).all()

    def _end(self, store: Store, environment: str) -> Record | None:
        last = store.last()
        if not last:
            return None
        try:
            return record_from(store.read(last))
        except ValueError as error:
            raise CannotStart(f"{self.place}: record {last} of {environment} {error}, so nothing can be put behind it. "
                              f"gpuplane audit {environment} --verify says what is wrong.") from None


def audit_log(where: EnvironmentSpec | str, variables: Mapping[str, str] = os.environ) -> AuditLog:
    """The log that belongs to an environment's state, or to a backend URL or folder.

    Args:
        where: an environment (its Pulumi backend is meant), or a URL or folder.
        variables: of the process; ``GPUPLANE_AUDIT`` goes before an environment's backend.

    Raises:
        CannotStart: no records can be kept there.
    """
    if isinstance(where, str):
        return AuditLog(where)
    if variables.get(VARIABLE):
        return AuditLog(variables[VARIABLE])
    return AuditLog(backend_of(where))


def append(where: EnvironmentSpec | str, event: AuditEvent, redaction: Redaction = NO_SECRETS) -> Record:
    """Record an event now, by whoever runs this process.

    Raises:
        CannotStart: it cannot be recorded.
    """
    return audit_log(where).append(event, who_runs_this(), datetime.now(UTC), redaction)


def who_runs_this() -> Who:
    """Who runs this process, by its environment."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}"
    return who_from_environment(os.environ, user)


def _named(environment: str) -> str:
    """The name, once it is sure to be one folder below another."""
    if not _ENVIRONMENT.fullmatch(environment):
        raise CannotStart(f"{shown(environment)} is no name of an environment; allowed: small letters, digits, - and .")
    return environment


def _opener(place: str) -> Callable[[str], Store]:
    parts = urlsplit(place)
    if parts.scheme == "s3" and parts.netloc:
        from gpuplane.delivery.audit.bucket import BucketStore

        return lambda environment: BucketStore(parts, _named(environment))
    folder = folder_of(place) if parts.scheme else Path(place).expanduser()
    if folder is not None:
        return lambda environment: FolderStore(folder / FOLDER / _named(environment))
    raise CannotStart(f"{shown(place)} keeps no records{_INSTEAD.get(parts.scheme, '')}; allowed: a folder, file://DIR or "
                      f"s3://BUCKET/PREFIX. Name one with --audit or {VARIABLE}.")
