"""Reports of a rehearsal: plan and observation side by side, what was left out, and the JSON with its schema."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from gpuplane.delivery.outputs import UnsafeOutputError, discard
from gpuplane.delivery.published_schemas import published_schemas
from gpuplane.delivery.rehearsal.applied import RefusedObject
from gpuplane.delivery.rehearsal.rehearsal_json import to_json
from gpuplane.delivery.rehearsal.rehearse_command import FILES, forms
from gpuplane.delivery.rehearsal.render_html import render_html
from gpuplane.delivery.rehearsal.render_markdown import to_markdown
from gpuplane.delivery.rehearsal.render_text import headline, to_text
from gpuplane.delivery.rehearsal.timeline import series
from tests.delivery.rehearsal.rehearsed import AGREED, OPEN, WRONG, found

ROOT = Path(__file__).resolve().parents[3]


def test_the_json_form_is_of_its_schema() -> None:
    value = json.loads(to_json(found(AGREED, WRONG, OPEN)))

    assert [error.message for error in Draft202012Validator(published_schemas()["rehearsal.json"]).iter_errors(value)] == []
    assert value["verdict"] == "disagree"
    assert json.loads(to_json(found(AGREED, OPEN)))["verdict"] == "agree"


def test_a_disagreement_stands_first_with_both_sides_and_the_proof() -> None:
    text = to_text(found(AGREED, WRONG))

    assert text.index("✗ maximum load: acme/batch") < text.index("✓")
    for words in ("the plan says  3 of 3 admitted   (admission)", "observed       2 of 3 admitted", "quota was lowered"):
        assert words in text
    assert headline(found(AGREED, WRONG)).startswith("prod: 1 disagreement (1 of 2 claims agree")


def test_what_was_not_rehearsed_is_never_passed() -> None:
    said = headline(found(AGREED, OPEN))

    assert "agrees with its plan, as far as it was rehearsed (1 of 2 claims agree, 1 not rehearsed)" in said
    assert not found(OPEN).agrees
    assert "nothing could be rehearsed" in headline(found(OPEN))
    assert "(not rehearsed: no Kueue here)" in to_text(found(AGREED, OPEN))


def test_refused_objects_and_an_early_end_are_failures() -> None:
    refused = replace(found(AGREED), refused=(RefusedObject("ConfigMap acme/x", "denied by policy"),))
    ended = replace(found(AGREED), unfinished="the time limit has passed")

    assert not refused.agrees
    assert "refused by the API server: ConfigMap acme/x: denied by policy" in to_text(refused)
    assert not ended.agrees
    assert "Not finished: the time limit has passed" in to_text(ended)


def test_missing_controllers_and_what_is_left_out_are_named() -> None:
    text = to_text(replace(found(AGREED), controllers={"Kueue": False, "KServe": True}))

    assert "Not rehearsed: no Kueue here." in text
    assert "made by the cloud, which is not there: NodeGroup (1)" in text


def test_the_page_loads_nothing_and_escapes_what_people_wrote() -> None:
    page = render_html(found(AGREED, WRONG, OPEN))

    assert "<svg" in page
    assert "beta/&lt;i&gt;rank" in page
    assert "<i>rank" not in page
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert page.index("Where plan and cluster differ") < page.index("Timeline by tenant")
    assert page == render_html(found(AGREED, WRONG, OPEN))


def test_a_tenants_line_is_the_sum_of_its_services() -> None:
    assert series(found().moments) == [(1.5, 0, 2), (2.0, 2, 0), (3.0, 3, 2), (7.0, 4, 1)]


def test_markdown_cannot_be_broken_out_of() -> None:
    text = to_markdown(found(AGREED, WRONG, OPEN))

    assert "<i>" not in text
    assert text.count("| ✗ |") == 1
    assert "not rehearsed: no Kueue here" in text


def test_a_later_run_knows_its_own_files_and_no_others(tmp_path: Path) -> None:
    for name, form in zip(FILES, forms(found(AGREED, WRONG)).values(), strict=True):
        (tmp_path / name).write_text(form(), encoding="utf-8")
    discard(tmp_path, FILES)
    assert list(tmp_path.iterdir()) == []

    (tmp_path / "rehearsal.md").write_text("# Our own notes\n", encoding="utf-8")
    with pytest.raises(UnsafeOutputError):
        discard(tmp_path, FILES)


def test_no_form_shows_a_secret_that_a_server_quotes_or_steers_who_reads_it() -> None:
    token = "AKIA" + "Q3EGRZNPQXW7KLMA"
    quoted = replace(found(AGREED), refused=(RefusedObject("ConfigMap acme/x", f"invalid value {token}\n::warning::hello\x1b[2J ##[error]"),))

    for name, form in forms(quoted).items():
        text = form()
        assert token not in text, name
        assert not re.search(r"(?m)^\s*::|##\[|\x1b", text), name
    assert "invalid value [secret]" in str(json.loads(forms(quoted)["json"]()))
