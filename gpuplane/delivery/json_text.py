"""JSON as people compare it: keys sorted, two spaces; the bytes of the standard library, which indents in Python, several times as fast."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

_MOST: Final = 2**63
"""Integers below are written alike by everybody."""


class _Otherwise(Exception):
    """A value that the two may write differently."""


def json_text(value: Any) -> str:
    """What ``json.dumps`` writes with ``indent=2, sort_keys=True, ensure_ascii=False``.

    Raises:
        TypeError: a value or a key is nothing that JSON has.
    """
    from pydantic_core import PydanticSerializationError, to_json

    try:
        return to_json(_sorted(value), indent=2).decode()
    except (_Otherwise, PydanticSerializationError):
        return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


def object_pieces(fields: Mapping[str, Any]) -> Iterator[str]:
    """The same text of an object, piece by piece; a field that is an iterator is a list, of which an item is made when it is written."""
    before = "{\n"
    for key in sorted(fields):
        yield f"{before}  {json_text(key)}: "
        before = ",\n"
        value = fields[key]
        if isinstance(value, Iterator):
            yield from _items(value)
        else:
            yield json_text(value).replace("\n", "\n  ")
    yield "\n}" if fields else "{}"


def _items(values: Iterator[Any]) -> Iterator[str]:
    before = first = "[\n    "
    for value in values:
        yield before + json_text(value).replace("\n", "\n    ")  # a text in JSON has no line breaks of its own
        before = ",\n    "
    yield "[]" if before is first else "\n  ]"


def _sorted(value: Any) -> Any:
    """The value with its keys in order; only of types whose text is the same on both ways."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is dict:
        return {_key(key): _sorted(value[key]) for key in sorted(value)}
    if kind is list or kind is tuple:
        return [_sorted(item) for item in value]
    if (kind is int and -_MOST < value < _MOST) or (kind is float and math.isfinite(value) and "e" not in repr(value)):
        return value
    raise _Otherwise


def _key(key: Any) -> str:
    if type(key) is not str:
        raise _Otherwise
    return key
