"""The JSON Schema of what ``gpuplane check --format json`` prints: other tools are built on it."""

from __future__ import annotations

from typing import Any

from gpuplane.delivery.check import SCHEMA_VERSION
from gpuplane.policies.finding import SEVERITIES, Verdict
from gpuplane.spec.json_schema import closed_object

_TEXTS = ("rule", "file", "kind", "namespace", "name", "field", "tenant", "message", "remedy", "waived", "urn")


def check_schema() -> dict[str, Any]:
    """The schema, draft 2020-12; no field is optional and none is added without a new version."""
    text, line = {"type": "string"}, {"type": "integer", "minimum": 0}
    finding = closed_object("", {**dict.fromkeys(_TEXTS, text), "line": line, "severity": {"enum": list(SEVERITIES)},
                       "verdict": {"enum": [Verdict.FAIL.value, Verdict.UNKNOWN.value]}})
    error = closed_object("", {**dict.fromkeys(("file", "path", "message", "remedy"), text), "line": line})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "gpuplane check",
        **closed_object("", {
            "schema_version": {"const": SCHEMA_VERSION}, "as_of": {"type": "string", "format": "date"},
            "verdict": {"enum": [verdict.value for verdict in Verdict]}, "objects": {"type": "integer", "minimum": 0},
            "rules": {"type": "array", "items": text}, "findings": {"type": "array", "items": finding},
            "errors": {"type": "array", "items": error}})}
