"""Resources of tenants, rendered once: the two sides of a comparison share what neither changes, and so do a preview and the next one.

Only previews use it; what lets an apply go is always rendered. A store that is broken, locked or cannot be written is as good as none.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from gpuplane.delivery.chunks import LEAST, shared_out
from gpuplane.delivery.own_inputs import OwnInputs
from gpuplane.graph.resource_view import ResourceView, Unknown, restored
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec

Views = tuple[ResourceView, ...]
Render = Callable[[EnvironmentSpec, EnvironmentPlan, str], Views]
"""Renders one tenant from what is its own."""

_UNPACKED = 24
"""Bytes of memory for a byte of a packed tenant, measured at a thousand of them: 19."""
_MOST_ROWS = 20_000
_MOST_BYTES = 64 << 20
_TABLE = "CREATE TABLE IF NOT EXISTS renders (digest TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
_UNKNOWN = "\0unknown"
"""Key of what only apply can know; no document can have it, for YAML has no such character."""
_ESCAPED = json.dumps(_UNKNOWN)[1:-1].encode()
"""The key as JSON writes it: where it is not, a parser that knows no hooks takes half the time, and equal strings are one."""
_FIELDS = ("urn", "type", "api_version", "kind", "namespace", "name", "parent", "layer", "custom", "protect")
_ROW = frozenset({*_FIELDS, "dependencies", "props"})


class TenantRenders:
    """Rendered tenants by the digest of their inputs, in memory and, where a file is named, on disk.

    Attributes:
        rendered: tenants that had to be rendered.
        reused: tenants that were there.
        latest: the tenants that were asked for last, by the digest of their inputs.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file, self._known, self._new = file, dict[str, Views](), dict[str, bytes | None]()
        self.rendered, self.reused = 0, 0
        self.latest: dict[str, Views] = {}
        self._asked: tuple[EnvironmentPlan, tuple[OwnInputs, Mapping[str, str]]] | None = None

    def views(self, spec: EnvironmentSpec, planned: EnvironmentPlan, render: Render) -> dict[str, Views]:
        """Resources of each tenant of an environment, in no order; what several share is each one's.

        Raises:
            NotOwnError: what is rendered of a tenant follows from more than is its own.
        """
        inputs, digests = self._inputs(spec, planned)
        self._fetch({digest for digest in digests.values() if digest not in self._known})
        missing = [name for name, digest in digests.items() if digest not in self._known]
        for name, views, data in _rendered(missing, lambda name: render(*inputs.of(name), name)):
            self._known[digests[name]], self._new[digests[name]] = views, data
        self.rendered += len(missing)
        self.reused += len(digests) - len(missing)
        self._store()
        self.latest = {digest: self._known[digest] for digest in digests.values()}
        return {name: self._known[digest] for name, digest in digests.items()}

    def to_be_read(self, spec: EnvironmentSpec, planned: EnvironmentPlan) -> int:
        """About how many bytes of memory the tenants of an environment take that are on disk; 0 where more than a few are not.

        Raises:
            OSError: a file cannot be read.
        """
        digests = self.digests(spec, planned)
        found: list[int] = []
        if self._file is not None and self._file.is_file():
            with suppress(sqlite3.Error), closing(sqlite3.connect(self._file, timeout=1)) as database:
                for digest in digests.values():
                    found += (size for size, in database.execute("SELECT length(value) FROM renders WHERE digest = ?", (digest,)))
        return sum(found) * _UNPACKED if len(digests) - len(found) < LEAST else 0

    def digests(self, spec: EnvironmentSpec, planned: EnvironmentPlan) -> Mapping[str, str]:
        """Digest of what each tenant's resources follow from, by its name.

        Raises:
            OSError: a file cannot be read.
        """
        return self._inputs(spec, planned)[1]

    def _inputs(self, spec: EnvironmentSpec, planned: EnvironmentPlan) -> tuple[OwnInputs, Mapping[str, str]]:
        """The inputs of each tenant, and their digests; those of the last plan are known."""
        if self._asked is None or self._asked[0] is not planned:
            inputs = OwnInputs(spec, planned)
            self._asked = planned, (inputs, {name: inputs.digest(name) for name in spec.tenants})
        return self._asked[1]

    def held(self, digests: Collection[str]) -> dict[str, Views] | None:
        """Tenants that were rendered before, by the digest of their inputs; None where one was not."""
        self._fetch({digest for digest in digests if digest not in self._known})
        return {digest: self._known[digest] for digest in digests} if all(digest in self._known for digest in digests) else None

    @property
    def known(self) -> Mapping[str, Views]:
        """Those in memory, by the digest of their inputs."""
        return self._known

    def add(self, known: Mapping[str, Views]) -> None:
        """Tenants that another process rendered."""
        self._known.update(known)

    def _fetch(self, digests: set[str]) -> None:
        if self._file is None or not self._file.is_file():
            return
        with suppress(OSError, sqlite3.Error, ValueError, KeyError, TypeError, zlib.error):
            database = sqlite3.connect(self._file, timeout=1)
            try:
                for digest in sorted(digests):
                    row = database.execute("SELECT value FROM renders WHERE digest = ?", (digest,)).fetchone()
                    if row is not None:
                        self._known[digest] = unpacked(row[0])
            finally:
                database.close()

    def _store(self) -> None:
        if self._file is None or not self._new:
            return
        with suppress(OSError, sqlite3.Error):
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            database = sqlite3.connect(self._file, timeout=1)
            try:
                database.execute(_TABLE)
                if database.execute("SELECT count(*) FROM renders").fetchone()[0] > _MOST_ROWS:
                    database.execute("DELETE FROM renders")
                database.executemany("INSERT OR REPLACE INTO renders VALUES (?, ?)",
                                     [(digest, data or packed(self._known[digest])) for digest, data in sorted(self._new.items())])
                database.commit()
            finally:
                database.close()
        self._new.clear()


