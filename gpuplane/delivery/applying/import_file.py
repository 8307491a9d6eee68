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
    """One object that is there and not in the state.

    Attributes:
        urn: that it will have.
        type: Pulumi type token.
        id: by which the provider knows it.
        parent: URN of its parent, which is in the state; empty for none.
        provider: URN of its provider, which is in the state.
    """

    urn: str
    type: str
    id: str
    parent: str
    provider: str

    @property
    def name(self) -> str:
        """Its Pulumi name."""
        return self.urn.rpartition("::")[2]


def import_json(found: Collection[Existing]) -> str:
    """The file's text: one entry for each object, parents and providers by their URNs."""
    urns = sorted({urn for one in found for urn in (one.parent, one.provider) if urn})
    names = {urn: f"r{index}" for index, urn in enumerate(urns)}
    rows: list[Mapping[str, Any]] = [
        {"type": one.type, "name": one.name, "id": one.id, "provider": names[one.provider],
         **({"parent": names[one.parent]} if one.parent else {})} for one in sorted(found, key=lambda one: one.urn)]
    return json.dumps({"nameTable": {name: urn for urn, name in names.items()}, "resources": rows}, indent=2, sort_keys=True) + "\n"


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
