"""The smallest right text of each kind of document; what has a good default is left to it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.spec.json_schema import schema_file
from gpuplane.spec.model import API_VERSION

_MOST = 1_000_000_000_000
"""US dollars that nobody has to spend."""
SCHEMA_FOLDERS = ("schemas", "docs/schema")
"""Where the schemas may lie, below any folder above the environments'."""


def document(kind: str, name: str, spec: Mapping[str, Any], schema: str = "") -> str:
    """A document as text.

    Args:
        kind: of the document.
        spec: its fields; those that are None are left out.
        schema: path of its JSON Schema from the file; empty: without the line that names it.
    """
    body = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": written(spec)}
    text = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=120)
    return f"# yaml-language-server: $schema={schema}\n{text}" if schema else text


def written(value: Any) -> Any:
    """Fields without those that are None, lists for tuples."""
    if isinstance(value, Mapping):
        return {key: written(item) for key, item in value.items() if item is not None}
    return [written(item) for item in value] if isinstance(value, (list, tuple)) else value


def plain_number(value: float) -> int | float:
    """An amount of US dollars; a whole number without a fraction.

    Raises:
        CannotStart: it is no amount.
    """
    if not 0 <= value < _MOST:
        raise CannotStart(f"{value} US dollars; allowed: 0 or more, and less than {_MOST:,}.")
    return int(value) if Decimal(str(value)) == int(value) else value


def schema_path(file: Path, environments: Path, kind: str) -> str:
    """Path from a file to the schema of its kind, with slashes; empty where no schemas lie above the environments.

    Args:
        file: the document, below ``environments``.
    """
    name, above = schema_file(kind), environments.absolute()
    for steps, folder in enumerate((above, *above.parents)):
        for schemas in SCHEMA_FOLDERS:
            if (folder / schemas / name).is_file():
                depth = len(file.absolute().relative_to(above).parts) - 1 + steps
                return f"{'../' * depth}{schemas}/{name}"
        if (folder / ".git").exists():
            break
    return ""
