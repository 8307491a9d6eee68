"""Who wrote a field of a Kubernetes object: its ``managedFields``, read for one path.

The API server keeps for each field manager which fields it set last, and when (Kubernetes, "Server-Side Apply", field management).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

OWN = "pulumi-kubernetes"
"""How the names of Pulumi's field managers begin."""

_STEP = re.compile(r"""\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[\]]+)""")


@dataclass(frozen=True, order=True)
class Owner:
    """One field manager.

    Attributes:
        manager: its name, e.g. ``kubectl-edit``.
        at: when it last wrote, as ISO 8601; empty where the server does not say.
        operation: ``Apply`` or ``Update``.
        subresource: e.g. ``scale``; empty for the object itself.
    """

    manager: str
    at: str = ""
    operation: str = ""
    subresource: str = ""

    def __str__(self) -> str:
        by = f"{self.manager} ({self.subresource})" if self.subresource else self.manager
        return f"{by} at {self.at}" if self.at else by


def steps(path: str) -> tuple[str | int, ...]:
    """A property path as Pulumi writes it, e.g. ``metadata.labels["a.b/c"]`` or ``spec.ports[0].port``, as keys and indexes."""
    found: list[str | int] = []
    for quoted, index, name in _STEP.findall(path):
        found.append(int(index) if index else quoted or name)
    return tuple(found)


def owners(live: Mapping[str, Any], path: str) -> tuple[Owner, ...]:
    """Managers other than Pulumi that own a field or something below it, the latest first."""
    wanted = steps(path)
    return tuple(sorted((owner for owner, fields in _managers(live) if not owner.manager.startswith(OWN) and _owns(fields, live, wanted)),
                        key=lambda owner: owner.at, reverse=True))


def last_writers(live: Mapping[str, Any]) -> tuple[Owner, ...]:
    """All managers other than Pulumi, the latest first: candidates where a field is gone and nobody owns it."""
    return tuple(sorted((owner for owner, _ in _managers(live) if not owner.manager.startswith(OWN) and owner.subresource != "status"),
                        key=lambda owner: owner.at, reverse=True))


def _managers(live: Mapping[str, Any]) -> Iterator[tuple[Owner, Mapping[str, Any]]]:
    for entry in (live.get("metadata") or {}).get("managedFields") or ():
        owner = Owner(str(entry.get("manager") or ""), str(entry.get("time") or ""), str(entry.get("operation") or ""),
                      str(entry.get("subresource") or ""))
        yield owner, entry.get("fieldsV1") or {}


def _owns(fields: Mapping[str, Any], live: Any, path: tuple[str | int, ...]) -> bool:
    if not path:
        return True
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        below = fields.get(f"f:{step}")
        return isinstance(below, Mapping) and _owns(below, live.get(step) if isinstance(live, Mapping) else None, rest)
    if not fields:  # a list that is owned as a whole
        return True
    item = live[step] if isinstance(live, list) and step < len(live) else None
    return any(_owns(below, item, rest) for key, below in fields.items() if isinstance(below, Mapping) and _is_item(key, item, step))


def _is_item(key: str, item: Any, index: int) -> bool:
    """Whether a key of FieldsV1 (``k:{"name":"main"}``, ``v:"value"``, ``i:0``) is this item of a list."""
    form, _, value = key.partition(":")
    if form == "i":
        return value == str(index)
    try:
        said = json.loads(value)
    except ValueError:
        return False
    if form == "k" and isinstance(said, Mapping) and isinstance(item, Mapping):
        return all(item.get(name) == found for name, found in said.items())
    return form == "v" and bool(said == item)
