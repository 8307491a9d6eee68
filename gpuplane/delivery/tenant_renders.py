"""Resources of tenants, rendered once: the two sides of a comparison share what neither changes, and so do a preview and the next one.

Only previews use it; what lets an apply go is always rendered. A store that is broken, locked or cannot be written is as good as none.
"""

from __future__ import annotations

import pickle
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext, suppress
from pathlib import Path
from typing import Any

from gpuplane.delivery.chunks import LEAST, beside, shared_out
from gpuplane.delivery.own_inputs import OwnInputs
from gpuplane.delivery.packed_views import Views, packed, unpacked
from gpuplane.delivery.tenant_outline import TenantOutline, outline_of, packed_outline, unpacked_outline
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec

Render = Callable[[EnvironmentSpec, EnvironmentPlan, str], Views]
"""Renders one tenant from what is its own."""

_UNPACKED = 24
"""Bytes of memory for a byte of a packed tenant, measured at a thousand of them: 19."""
_ASKED = 16
"""Tenants whose size stands for all: to ask for it means to read them."""
_MOST_ROWS = 20_000
_TABLES = ("CREATE TABLE IF NOT EXISTS renders (digest TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
           "CREATE TABLE IF NOT EXISTS outlines (digest TEXT PRIMARY KEY, value BLOB NOT NULL, rest TEXT NOT NULL) WITHOUT ROWID")
_DAMAGED = (OSError, sqlite3.Error, ValueError, KeyError, TypeError, AttributeError, zlib.error)
_Packed = tuple[bytes, bytes, str]
"""A render, its outline's views and the rest of that."""


