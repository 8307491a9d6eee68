"""The arguments of the shipped runtimes as JSON Schema, for editors: the same rows that the loader judges by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gpuplane.catalog.runtimes import TYPED_BLOCKS, shipped_runtimes
from gpuplane.spec.runtime import RuntimeArgument

_TYPES = {"integer": "integer", "number": "number", "string": "string", "boolean": "boolean", "choice": "string"}


def argument_schemas() -> Mapping[str, Any]:
    """By runtime, the schema of ``release.runtime.arguments``; runtimes with a block of their own have none."""
    return {name: {"type": "object", "additionalProperties": False,
                   "properties": {argument: _schema(row.arguments[argument]) for argument in sorted(row.arguments)}}
            for name, row in shipped_runtimes().items() if name not in TYPED_BLOCKS}


def _schema(argument: RuntimeArgument) -> dict[str, Any]:
    found: dict[str, Any] = {"type": _TYPES[argument.type], "description": argument.description}
    if argument.choices:
        found["enum"] = list(argument.choices)
    for key, value in (("minimum", argument.minimum), ("maximum", argument.maximum)):
        if value is not None:
            found[key] = int(value) if value == int(value) else value
    if argument.pattern is not None:
        found["pattern"] = f"^(?:{argument.pattern})$"
    if argument.default is not None:
        found["default"] = argument.default
    return found
