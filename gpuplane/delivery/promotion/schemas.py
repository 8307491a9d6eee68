"""Published JSON Schemas of what these commands print, and of the files that they read beside YAML documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpuplane.delivery.preview_schema import schema_of
from gpuplane.delivery.promotion import lineage, report
from gpuplane.delivery.promotion.drift_results import DriftFile
from gpuplane.spec.evaluation_result import GenericResult
from gpuplane.spec.json_schema import GENERATED, SCHEMA_DIALECT, plain_schema


def promotion_schemas() -> dict[str, str]:
    """Text of each schema by its file's name."""
    found = {"promotion.json": _printed(report.MoveReport, "gpuplane promote", report.SCHEMA_VERSION),
             "lineage.json": _printed(lineage.Lineage, "gpuplane lineage", lineage.SCHEMA_VERSION),
             "evaluation-result.json": _read("evaluation result", plain_schema(GenericResult.model_json_schema(by_alias=True))),
             "drift-result.json": _read("drift result", plain_schema(DriftFile.model_json_schema(by_alias=True)))}
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in sorted(found.items())}


def write_promotion_schemas(folder: Path) -> None:
    """Write them into a folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in promotion_schemas().items():
        (folder / name).write_text(text, encoding="utf-8")


def _printed(kind: type, title: str, version: int) -> dict[str, Any]:
    reference, definitions = schema_of(kind)
    definitions[kind.__name__]["properties"]["schema_version"] = {"const": version}
    return {"$schema": SCHEMA_DIALECT, "$comment": GENERATED, "title": title, **reference, "$defs": dict(sorted(definitions.items()))}


def _read(title: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"$schema": SCHEMA_DIALECT, "$comment": GENERATED, "title": f"gpuplane {title}", **schema}