class TenantRenders:
    """Rendered tenants by the digest of their inputs, in memory and, where a file is named, on disk.

    Attributes:
        rendered: tenants that had to be rendered.
        reused: tenants that were there.
        asked: digests of the inputs of the tenants that were asked for last, by name.
        by_outline: whether they were asked for their outlines alone.
        objects: how many resources they have.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file, self._known, self._new = file, dict[str, Views](), dict[str, _Packed | None]()
        self.rendered, self.reused = 0, 0
        self.asked: Mapping[str, str] = {}
        self.by_outline, self.objects = False, 0
        self._inputs_of: tuple[EnvironmentPlan, tuple[OwnInputs, Mapping[str, str]]] | None = None

    def views(self, spec: EnvironmentSpec, planned: EnvironmentPlan, render: Render) -> dict[str, Views]:
        """Resources of each tenant of an environment, in no order; what several share is each one's.

        Raises:
            NotOwnError: what is rendered of a tenant follows from more than is its own.
        """
        inputs, digests = self._inputs(spec, planned)
        found = self._have(inputs, digests, render)
        self.asked, self.by_outline, self.objects = digests, False, sum(map(len, found.values()))
        return found

    def outlined(self, spec: EnvironmentSpec, planned: EnvironmentPlan, render: Render, rest: Callable[[], Views],
                 ) -> tuple[Views, dict[str, TenantOutline]] | None:
        """The outline of each tenant of an environment, and its other resources. None where more than a few have no outline.

        Those that have none are rendered by a child, with the rest, while the outlines of the others are read.

        Args:
            spec, planned, render: as of :meth:`views`.
            rest: renders what is no tenant's.

        Raises:
            NotOwnError: as of :meth:`views`.
            OSError: a file cannot be read.
        """
        inputs, digests = self._inputs(spec, planned)
        kept = {digest: row for digest, *row in self._rows("SELECT value, rest FROM outlines WHERE digest = ?", digests.values())}
        new = [name for name, digest in digests.items() if digest not in kept]
        if len(new) >= LEAST:
            return None

        def made() -> tuple[Views, dict[str, _Packed]]:
            return rest(), {name: _packed(render(*inputs.of(name), name)) for name in new if digests[name] not in self._known}

        with beside(lambda: pickle.dumps(made())) if len(kept) >= LEAST else nullcontext(lambda: None) as answer:
            found: dict[str, TenantOutline] = {}
            with suppress(*_DAMAGED):
                for digest, row in kept.items():
                    found[digest] = unpacked_outline(*row)
            data = answer()
        others, rendered = pickle.loads(data) if data is not None else made()  # noqa: S301 from a fork of this process, by a pipe
        for name, each in rendered.items():
            self._known[digests[name]], self._new[digests[name]] = unpacked(each[0]), each
        self.rendered += len(rendered)
        missing = {name: digest for name, digest in digests.items() if digest not in found}  # more than those where the file is damaged
        if len(missing) >= LEAST:
            return None
        views = self._have(inputs, missing, render)
        self.reused += len(found) - len(rendered)
        every = {name: outline_of(views[name]) if name in views else found[digest] for name, digest in digests.items()}
        self.asked, self.by_outline, self.objects = digests, True, sum(len(each.own) for each in every.values())
        return others, every

    def some(self, spec: EnvironmentSpec, planned: EnvironmentPlan, render: Render, names: Collection[str]) -> dict[str, Views]:
        """Resources of some tenants of those that were asked for last.

        Raises:
            NotOwnError: as of :meth:`views`.
        """
        inputs, digests = self._inputs(spec, planned)
        return self._have(inputs, {name: digests[name] for name in digests if name in names}, render)

    def _have(self, inputs: OwnInputs, digests: Mapping[str, str], render: Render) -> dict[str, Views]:
        """Tenants from memory, from disk or rendered."""
        self._fetch({digest for digest in digests.values() if digest not in self._known})
        missing = [name for name, digest in digests.items() if digest not in self._known]
        for name, views, data in _rendered(missing, lambda name: render(*inputs.of(name), name)):
            self._known[digests[name]], self._new[digests[name]] = views, data
        self.rendered += len(missing)
        self.reused += len(digests) - len(missing)
        self._store()
        return {name: self._known[digest] for name, digest in digests.items()}

    def to_be_read(self, spec: EnvironmentSpec, planned: EnvironmentPlan) -> int:
        """About how many bytes of memory the tenants of an environment take that are on disk; 0 where more than a few are not.

        Raises:
            OSError: a file cannot be read.
        """
        digests = list(self.digests(spec, planned).values())
        found = sum(1 for _ in self._rows("SELECT 1 FROM renders WHERE digest = ?", digests))
        if len(digests) - found >= LEAST:
            return 0
        some = [size for _, size in self._rows("SELECT length(value) FROM renders WHERE digest = ?", digests[::len(digests) // _ASKED + 1])]
        return int(sum(some) * len(digests) / max(1, len(some))) * _UNPACKED

    def digests(self, spec: EnvironmentSpec, planned: EnvironmentPlan) -> Mapping[str, str]:
        """Digest of what each tenant's resources follow from, by its name.

        Raises:
            OSError: a file cannot be read.
        """
        return self._inputs(spec, planned)[1]

    def _inputs(self, spec: EnvironmentSpec, planned: EnvironmentPlan) -> tuple[OwnInputs, Mapping[str, str]]:
        """The inputs of each tenant, and their digests; those of the last plan are known."""
        if self._inputs_of is None or self._inputs_of[0] is not planned:
            inputs = OwnInputs(spec, planned)
            self._inputs_of = planned, (inputs, {name: inputs.digest(name) for name in spec.tenants})
        return self._inputs_of[1]

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
        with suppress(*_DAMAGED):
            for digest, value in self._rows("SELECT value FROM renders WHERE digest = ?", sorted(digests)):
                self._known[digest] = unpacked(value)

    def _rows(self, query: str, digests: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        """What a query answers for each digest, behind the digest; those of which there is nothing are left out."""
        if self._file is None or not self._file.is_file():
            return
        with suppress(OSError, sqlite3.Error), closing(sqlite3.connect(self._file, timeout=1)) as database:
            for digest in digests:
                row = database.execute(query, (digest,)).fetchone()
                if row is not None:
                    yield digest, *row

    def _store(self) -> None:
        if self._file is None or not self._new:
            return
        with suppress(OSError, sqlite3.Error):
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            database = sqlite3.connect(self._file, timeout=1)
            try:
                for table in _TABLES:
                    database.execute(table)
                if database.execute("SELECT count(*) FROM renders").fetchone()[0] > _MOST_ROWS:
                    database.execute("DELETE FROM renders")
                    database.execute("DELETE FROM outlines")
                rows = [(digest, *(data or _packed(self._known[digest]))) for digest, data in sorted(self._new.items())]
                database.executemany("INSERT OR REPLACE INTO renders VALUES (?, ?)", [row[:2] for row in rows])
                database.executemany("INSERT OR REPLACE INTO outlines VALUES (?, ?, ?)", [(row[0], *row[2:]) for row in rows])
                database.commit()
            finally:
                database.close()
        self._new.clear()


def _rendered(names: Sequence[str], render: Callable[[str], Views]) -> Iterator[tuple[str, Views, _Packed | None]]:
    """Each tenant with its resources, packed too where they came so from a child; what no child answers is rendered here."""
    with shared_out(names, lambda name: pickle.dumps(_packed(render(name)))) as (own, answers):
        done = dict.fromkeys(names, False)
        for name in own:
            done[name] = True
            yield name, render(name), None
        came = answers()
        for name in (name for name in names if not done[name]):
            if name in came:
                data: _Packed = pickle.loads(came[name])  # noqa: S301 from a fork of this process, by a pipe
                yield name, unpacked(data[0]), data
            else:
                yield name, render(name), None


def _packed(views: Views) -> _Packed:
    return packed(views), *packed_outline(outline_of(views))
