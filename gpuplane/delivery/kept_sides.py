"""The other side of a comparison, kept for the next preview against the same files: its plan, its paths, and what it holds of no tenant.

What is kept is a function of what its key is the digest of: the program, the day, and every file of the other side's environments.
Only previews read it, as they read rendered tenants (docs/adr/0019); a verdict by ``--judge`` and what lets an apply go never do.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_core import from_json

from gpuplane.delivery.isolation_json import edge_json, edges_from_json
from gpuplane.delivery.own_inputs import program_digest
from gpuplane.delivery.packed_views import Views, packed, unpacked
from gpuplane.delivery.tenant_renders import TenantRenders
from gpuplane.delivery.whole_file import keep_among_few
from gpuplane.graph.reachability import Edge
from gpuplane.graph.resource_view import ResourceView

_MOST_SIDES = 16
"""Sides that are kept: a branch is compared with one commit many times, and with few of them."""
_MOST_BYTES = 512 << 20
"""Largest side, unpacked: some fifty times that of a thousand tenants."""


class Worked(NamedTuple):
    """A side with its resources.

    Attributes:
        side: the side.
        views: every resource, but none of tenants that are left out.
        left_out: digests of renders of tenants that both sides have, which nobody has to read.
    """

    side: Side
    views: Views
    left_out: Collection[str] = ()


@dataclass(frozen=True)
class Side:
    """What a comparison asks of the other side.

    Attributes:
        plan: in its JSON form, as far as a comparison asks for it.
        edges: who reaches whom.
        shared: resources of no tenant.
        tenants: digest of what each tenant's resources follow from, in the order of the wish.
    """

    plan: dict[str, Any]
    edges: tuple[Edge, ...]
    shared: Views
    tenants: Mapping[str, str]

    def views(self, renders: TenantRenders, but: Collection[str] = ()) -> Views | None:
        """Every resource, each once; None where a tenant is not among the rendered ones any more.

        Args:
            renders: tenants that were rendered before.
            but: digests of renders of tenants that are left out.
        """
        digests = [digest for digest in self.tenants.values() if digest not in but]
        held = renders.held(digests)
        if held is None:
            return None
        by_urn = {view.urn: view for view in self.shared}
        for digest in digests:
            by_urn.update((view.urn, view) for view in held[digest])
        return tuple(by_urn.values())

    def is_all_of(self, views: Views, renders: TenantRenders) -> bool:
        """Whether these resources come out again: the same values, and of tenants the very same objects."""
        again = {view.urn: view for view in self.views(renders) or ()}
        own = {view.urn for view in self.shared}

        def same(view: ResourceView) -> bool:
            other = again.get(view.urn)
            return other is not None and (other == view if view.urn in own else other.props is view.props)

        return len(again) == len(views) and all(map(same, views))


class KeptSides:
    """Sides in a folder, one file each, whole or not at all. A file that is damaged is as good as none.

    Args:
        folder: where they lie; it need not be there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Side | None:
        """The side of a key."""
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, zlib.error):
            return unpacked_side(b64decode((self._folder / key).read_bytes(), validate=True))
        return None

    def holds(self, key: str) -> bool:
        """Whether there is a side of a key, which may be damaged."""
        return (self._folder / key).is_file()

    def put(self, key: str, data: bytes) -> None:
        """Keep a packed side; the oldest go where there are many."""
        with suppress(OSError):
            keep_among_few(self._folder / key, b64encode(data).decode(), _MOST_SIDES)


class ListedFile(NamedTuple):
    """A file in a commit: what git calls its mode, the digest of what is in it, and its path."""

    mode: str
    digest: str
    path: str

    @property
    def is_link(self) -> bool:
        """Whether it is a link, or another repository: what either leads to is no part of the commit."""
        return self.mode in ("120000", "160000")


def key_of(files: Iterable[ListedFile], environment: str, as_of: date) -> str | None:
    """Digest of all that a side follows from; None where a file is a link.

    Args:
        files: all below the folder of the environments.
        environment: name of one.
        as_of: the day it is judged at.
    """
    parts = [program_digest(), version("ortools"), environment, as_of.isoformat()]
    for file in sorted(files, key=lambda file: file.path):
        if file.is_link:
            return None
        parts += file
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


def packed_side(side: Side) -> bytes:
    """A side as compressed JSON.

    Raises:
        TypeError: something of it is no plain data.
    """
    value = {"plan": side.plan, "edges": [edge_json(edge) for edge in side.edges], "tenants": dict(side.tenants),
             "shared": b64encode(packed(side.shared)).decode()}
    return zlib.compress(json.dumps(value, ensure_ascii=False).encode(), 1)


def unpacked_side(data: bytes) -> Side:
    """A side that :func:`packed_side` wrote.

    Raises:
        ValueError, KeyError, TypeError, AttributeError, zlib.error: it is something else.
    """
    unpacker = zlib.decompressobj()
    value = from_json(unpacker.decompress(data, _MOST_BYTES), cache_strings="keys")
    edges = edges_from_json({"isolation": value})
    if edges is None or not isinstance(value["plan"], dict):
        raise ValueError("no side")
    tenants = {str(name): str(digest) for name, digest in value["tenants"].items()}
    return Side(value["plan"], edges, unpacked(b64decode(value["shared"], validate=True)), tenants)


def kept(sides: KeptSides, key: str | None, make: Callable[[], Worked], renders: TenantRenders) -> Worked:
    """A side with its resources: the kept one where there is one, else a new one, which is kept if the very same comes out again.

    Of tenants that were asked for in outline, and that it has too, none are read.
    """
    asked = frozenset(renders.asked.values()) if renders.by_outline else frozenset[str]()
    side = sides.get(key) if key is not None else None
    worked = _worked(side, renders, asked) if side is not None else None
    if worked is not None:
        return worked
    made = make()
    if key is None:
        return made
    with suppress(TypeError, ValueError):  # what cannot be kept is not
        data = packed_side(made.side)
        if unpacked_side(data) == made.side and made.side.is_all_of(made.views, renders):
            sides.put(key, data)
            return _worked(made.side, renders, asked) or made
    return made


def _worked(side: Side, renders: TenantRenders, asked: frozenset[str]) -> Worked | None:
    left_out = asked.intersection(side.tenants.values())
    views = side.views(renders, left_out)
    return None if views is None else Worked(side, views, left_out)
