"""A new row of the folder's own catalogue: a model's architecture, from its ``config.json``. Comments of the file stay."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.golden_path.documents import document, schema_path, written

_INDENT = 2
_MOST_BILLIONS = 1_000_000


def model_row(config: Mapping[str, Any], repository: str, source: str | None, as_of: date, parameters: float | None) -> dict[str, Any]:
    """The row of a model.

    Raises:
        CannotStart: the config does not determine the model's shape, or the parameters are no number of billions.
    """
    from gpuplane.catalog.model_config import architecture
    from gpuplane.catalog.models import UnknownShape

    if parameters is not None and not 0 < parameters <= _MOST_BILLIONS:
        raise CannotStart(f"--parameters {parameters:g}; allowed: billions, more than 0 and at most {_MOST_BILLIONS:,}.")
    shape = {key: value for key, value in config.items() if not key.startswith("_") and key not in ("transformers_version", "auto_map")}
    try:
        architecture(shape, repository, models=(repository,), source="given", parameters=round(parameters * 1e9) if parameters else None)
    except UnknownShape as error:
        raise CannotStart(f"config.json of {repository}: {error}.") from None
    found = {"models": [repository], "config": shape, "parameters": parameters, "source": source or f"config.json of {repository}",
             "as_of": as_of.isoformat()}
    return {key: value for key, value in found.items() if value is not None}


def with_model(text: str | None, name: str, row: Mapping[str, Any], path: Path, environments: Path) -> str:
    """The catalogue file with one row more, at the end of its models.

    Args:
        text: of the file; None: there is none yet.

    Raises:
        CannotStart: it has a row of that name, or is not written as a block of its own lines.
    """
    if text is None:
        return document("Catalog", "catalog", {"models": {name: row}}, schema_path(path, environments, "Catalog"))
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    spec = _value(root, "spec")
    if not isinstance(spec, yaml.MappingNode) or spec.flow_style:
        raise CannotStart(f"{path} has no block `spec:` of lines of its own; write the row there by hand.")
    models = _value(spec, "models")
    if models is None:
        return _inserted(text, spec, {"models": {name: row}}, spec.start_mark.column)
    if not isinstance(models, yaml.MappingNode) or models.flow_style:
        raise CannotStart(f"{path}: `models:` is not a block of lines of its own; write the row there by hand.")
    if name in {key.value for key, _ in models.value}:
        raise CannotStart(f"{path} has a model {name} already; nothing was written. Edit it, or choose another name.")
    return _inserted(text, models, {name: row}, models.start_mark.column)


def _value(node: Any, name: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for key, value in pairs if key.value == name), None)


def _inserted(text: str, block: yaml.Node, value: Mapping[str, Any], column: int) -> str:
    """Lines after a block, indented as it is."""
    lines = yaml.safe_dump(written(value), sort_keys=False, allow_unicode=True, width=120).splitlines(keepends=True)
    new = "".join(f"{' ' * column}{line}" for line in lines)
    end = _end(block)
    at = len(text) if (newline := text.find("\n", end)) < 0 else newline + 1
    return f"{text[:at]}{'' if text[:at].endswith(chr(10)) else chr(10)}{new}{text[at:]}"


def _end(node: yaml.Node) -> int:
    """Where the last scalar of a block ends: what follows may be comments of something else."""
    if isinstance(node, yaml.MappingNode) and node.value and not node.flow_style:
        return _end(node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and node.value and not node.flow_style:
        return _end(node.value[-1])
    end: int = node.end_mark.index
    return end
