"""``--outputs FILE``: values that only apply can know, from somebody who has applied: by object, then by path in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.json_file import read_object
from gpuplane.graph.resource_view import ResourceView, Unknown, unknowns
from gpuplane.graph.secret_literals import spans
from gpuplane.spec.errors import listed, shown

_MOST_BYTES = 5_000_000
Outputs = Mapping[str, Mapping[str, Any]]
"""Values by ``Kind namespace/name``, then by dotted path in the object."""


def read_outputs(file: Path) -> Outputs:
    """The file: a JSON object of objects.

    Raises:
        CannotStart: it cannot be read, is something else, or holds what has the form of a secret.
    """
    found = read_object(file, _MOST_BYTES)
    if not all(isinstance(row, dict) for row in found.values()):
        raise CannotStart(f"{file}: allowed is {{\"Kind namespace/name\": {{\"path.in.the.object\": value}}}}.")
    if any(True for _ in spans(json.dumps(found, ensure_ascii=False))):
        raise CannotStart(f"{file} holds what has the form of a secret; manifests hold none. Put it into a store, and refer to it.")
    return found


def with_outputs(views: Iterable[ResourceView], outputs: Outputs) -> tuple[ResourceView, ...]:
    """The planned graph with what is known after all.

    Raises:
        CannotStart: a value is for no unknown.
    """
    left = {(name, path) for name, row in outputs.items() for path in row}
    result = []
    for view in views:
        row = outputs.get(str(view), {}) if view.custom else {}
        paths = {path for path, _ in unknowns(view.props)} & row.keys() if row else set()
        left -= {(str(view), path) for path in paths}
        result.append(replace(view, props=_known(view.props, row)) if paths else view)
    if left:
        raise CannotStart(f"--outputs names what is not unknown: {listed(shown(f'{name}: {path}') for name, path in sorted(left))}.")
    return tuple(result)


def _known(value: Any, row: Mapping[str, Any], path: str = "") -> Any:
    if isinstance(value, Unknown):
        return row.get(path, value)
    if isinstance(value, Mapping):
        return {key: _known(item, row, f"{path}.{key}" if path else str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_known(item, row, f"{path}[{index}]") for index, item in enumerate(value)]
    return value
