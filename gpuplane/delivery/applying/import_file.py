"""Objects that are there already, as the file that ``pulumi import`` reads."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpuplane.delivery.applying.states import run_cli


@dataclass(frozen=True)
class Existing:
    """One object that is there and not in the state, or a component above such objects.

    Attributes:
        urn: that it will have.
        type: Pulumi type token.
        id: by which the provider knows it; empty for a component.
        parent: URN of its parent, in the state or among those that are taken in; empty for none.
        provider: URN of its provider, which is in the state; empty for a component.
    """

    urn: str
    type: str
    id: str = ""
    parent: str = ""
    provider: str = ""

    @property
    def name(self) -> str:
        """Its Pulumi name."""
        return self.urn.rpartition("::")[2]


def import_json(found: Collection[Existing]) -> str:
    """The file's text: an entry for each, parents first; parents and providers that are in the state by their URNs."""
    rows = sorted(found, key=lambda one: (one.urn.count("$"), one.urn))
    names = {one.urn: f"n{index}" for index, one in enumerate(rows)}
    outside = sorted({urn for one in rows for urn in (one.parent, one.provider) if urn and urn not in names})
    table = {f"s{index}": urn for index, urn in enumerate(outside)}
    names |= {urn: name for name, urn in table.items()}
    return json.dumps({"nameTable": table, "resources": [_entry(one, names) for one in rows]}, indent=2, sort_keys=True) + "\n"


def _entry(one: Existing, names: Mapping[str, str]) -> dict[str, Any]:
    """Names in the file are its own, as two objects may have one Pulumi name; the Pulumi name is ``logicalName``."""
    entry: dict[str, Any] = {"type": one.type, "name": names[one.urn], "logicalName": one.name}
    entry |= {"id": one.id, "provider": names[one.provider]} if one.id else {"component": True}
    return entry | ({"parent": names[one.parent]} if one.parent else {})


def take_in(stack: str, found: Collection[Existing], variables: Mapping[str, str]) -> None:
    """Take objects into a stack's state; nothing about them is changed.

    Raises:
        EngineFailed: Pulumi says no, to all of them.
    """
    with tempfile.TemporaryDirectory(prefix="gpuplane-") as folder:
        path = Path(folder) / "import.json"
        path.write_text(import_json(found), encoding="utf-8")
        run_cli(["import", "--file", str(path), "--yes", "--skip-preview", "--protect=false", "--generate-code=false", "--stack", stack],
                variables)
