"""Objects field by field: whether an API server holds what was wished, and where two objects differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gpuplane.delivery.preview_report import plain
from gpuplane.graph.quantities import quantity

_SERVERS = ("managedFields", "uid", "resourceVersion", "creationTimestamp", "generation")
"""What the API server writes into ``metadata``."""


def bare(body: Mapping[str, Any]) -> dict[str, Any]:
    """An object without its kind, its status and what the API server writes into each."""
    kept = {key: value for key, value in body.items() if key not in ("status", "apiVersion", "kind")}
    return {**kept, "metadata": {key: value for key, value in body["metadata"].items() if key not in _SERVERS}}


def fields_lacking(where: str, wished: Mapping[str, Any], live: Mapping[str, Any] | None) -> Iterator[str]:
    """Fields of a wished object that the live one lacks or has otherwise; what the API server adds to it is none."""
    return _differs(where, bare(plain(dict(wished))), live, more=True)


def fields_different(where: str, one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> Iterator[str]:
    """Fields in which two bare objects differ."""
    return _differs(where, one, other)


def _differs(where: str, one: Any, other: Any, more: bool = False) -> Iterator[str]:
    """Where a value is not another one.

    Args:
        more: the other may have more keys, lack empty values and write a quantity in another way, as the API server does.
    """
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in one if more else sorted({*one, *other}):
            yield from _differs(f"{where} {key}", one.get(key), other.get(key), more)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (each, its) in enumerate(zip(one, other, strict=True)):
            yield from _differs(f"{where} {number}", each, its, more)
    elif (one != other or isinstance(one, bool) is not isinstance(other, bool)) and not (more and _as_wished(one, other)):
        yield f"{where}: {_short(one)}, and {_short(other)}"


def _as_wished(one: Any, other: Any) -> bool:
    if not one and other is None:
        return True
    amount = quantity(one)
    return amount is not None and amount == quantity(other)


def _short(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value)[:80]
