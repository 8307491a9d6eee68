"""``gpuplane lineage``, and the published schemas of what these commands print and read."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from gpuplane.delivery.published_schemas import published_schemas
from tests.delivery.promotion.results import FILES
from tests.delivery.promotion.walk import Walk


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(published_schemas()[name])


def test_an_endpoint_leads_back_to_revision_evaluations_approvals_and_commits(ready: Walk) -> None:
    made = json.loads(ready.run("promote", "--from", "staging", "--to", "prod-eu", *ready.drift(), "--format", "json").stdout)
    ready.git("merge", "-q", "--no-ff", "-m", "Merge the promotion", made["branch"], at="2026-11-21T12:30:00Z")
    found = json.loads(ready.run("lineage", "prod-eu", "support/assistant", "--format", "json", now=False).stdout)
    text = ready.run("lineage", "prod-eu", "support/assistant", now=False).output

    validator("promotion.json").validate(made)
    validator("lineage.json").validate(found)
    assert found["revision"] == "a09a35458c702b33eeacc393d103063234e8bc28"
    assert found["release"] == made["moves"][0]["after"]
    assert {"InferenceService"} <= {each["kind"] for each in found["objects"]}
    assert [each["digest"] for each in found["evaluations"]] == [gate["evidence"][0] for gate in made["gates"] if gate["gate"] == "evaluations"][:1]
    assert [each["approved_by"] for each in found["approvals"]] == ["quality@example.com"]
    assert found["since"] == "2026-11-21T12:30:00Z"
    assert found["commits"][0]["hash"] == made["commit"]
    assert found["commits"][0]["promotions"][0].startswith("support/assistant sha256:")
    assert "│  promotion support/assistant sha256:" in text
    assert "digest verified, added by team@example.com" in text


def test_what_came_past_every_gate_is_seen_to_have_no_proof(walk: Walk) -> None:
    text = walk.run("lineage", "prod-us", "support/assistant", now=False).output

    assert "├─ evaluation: none of this release" in text
    assert "├─ approval: none of this release here" in text


@pytest.mark.parametrize(("name", "content", "valid"), [
    ("drift-result.json", {"schema_version": 1, "environment": "prod", "checked_at": "2026-11-21T06:00:00Z", "drifted": []}, True),
    ("drift-result.json", {"schema_version": 1, "environment": "prod", "checked_at": "yesterday", "drifted": []}, False),
    ("evaluation-result.json", {"schema_version": 1, "measured_on": "2026-11-20", "measures": {"a": {"better": "lower", "counted": 1, "samples": 9}}}, True),
    ("evaluation-result.json", {"schema_version": 1, "measured_on": "2026-11-20", "measures": {}}, False),
    ("evaluation-result.json", FILES["bench-new.json"], False),
])
def test_the_schemas_say_what_is_read(name: str, content: object, valid: bool) -> None:
    assert validator(name).is_valid(content) is valid
