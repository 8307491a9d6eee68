"""The published JSON Schemas of what commands print and read beside YAML documents: most are made from the types that are serialised."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from gpuplane.delivery import cost_report, data_record
from gpuplane.delivery.audit.schema import audit_schema
from gpuplane.delivery.capacity_json import SCHEMA_VERSION as CAPACITY_VERSION
from gpuplane.delivery.capacity_json import CapacityJson
from gpuplane.delivery.check_schema import check_schema
from gpuplane.delivery.handoff.provenance_schema import provenance_schema
from gpuplane.delivery.preview_schema import preview_schema, schema_of
from gpuplane.delivery.promotion import lineage, report
from gpuplane.delivery.promotion.looks import DriftFile
from gpuplane.delivery.rehearsal.rehearsal_json import SCHEMA_VERSION as REHEARSAL_VERSION
from gpuplane.delivery.rehearsal.rehearsal_json import RehearsalJson
from gpuplane.spec.evaluation_result import GenericResult
from gpuplane.spec.json_schema import GENERATED, SCHEMA_DIALECT, plain_schema

_SORTED: Final = ("check.json", "provenance.json")
"""Files whose keys are in order."""


def published_schemas() -> dict[str, Mapping[str, Any]]:
    """Each schema (draft 2020-12) by its file's name."""
    return {
        "audit.json": audit_schema(),
        "capacity.json": _printed(CapacityJson, "capacity", CAPACITY_VERSION),
        "check.json": check_schema(),
        "cost.json": _printed(cost_report.CostReport, "cost", cost_report.SCHEMA_VERSION),
        "data-record.json": _printed(data_record.DataRecord, "data-protection record", data_record.SCHEMA_VERSION),
        "drift-result.json": _read("drift result", plain_schema(DriftFile.model_json_schema(by_alias=True))),
        "evaluation-result.json": _read("evaluation result", plain_schema(GenericResult.model_json_schema(by_alias=True))),
        "lineage.json": _printed(lineage.Lineage, "lineage", lineage.SCHEMA_VERSION),
        "preview.json": preview_schema(),
        "promotion.json": _printed(report.MoveReport, "promote", report.SCHEMA_VERSION),
        "provenance.json": provenance_schema(),
        "rehearsal.json": _printed(RehearsalJson, "rehearse", REHEARSAL_VERSION),
    }


def published_texts() -> dict[str, str]:
    """Each as the text of its file."""
    return {name: json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=name in _SORTED) + "\n"
            for name, schema in published_schemas().items()}


def write_published(folder: Path) -> None:
    """Write them into a folder, which is made if it is not there.

    Raises:
        OSError: the system says no.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in published_texts().items():
        (folder / name).write_text(text, encoding="utf-8")


def _printed(kind: type, title: str, version: int) -> dict[str, Any]:
    reference, definitions = schema_of(kind)
    definitions[kind.__name__]["properties"]["schema_version"] = {"const": version}
    return _read(title, {**reference, "$defs": dict(sorted(definitions.items()))})


def _read(title: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"$schema": SCHEMA_DIALECT, "$comment": GENERATED, "title": f"gpuplane {title}", **schema}
