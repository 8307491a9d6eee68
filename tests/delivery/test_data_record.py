"""The data-protection record: golden for our own environments, valid by its schema, and loud where something is wrong."""

import json
import os
from datetime import date
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from gpuplane.delivery.data_record import TO_COMPLETE, DataRecord
from gpuplane.delivery.data_record_forms import record_files, to_json, to_markdown
from gpuplane.delivery.outputs import discard_former, write_outputs
from gpuplane.delivery.preview import preview
from gpuplane.delivery.published_schemas import published_schemas
from gpuplane.spec.loader import load_environment
from tests.spec.wish import Wish

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 11, 21)
GOLDEN = ROOT / "tests/golden/records"
OURS = {"prod": ROOT / "environments", "aws": ROOT / "docs/examples/06-created-cluster/environments"}


def _records(folder: Path, name: str) -> dict[str, DataRecord]:
    return {record.tenant: record for record in preview(load_environment(folder, name), DAY).records}


@pytest.mark.parametrize("name", OURS)
def test_the_record_of_a_tenant_is_as_it_was(name: str) -> None:
    texts = record_files(tuple(_records(OURS[name], name).values()))
    for file in ("support.md", "support.json"):
        golden = GOLDEN / f"{name}-{file}"
        if os.environ.get("GPUPLANE_WRITE_GOLDEN"):
            golden.parent.mkdir(parents=True, exist_ok=True)
            golden.write_text(texts[file], encoding="utf-8")
        assert golden.read_text(encoding="utf-8") == texts[file]


@pytest.mark.parametrize("name", OURS)
def test_every_record_is_valid_by_the_published_schema(name: str) -> None:
    for record in _records(OURS[name], name).values():
        assert [error.message for error in Draft202012Validator(published_schemas()["data-record.json"]).iter_errors(json.loads(to_json(record)))] == []


def test_what_is_owed_follows_the_class_and_what_is_wrong_is_loud(tmp_path: Path) -> None:
    wish = Wish(tmp_path).change("services/acme/chat.yaml", "max_model_len: 8192\n", "max_model_len: 8192\n        enable_log_requests: true\n")
    record, = preview(wish.load(), DAY).records
    states = {row.name: row.state for row in record.obligations}

    assert record.data_class == "personal"
    assert record.to_complete == tuple(TO_COMPLETE.values())
    assert states["payload_logging"] == "violated"
    assert states["tls"] == "no violation"
    assert states["offboarding_days"] == "declared"
    assert [row.logged for row in record.processing] == [True]
    assert "| payload logging | forbidden | **violated** |" in to_markdown(record)


def test_what_people_declare_stands_in_the_record_and_on_the_namespace(tmp_path: Path) -> None:
    wish = Wish(tmp_path).change("tenants/acme.yaml", "  cohort: shared\n", "  cohort: shared\n  data_protection: {purpose: answering "
                                 "customers, dpia: DPIA 2026-07, oversight_contact: board, ai_act_risk: high}\n")
    report = preview(wish.load(), DAY)
    namespace, = (view for view in report.resources if view.kind == "Namespace")

    assert report.records[0].declared["purpose"] == "answering customers"
    assert TO_COMPLETE["purpose"] not in report.records[0].to_complete
    assert "- purpose: answering customers" in to_markdown(report.records[0])
    assert {key: namespace.annotations[f"gpuplane.dev/{key}"] for key in ("dpia", "oversight-contact", "ai-act-risk")} == {
        "dpia": "DPIA 2026-07", "oversight-contact": "board", "ai-act-risk": "high"}


def test_public_data_is_owed_little_and_asks_people_for_nothing(tmp_path: Path) -> None:
    wish = Wish(tmp_path).change("tenants/acme.yaml", "data_classification: pii", "data_classification: public")
    record, = preview(wish.load(), DAY).records

    assert {row.name for row in record.obligations if row.state != "not owed"} == {"tls"}
    assert record.to_complete == ()


def test_files_of_a_former_run_go_and_those_of_others_stay(tmp_path: Path) -> None:
    report = preview(Wish(tmp_path / "wish").load(), DAY)
    out = tmp_path / "out"
    write_outputs(report, out)
    assert sorted(path.name for path in (out / "records").iterdir()) == ["acme.json", "acme.md"]

    discard_former(out)
    assert not (out / "records").exists()

    (out / "records").mkdir()
    (out / "records" / "notes.md").write_text("mine")
    with pytest.raises(ValueError, match="did not write"):
        discard_former(out)
