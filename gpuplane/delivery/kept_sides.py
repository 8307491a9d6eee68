"""The other side of a comparison, kept for the next preview against the same files: its plan, its paths, and what it holds of no tenant.

What is kept is a function of what its key is the digest of: the program, the day, and every file of the other side's environments.
Only previews read it, as they read rendered tenants (docs/adr/0019); a verdict by ``--judge`` and what lets an apply go never do.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from gpuplane.delivery.isolation_json import edge_json, edges_from_json
from gpuplane.delivery.own_inputs import program_digest
from gpuplane.delivery.tenant_renders import TenantRenders, Views, packed, unpacked
from gpuplane.delivery.whole_file import keep_among_few
from gpuplane.graph.reachability import Edge
from gpuplane.graph.resource_view import ResourceView

Worked = tuple["Side", Views]
"""A side with all of its resources."""
_MOST_SIDES = 16
"""Sides that are kept: a branch is compared with one commit many times, and with few of them."""
_MOST_BYTES = 512 << 20
"""Largest side, unpacked: some fifty times that of a thousand tenants."""


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

    def views(self, renders: TenantRenders) -> Views | None:
        """Every resource, each once; None where a tenant is not among the rendered ones any more."""
        held = renders.held(list(self.tenants.values()))
        if held is None:
            return None
        by_urn = {view.urn: view for view in self.shared}
        for digest in self.tenants.values():
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

    def put(self, key: str, data: bytes) -> None:
        """Keep a packed side; the oldest go where there are many."""
        with suppress(OSError):
            keep_among_few(self._folder / key, b64encode(data).decode(), _MOST_SIDES)


def key_of(environments: Path, environment: str, as_of: date) -> str | None:
    """Digest of all that a side follows from; None where a file is a link, for what it leads to is no part of the files.

    Raises:
        OSError: a file cannot be read.
    """
    parts = [program_digest(), version("ortools"), environment, as_of.isoformat()]
    for folder, folders, names in os.walk(environments):
        folders.sort()
        for name in (*folders, *sorted(names)):
            file = Path(folder, name)
            if file.is_symlink():
                return None
            if file.is_file():
                parts += [file.relative_to(environments).as_posix(), hashlib.sha256(file.read_bytes()).hexdigest()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


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
    """A side with its resources: the kept one where there is one, else a new one, which is kept if the very same comes out again."""
    side = sides.get(key) if key is not None else None
    views = side.views(renders) if side is not None else None
    if side is not None and views is not None:
        return side, views
    side, views = make()
    if key is not None:
        with suppress(TypeError, ValueError):  # what cannot be kept is not
            data = packed_side(side)
            if unpacked_side(data) == side and side.is_all_of(views, renders):
                sides.put(key, data)
    return side, views