def _rendered(names: Sequence[str], render: Callable[[str], Views]) -> Iterator[tuple[str, Views, bytes | None]]:
    """Each tenant with its resources, packed too where they came so from a child; what no child answers is rendered here."""
    with shared_out(names, lambda name: packed(render(name))) as (own, answers):
        done = dict.fromkeys(names, False)
        for name in own:
            done[name] = True
            yield name, render(name), None
        came = answers()
        for name in (name for name in names if not done[name]):
            yield (name, unpacked(came[name]), came[name]) if name in came else (name, render(name), None)


def packed(views: Views) -> bytes:
    """Views as compressed JSON."""
    return zlib.compress(as_text(views).encode(), 1)


def as_text(views: Views) -> str:
    """Views as JSON, without their places in files."""
    rows = [{**{key: getattr(view, key) for key in _FIELDS}, "dependencies": view.dependencies, "props": view.props} for view in views]
    return json.dumps(rows, default=_plain, ensure_ascii=False)


def unpacked(data: bytes) -> Views:
    """Views that :func:`packed` wrote.

    Raises:
        ValueError, KeyError, TypeError, zlib.error: it is something else.
    """
    unpacker = zlib.decompressobj()
    text = unpacker.decompress(data, _MOST_BYTES)
    if unpacker.unconsumed_tail:
        raise ValueError("too large")
    rows = json.loads(text, object_hook=_known) if _ESCAPED in text else from_json(text, cache_strings="all")
    return tuple(map(_view, rows))


def _view(row: dict[str, Any]) -> ResourceView:
    """The view that a row is of."""
    if not isinstance(row, dict) or row.keys() != _ROW:
        raise ValueError("another kind of row")
    row["dependencies"], row["file"], row["line"] = tuple(row["dependencies"]), "", 0
    return restored(row)


def _plain(value: Any) -> Any:
    if isinstance(value, Unknown):
        return {_UNKNOWN: [value.urn, value.property]}
    raise TypeError(f"{type(value).__name__} is no plain data")


def _known(value: dict[str, Any]) -> Any:
    return Unknown(*value[_UNKNOWN]) if _UNKNOWN in value else value
