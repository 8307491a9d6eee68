"""``gpuplane evidence`` and ``approve``: documents that are called by what they say, bound to what ran."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from gpuplane.delivery.audit import AuditEvent, audit_log, who_runs_this
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.promotion.evidence_files import document_text, read_evidence
from gpuplane.delivery.promotion.looks import looks
from gpuplane.delivery.promotion.release_history import released
from gpuplane.planning.promotion.releases import release_digest
from gpuplane.spec.errors import InvalidSpec
from tests.delivery.promotion.results import FILES, bench_serve, lm_eval, text
from tests.delivery.promotion.walk import EXAMPLE, Walk

ADD = ("evidence", "add", "--environment", "staging", "--service", "support/assistant")


def given(walk: Walk, content: dict[str, Any]) -> str:
    file = walk.top / "given.json"
    file.write_text(text(content))
    return str(file)


def test_a_document_binds_what_ran_and_says_the_same_again(walk: Walk) -> None:
    arguments = (*ADD, "--results", str(walk.top / "results" / "lm-eval-new.json"), "--stored-at", "s3://results/1")
    first, second = walk.run(*arguments, now=False), walk.run(*arguments, now=False)
    digest = first.stdout.strip()
    document = yaml.safe_load((walk.environments / "evidence" / f"{digest.replace(':', '-')}.yaml").read_text())

    assert (first.exit_code, second.stdout) == (0, first.stdout), first.output
    assert document["spec"]["release"] == yaml.safe_load((walk.environments / "staging/services/support/assistant.yaml").read_text())["spec"]["release"]
    assert document["spec"]["platform"]["charts"] == {"kserve": "v0.20.0", "kueue": "0.19.2"}
    assert document["spec"]["platform"]["gpu"] == "H100-SXM-80GB"
    assert document["spec"]["results"][0]["stored_at"] == "s3://results/1"
    assert set(read_evidence(walk.environments).evaluations) == {digest}


@pytest.mark.parametrize(("content", "words"), [
    (lm_eval(model_name="meta/other", config={"model_args": "pretrained=meta/other"}), "says that meta/other was measured; support/assistant has hf://Qwen/"),
    (lm_eval(config={"model_args": f"pretrained=Qwen/Qwen2.5-7B-Instruct,revision={'b' * 40}"}), f"says that revision {'b' * 40} was measured"),
    (bench_serve(image="docker.io/vllm/vllm-openai@sha256:" + "0" * 64), "says that image docker.io/vllm/vllm-openai@sha256:000"),
    (lm_eval(date=1.9e9), "says that it was measured on 2030-03-17, which is after 2026-11-20"), ({"a": 1}, "is of no known format"),
])
def test_a_result_of_something_else_is_refused(walk: Walk, content: dict[str, Any], words: str) -> None:
    found = walk.run(*ADD, "--results", given(walk, content), now=False)

    assert (found.exit_code, words in found.output) == (2, True), found.output
    assert not (walk.environments / "evidence").exists()


def test_a_name_that_it_is_served_under_can_be_given(walk: Walk) -> None:
    found = walk.run(*ADD, "--results", given(walk, bench_serve(model_id="helper")), "--served-as", "helper", now=False)

    assert found.exit_code == 0, found.output


def test_a_raw_file_that_is_kept_is_read_again(ready: Walk) -> None:
    walk = ready
    staging = walk.run(*ADD, "--results", str(walk.top / "results" / "lm-eval-new.json"), "--keep", now=False)
    digest = staging.stdout.strip()
    walk.commit("Kept", "2026-11-20T10:00:00Z")
    kept = walk.run("lineage", "staging", "support/assistant", "--format", "json", now=False)
    states = {each["digest"]: [result["raw"] for result in each["results"]] for each in json.loads(kept.stdout)["evaluations"]}
    assert states[digest] == ["verified"]

    spec = yaml.safe_load((walk.environments / "evidence" / f"{digest.replace(':', '-')}.yaml").read_text())["spec"]
    spec["results"][0]["measures"]["gsm8k/exact_match,strict-match"]["low"] = 0.77
    better, document = document_text("Evaluation", spec)
    (walk.environments / "evidence" / f"{better.replace(':', '-')}.yaml").write_text(document)
    walk.commit("Better", "2026-11-20T11:00:00Z")
    found = walk.run("promote", "--from", "staging", "--to", "prod-eu", *walk.drift())
    assert found.exit_code == 1
    assert f"{better} says something else than its raw file" in found.output


def test_what_may_hold_a_secret_is_not_kept(walk: Walk) -> None:
    content = lm_eval(config={"model_args": "model=Qwen/Qwen2.5-7B-Instruct,key=AKIA" + "IOSFODNN7ABCDEFG"})
    found = walk.run(*ADD, "--results", given(walk, content), "--keep", now=False)

    assert (found.exit_code, "holds what has the form of a secret" in found.output) == (2, True), found.output


@pytest.mark.parametrize(("name", "content", "words"), [
    ("sha256-" + "0" * 64, "apiVersion: gpuplane/v1\nkind: Tenant\n", "Tenant does not belong into evidence/"),
    ("sha256-" + "0" * 64, "[1]\n", "is no document"), ("mine", "apiVersion: gpuplane/v1\nkind: Approval\nmetadata: {name: mine}\nspec: {}\n", "mine.yaml"),
])
def test_what_is_no_evidence_is_refused(tmp_path: Path, name: str, content: str, words: str) -> None:
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / f"{name}.yaml").write_text(content)

    with pytest.raises(InvalidSpec, match=words):
        read_evidence(tmp_path)


def test_an_approval_is_of_a_release_that_can_come(walk: Walk) -> None:
    arguments = ("evidence", "approve", "--environment", "prod-eu", "--service", "support/assistant", "--by", "lead@example.com")
    wanted = release_digest(released((walk.environments / "staging/services/support/assistant.yaml").read_bytes()) or {})
    found, other = (walk.run(*arguments, *more, now=False) for more in ((), ("--release", "sha256:" + "0" * 64)))

    assert next(iter(read_evidence(walk.environments).approvals.values())).spec.release == wanted
    assert found.exit_code == 0
    assert (other.exit_code, f"staging has {wanted}" in other.output) == (2, True), other.output


def test_the_audit_knows_promotions_and_approvals(ready: Walk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPUPLANE_AUDIT", str(tmp_path / "audit"))
    assert ready.run("evidence", "approve", "--environment", "prod-eu", "--service", "support/assistant", "--by", "lead@example.com", now=False).exit_code == 0
    assert ready.run("promote", "--from", "staging", "--to", "prod-eu", *ready.drift()).exit_code == 0
    shown = ready.run("audit", "prod-eu", "--audit", str(tmp_path / "audit"), "--format", "json", now=False)
    records = [json.loads(line) for path in sorted((tmp_path / "audit").rglob("*")) if path.is_file() for line in path.read_text().splitlines()
               if line.startswith('{"at"')]

    assert shown.exit_code in (0, 2), shown.output
    assert [(record["kind"], record["subject"], record["result"]) for record in records] == [
        ("approval", "support/assistant", "written"), ("promotion", "support/assistant", "proposed")]
    assert records[1]["digests"]["commit"].startswith("git:")


def test_the_examples_files_are_generated() -> None:
    assert {path.name: path.read_text() for path in (EXAMPLE / "results").iterdir()} == {name: text(content) for name, content in FILES.items()}
    assert len(read_evidence(EXAMPLE / "environments").evaluations) == 2


@pytest.mark.parametrize(("objects", "drifted"), [([], ()), ([{"object": "InferenceService chat", "urn": "x"}], ("prod-tenants: InferenceService chat",))])
def test_what_the_command_drift_prints_is_a_result_of_its_day(tmp_path: Path, objects: list[dict[str, str]], drifted: tuple[str, ...]) -> None:
    file = tmp_path / "drift.json"
    file.write_text(json.dumps({"schema_version": 1, "environment": "prod", "as_of": "2026-11-21", "drifted": bool(objects), "whole": True, "stacks": [
        {"stack": "prod-tenants", "layer": "tenants", "tenant": "", "applied": True, "drift": objects}]}))
    found, = looks(file)

    assert (found.environment, found.seconds, found.drifted) == ("prod", 1795219200, drifted)


def test_a_look_at_some_tenants_is_no_result_and_what_is_not_applied_is_drift(tmp_path: Path) -> None:
    (file := tmp_path / "drift.json").write_text(json.dumps(look := {
        "schema_version": 1, "environment": "prod", "as_of": "2026-11-21", "drifted": False, "whole": False, "stacks": [
            {"stack": "prod-tenants-search", "layer": "tenants", "tenant": "search", "applied": False, "drift": []}]}))
    with pytest.raises(CannotStart, match="whole"):
        list(looks(file))

    file.write_text(json.dumps({**look, "whole": True}))
    assert next(looks(file)).drifted == ("prod-tenants-search is not applied yet",)


def test_a_look_that_found_nothing_is_known_by_the_audit_if_it_was_at_everything(ready: Walk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = str(tmp_path / "audit")
    monkeypatch.setenv("GPUPLANE_AUDIT", place)
    log, who, at = audit_log(place), who_runs_this(), datetime(2026, 11, 21, 9, tzinfo=UTC)
    promote = ("promote", "--from", "staging", "--to", "prod-eu", "--dry-run")
    for environment in ("staging", "prod-eu"):
        log.append(AuditEvent("drift", environment, "", "repaired", detail={"objects": [], "whole": False}), who, at)
    assert "prod-eu: nobody looked" in ready.run(*promote).output

    for environment in ("staging", "prod-eu"):
        log.append(AuditEvent("drift", environment, "", "none", detail={"not_applied": [], "whole": True}), who, at)
    found = ready.run(*promote)
    assert found.exit_code == 0, found.output

    log.append(AuditEvent("drift", "staging", "", "none", detail={"not_applied": ["staging-tenants"], "whole": True}), who, at.replace(minute=1))
    found = ready.run(*promote)
    assert (found.exit_code, "staging-tenants is not applied yet" in found.output) == (1, True), found.output


def test_drift_that_the_audit_has_found_stops_a_promotion_until_it_is_repaired(ready: Walk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = str(tmp_path / "audit")
    monkeypatch.setenv("GPUPLANE_AUDIT", place)
    log, who = audit_log(place), who_runs_this()
    detail = {"objects": [{"object": "InferenceService assistant", "tenant": "support"}]}
    log.append(AuditEvent("drift", "prod-eu", "", "found", detail=detail), who, datetime(2026, 11, 21, 9, tzinfo=UTC))
    found = ready.run("promote", "--from", "staging", "--to", "prod-eu", *ready.drift(), "--dry-run")
    assert (found.exit_code, "Repair prod-eu first: InferenceService assistant." in found.output) == (1, True), found.output

    log.append(AuditEvent("drift", "prod-eu", "", "repaired", detail={**detail, "whole": True}), who, datetime(2026, 11, 21, 10, tzinfo=UTC))
    assert ready.run("promote", "--from", "staging", "--to", "prod-eu", *ready.drift(), "--dry-run").exit_code == 0


def test_a_raw_file_that_is_kept_elsewhere_can_be_held_against_the_evidence(ready: Walk) -> None:
    own, other = (ready.run("evidence", "verify", "--results", file, now=False) for file in (
        str(ready.top / "results" / "bench-new.json"), given(ready, lm_eval(900))))

    assert (own.exit_code, "bench-new.json: sha256:" in own.output, "says what it says" in own.output) == (0, True, True), own.output
    assert (other.exit_code, "nothing rests on it" in other.output) == (1, True), other.output
