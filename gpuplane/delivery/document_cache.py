"""Parsed documents on disk, in the user's cache folder: a large environment is not parsed again where one file changed.

Only previews use it: what lets an apply go is always read from the files themselves. A cache that is broken, locked or cannot be written
is as good as none.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_MOST_ROWS = 200_000
_TABLE = "CREATE TABLE IF NOT EXISTS documents (digest TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"


def cache_file() -> Path:
    """Where it lies: below ``XDG_CACHE_HOME``, or ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME") or ""
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "gpuplane" / "documents.sqlite"


class DocumentCache:
    """:class:`gpuplane.spec.parsed_documents.ParsedDocuments` in a SQLite file; leaving the context writes what is new."""

    def __init__(self, file: Path) -> None:
        self._file, self._database = file, None  # type: Path, sqlite3.Connection | None
        self._new: dict[str, str] = {}

    def __enter__(self) -> DocumentCache:
        with suppress(OSError, sqlite3.Error):
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            database = sqlite3.connect(self._file, timeout=1, isolation_level=None)
            try:
                database.execute(_TABLE)
                if database.execute("SELECT count(*) FROM documents").fetchone()[0] > _MOST_ROWS:
                    database.execute("DELETE FROM documents")
            except sqlite3.Error:
                database.close()
                self._discard()
            else:
                self._database = database
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._database is None:
            return
        with suppress(sqlite3.Error):
            if self._new:
                self._database.execute("BEGIN")
                self._database.executemany("INSERT OR REPLACE INTO documents VALUES (?, ?)", sorted(self._new.items()))
                self._database.execute("COMMIT")
        self._database.close()

    def get(self, digest: str) -> str | None:
        if digest in self._new or self._database is None:
            return self._new.get(digest)
        try:
            row = self._database.execute("SELECT value FROM documents WHERE digest = ?", (digest,)).fetchone()
        except sqlite3.Error:
            return None
        return row[0] if row is not None and isinstance(row[0], str) else None

    def put(self, digest: str, value: str) -> None:
        self._new[digest] = value

    def _discard(self) -> None:
        """A file that is no database is of no use to anybody."""
        with suppress(OSError):
            self._file.unlink()
