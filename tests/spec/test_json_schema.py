"""The published JSON Schemas: as generated, complete, and of one opinion with the loader."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from gpuplane.catalog.runtime_schema import argument_schemas
from gpuplane.delivery.published_schemas import published_schemas
from gpuplane.spec.json_schema import GENERATED, schema_file, schema_for, schema_texts, write_schemas
from gpuplane.spec.loader import KINDS
from tests.spec.strategies import json_values, paths_of, put
from tests.spec.wish import VALID

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "docs" / "schema"
DOCUMENTS = {document["kind"]: document for document in map(yaml.safe_load, VALID.values())}
DOCUMENTS["Exemptions"]["spec"]["exemptions"][0]["expires"] = "2027-03-31"
BEYOND_SCHEMA = {"argument", "bounds", "cohort", "date", "device_argument", "drain", "placeholder", "reserved", "shares", "step", "twice",
                 "volume"}
"""Error types of rules that compare fields or know the calendar: a JSON Schema cannot say them."""


def test_the_published_schemas_are_what_the_models_say() -> None:
    documents = {path.name: path.read_text(encoding="utf-8") for path in PUBLISHED.iterdir() if path.name not in published_schemas()}

    assert documents == schema_texts(argument_schemas())


def test_writing_the_schemas_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    files = write_schemas(tmp_path / "schema")
    first = [file.read_bytes() for file in files]

    assert [file.read_bytes() for file in write_schemas(tmp_path / "schema")] == first
    assert [file.name for file in files] == [
        "approval.json", "catalog.json", "environment.json", "evaluation.json", "exemptions.json", "inference-graph.json", "inference-service.json",
        "llm-inference-service.json", "node-pool.json", "runtime.json", "tenant.json", "throughput-profile.json"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_valid_says_that_it_is_generated_and_describes_every_field(kind: str) -> None:
    schema = schema_for(kind)

    Draft202012Validator.check_schema(schema)
    assert list(schema)[:3] == ["$schema", "$comment", "title"]
    assert schema["$comment"] == GENERATED
    assert "$id" not in schema
    undescribed = [f"{model}.{name}" for model, definition in schema["$defs"].items()
                   for name, field in definition.get("properties", {}).items() if not {"description", "$ref"} & field.keys()]
    assert undescribed == []
    assert all(definition["additionalProperties"] is False for definition in schema["$defs"].values())


def validates(document: Any, kind: str) -> bool:
    return bool(Draft202012Validator(schema_for(kind)).is_valid(document))


@pytest.mark.parametrize(("key", "value", "valid"), [
    ("h100", 8, True), ("h100", {"nominal_quota": 8}, True), ("h100", {"borrowing_limit": 8}, False), ("h100", "8", False),
    ("h100", -1, False), ("h100", True, False), ("h100", None, False), ("H100", 8, False), ("a100-mig/1g.10gb", 8, True),
])
def test_a_quota_is_a_number_or_a_block_in_the_schema_too(key: str, value: Any, valid: bool) -> None:
    document = copy.deepcopy(DOCUMENTS["Tenant"])
    document["spec"]["quota"] = {key: value}

    assert validates(document, "Tenant") is valid


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_the_schema_accepts_exactly_what_the_models_accept(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(DOCUMENTS)))
    path = data.draw(st.sampled_from(paths_of(DOCUMENTS[kind])))
    document = put(DOCUMENTS[kind], path, data.draw(json_values))
    try:
        KINDS[kind].model_validate_json(json.dumps(document), by_alias=True, by_name=False)
    except ValidationError as error:
        types = {found["type"] for found in error.errors()}
        assert types <= BEYOND_SCHEMA or not validates(document, kind)
    else:
        assert validates(document, kind)


@pytest.mark.parametrize("file", sorted((ROOT / "environments").rglob("*.yaml")), ids=lambda file: str(file.relative_to(ROOT)))
def test_a_document_of_the_repository_names_its_schema_and_is_valid(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    document = yaml.load(text, yaml.BaseLoader if file.name == "exemptions.yaml" else yaml.SafeLoader)
    first = text.partition("\n")[0]

    assert first.startswith("# yaml-language-server: $schema=../")
    schema = (file.parent / first.partition("$schema=")[2]).resolve()
    assert schema == PUBLISHED / schema_file(document["kind"])
    Draft202012Validator(json.loads(schema.read_text(encoding="utf-8"))).validate(document)


def test_the_repository_has_documents_of_every_kind() -> None:
    files = [*(ROOT / "environments").rglob("*.yaml"), *(ROOT / "docs/examples").rglob("*.yaml")]
    kinds = {yaml.safe_load(file.read_text(encoding="utf-8")).get("kind") for file in files} - {None}

    assert kinds == set(KINDS)
