"""The report as JSON, its published schema, and the way back."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gpuplane.delivery.changes import changes_between
from gpuplane.delivery.preview_report import SCHEMA_VERSION, PreviewReport
from gpuplane.delivery.preview_schema import preview_schema, schema_text, write_preview_schema
from gpuplane.delivery.render_json import to_json, views_from_json
from tests.delivery.reports import hostile, refused, report

PUBLISHED = Path(__file__).parents[2] / "docs" / "schema" / "preview.json"
REPORTS = {"pass": report(), "refused": refused(), "hostile": hostile()}


def errors(value: Any) -> list[str]:
    validator = Draft202012Validator(preview_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def test_the_published_schema_is_what_the_code_says() -> None:
    assert schema_text() == PUBLISHED.read_text(encoding="utf-8")


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(preview_schema())

    assert {"EnvironmentPlan", "PoolPlan", "TenantPlan", "Finding", "Resource", "Change"} <= preview_schema()["$defs"].keys()


def test_writing_the_schema_makes_the_folder(tmp_path: Path) -> None:
    assert write_preview_schema(tmp_path / "new").read_text(encoding="utf-8") == schema_text()


@pytest.mark.parametrize("made", REPORTS.values(), ids=list(REPORTS))
def test_every_report_fits_the_schema(made: PreviewReport) -> None:
    assert errors(json.loads(to_json(made))) == []


@pytest.mark.parametrize(("path", "value"), [
    (("schema_version",), 0), (("verdict",), "maybe"), (("extra",), 1), (("plan", "committed_usd_per_month"), 1.5),
    (("plan", "as_of"), "yesterday"), (("findings", 0, "severity"), "bad"), (("resources", 0, "line"), -1),
    (("plan", "pools", "h100", "capacity"), {"nvidia.com/gpu": "8"}), (("changes", 0, "action"), "touch")])
def test_the_schema_refuses_what_is_wrong(path: tuple[Any, ...], value: Any) -> None:
    data = copy.deepcopy(json.loads(to_json(refused())))
    at = data
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value

    assert len(errors(data)) >= 1


def test_the_form_is_versioned_sorted_and_the_same_every_time() -> None:
    text = to_json(refused())
    data = json.loads(text)

    assert text == to_json(refused())
    assert text == json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False)
    assert data["schema_version"] == SCHEMA_VERSION
    assert (data["engine"], data["as_of"], data["verdict"]) == ("offline", "2026-08-01", "fail")


def test_blocking_holds_the_sentences_with_file_and_line() -> None:
    blocking = json.loads(to_json(refused()))["blocking"]

    assert len(blocking) == 2
    assert blocking[0].startswith("environments/prod/services/acme/chat.yaml:21 QF-04: ")


def test_without_a_comparison_there_are_no_changes_rather_than_none_found() -> None:
    data = json.loads(to_json(report()))

    assert data["changes"] is None
    assert data["comparison"] is None


def test_changes_name_tenant_and_fields() -> None:
    changes = {change["tenant"]: change for change in json.loads(to_json(refused()))["changes"]}

    assert changes["acme"]["fields"] == [{"path": "spec.predictor.maxReplicas", "before": 2, "after": 4}]
    assert (changes["old"]["action"], changes["old"]["protect"]) == ("delete", True)


def test_resources_survive_the_way_there_and_back() -> None:
    made = report()
    back = views_from_json(json.loads(to_json(made)))

    assert [(view.urn, view.file, view.line, view.custom, view.protect) for view in back] == [
        (view.urn, view.file, view.line, view.custom, view.protect) for view in made.resources]
    assert to_json(report(resources=back)) == to_json(made)


def test_a_report_does_not_differ_from_itself_even_where_values_are_unknown() -> None:
    data = json.loads(to_json(report()))

    assert "<known after apply: address of urn:db>" in to_json(report())
    assert changes_between(views_from_json(data), views_from_json(copy.deepcopy(data))) == ()
