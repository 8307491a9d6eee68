"""Resources as compressed JSON, and back."""

from __future__ import annotations

import json
import zlib
from typing import Any

from pydantic_core import from_json

from gpuplane.graph.resource_view import ResourceView, Unknown, look_up, restored

Views = tuple[ResourceView, ...]
_MOST_BYTES = 64 << 20
_UNKNOWN = "\0unknown"
"""Key of what only apply can know; no document can have it, for YAML has no such character."""
_ESCAPED = json.dumps(_UNKNOWN)[1:-1].encode()
"""The key as JSON writes it: where it is not, a parser that knows no hooks takes half the time, and equal strings are one."""
_FIELDS = ("urn", "type", "api_version", "kind", "namespace", "name", "parent", "layer", "custom", "protect")
_ROW = frozenset({*_FIELDS, "dependencies", "props"})


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
    if _ESCAPED in text:
        return tuple(map(_view, json.loads(text, object_hook=_known)))
    views = tuple(map(_view, from_json(text, cache_strings="all")))
    for view in views:
        look_up(view)
    return views


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
