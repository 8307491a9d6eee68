"""The JSON Schema of ``gpuplane.json``, the provenance beside rendered manifests: other tools are built on it."""

from __future__ import annotations

from typing import Any

from gpuplane.delivery.handoff.provenance import SCHEMA_VERSION
from gpuplane.spec.json_schema import closed_object

_DIGEST = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}


def provenance_schema() -> dict[str, Any]:
    """The schema, draft 2020-12; no field is optional and none is added without a new version."""
    text, day = {"type": "string"}, {"type": "string", "format": "date"}
    digests, texts = {"type": "object", "additionalProperties": _DIGEST}, {"type": "array", "items": text}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "gpuplane provenance",
        **closed_object("", {
            "schema_version": {"const": SCHEMA_VERSION}, "gpuplane": text, "environment": text, "as_of": day, "verdict": {"const": "pass"},
            "inputs": digests, "files": digests, "digest": _DIGEST,
            "commit": {"type": "string", "pattern": "^([0-9a-f]{40}|[0-9a-f]{64})?$"},
            "rules": closed_object("", {"count": {"type": "integer", "minimum": 1}, "digest": _DIGEST}),
            "catalogue": closed_object("", {"as_of": day, "digest": _DIGEST}), "waived": texts, "not_rendered": texts})}
