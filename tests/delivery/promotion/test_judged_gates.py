"""The binding verdict asks the gates of promotion: what comes past them is refused by ``preview --judge``, whoever forgot to ask."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from gpuplane.delivery.audit import AuditEvent, AuditLog, Who
from gpuplane.delivery.audit.chain import read_chain
from gpuplane.delivery.audit_command import audit_json
from gpuplane.delivery.comparison import check_out
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.judge_command import judged
from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.promotion.judged_gates import GATED
from gpuplane.delivery.promotion.looks import looks
from gpuplane.planning.promotion.state_gates import DriftResult
from gpuplane.policies.finding import Verdict
from gpuplane.spec.errors import InvalidSpec
from tests.delivery.promotion.walk import ROOT, Walk

ASSISTANT = "prod-eu/services/support/assistant.yaml"
SEEN = tuple(DriftResult(name, int(datetime(2026, 11, 21, 6, tzinfo=UTC).timestamp()), (), "sha256:0") for name in ("staging", "prod-eu"))
DAY = date(2026, 11, 21)


def judge(walk: Walk, folder: Path, ref: str = "main", drift: tuple[DriftResult, ...] = SEEN, environment: str = "prod-eu") -> PreviewReport:
    """The verdict on the work tree by a ref, in this process."""
    tree = folder / "judge"
    tree.mkdir()
    commit = walk.git("rev-parse", ref)
    check_out(walk.top, commit, tree)
    return judged(walk.environments, environment, f"{ref}@{commit}={tree / 'environments'}", DAY, lambda _: None, drift)[1]


def refused(report: PreviewReport) -> list[str]:
    return [finding.name for finding in report.findings if finding.rule == GATED]


def test_a_release_written_by_hand_is_refused_committed_or_not(ready: Walk) -> None:
    ready.replace(ASSISTANT, "max_num_seqs: 64", "max_num_seqs: 96")
    command = [sys.executable, "-m", "gpuplane", "preview", "prod-eu", "--judge", "main", "--as-of", "2026-11-21", "--format", "json"]
    reports: list[dict[str, Any]] = []
    for branch in ("", "by-hand"):
        if branch:
            ready.git("checkout", "-qb", branch)
            ready.commit("Just this once", "2026-11-21T10:00:00Z")
        done = subprocess.run(command, cwd=ready.top, env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}, capture_output=True,
                              text=True, check=False)
        assert done.returncode == 1, done.stderr
        reports.append(json.loads(done.stdout))

    for report in reports:
        (finding,) = (each for each in report["findings"] if each["rule"] == GATED)
        assert (report["verdict"], finding["verdict"], finding["file"]) == ("fail", "fail", f"environments/{ASSISTANT}")
        assert finding["message"].startswith("Promotion into prod-eu: the gate origin of main refuses: support/assistant: the release is not")
        assert "move it with gpuplane promote" in finding["remedy"]


def test_a_promotion_passes_and_a_gate_that_cannot_know_does_not(ready: Walk, tmp_path: Path) -> None:
    found = ready.run("promote", "--from", "staging", "--to", "prod-eu", *ready.drift(), "--format", "json")
    ready.git("checkout", "-q", json.loads(found.stdout)["branch"])
    (tmp_path / "without").mkdir()
    without = judge(ready, tmp_path / "without", drift=())
    passed = judge(ready, tmp_path)

    assert (refused(passed), passed.verdict) == ([], Verdict.PASS)
    assert (refused(without), without.verdict) == (["drift", "drift"], Verdict.UNKNOWN)
    assert all(finding.blocks and finding.verdict is Verdict.UNKNOWN for finding in without.findings if finding.rule == GATED)


def test_gates_and_facts_are_the_bases_and_a_branch_cannot_agree_with_itself(ready: Walk, tmp_path: Path) -> None:
    ready.git("checkout", "-qb", "by-hand")
    ready.replace("prod-eu/environment.yaml", "soak_hours: 24", "soak_hours: 1")
    ready.copy("staging/services/support/assistant.yaml", ASSISTANT)
    ready.commit("Just this once", "2026-11-21T10:00:00Z", author="quality@example.com")  # who approved brings it, too
    report = judge(ready, tmp_path)

    assert refused(report) == ["approvals"]
    assert {change.field for change in report.judge_changes} == {"spec.promotion"}


def test_what_moves_no_release_or_has_no_gates_is_asked_nothing(ready: Walk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object) -> None:
        raise AssertionError("git was asked")

    ready.replace(ASSISTANT, "max_replicas: 2", "max_replicas: 3")
    ready.replace("staging/services/support/assistant.yaml", "max_num_seqs: 128", "max_num_seqs: 96")
    monkeypatch.setattr("gpuplane.delivery.promotion.judged_gates.read_evidence", asked)
    (tmp_path / "staging").mkdir()

    assert refused(judge(ready, tmp_path)) == []
    assert refused(judge(ready, tmp_path / "staging", environment="staging")) == []


def test_what_cannot_be_read_of_the_sources_is_no_verdict(ready: Walk, tmp_path: Path) -> None:
    ready.replace("staging/environment.yaml", "kind: Environment", "kind: Nothing")
    ready.commit("Broken", "2026-11-21T09:00:00Z")
    ready.replace(ASSISTANT, "max_num_seqs: 64", "max_num_seqs: 96")

    with pytest.raises(CannotStart, match=r"come from cannot be read at main: .*/company/environments/staging/environment\.yaml:3 "):
        judge(ready, tmp_path)


def test_evidence_that_is_a_link_is_not_read(ready: Walk, tmp_path: Path) -> None:
    document = next((ready.environments / "evidence").glob("*.yaml"))
    (tmp_path / "elsewhere.yaml").write_text(document.read_text())
    document.unlink()
    document.symlink_to(tmp_path / "elsewhere.yaml")
    ready.replace(ASSISTANT, "max_num_seqs: 64", "max_num_seqs: 96")

    with pytest.raises(InvalidSpec, match="is a link"):
        judge(ready, tmp_path)


def test_what_the_audit_prints_answers_a_gate_unless_somebody_wrote_in_it(tmp_path: Path) -> None:
    log, who, at = AuditLog(str(tmp_path / "audit")), Who("a", "local", "none"), datetime(2026, 11, 21, 6, tzinfo=UTC)
    log.append(AuditEvent("drift", "prod-eu", "", "found", detail={"objects": [{"object": "Job x"}], "whole": True}), who, at)
    log.append(AuditEvent("drift", "prod-eu", "", "repaired", detail={"objects": [], "whole": False}), who, at)
    log.append(AuditEvent("drift", "prod-eu", "", "none", detail={"not_applied": [], "whole": True}), who, at.replace(hour=7))
    chain = read_chain("prod-eu", log.lines("prod-eu"), ())
    (file := tmp_path / "looks.json").write_text(text := audit_json(chain, chain.records))

    assert [(look.environment, look.drifted) for look in looks(file)] == [("prod-eu", ("Job x",)), ("prod-eu", ())]
    for old, new in (("Job x", "Job y"), ('"environment": "prod-eu",\n      "hash"', '"environment": "staging",\n      "hash"')):
        assert old in text
        file.write_text(text.replace(old, new))
        with pytest.raises(CannotStart, match="is not as it was written"):
            list(looks(file))


def test_a_look_without_a_judge_answers_nothing(ready: Walk, tmp_path: Path) -> None:
    (file := tmp_path / "looks.json").write_text("{}")
    found = ready.run("preview", "prod-eu", "--looks", str(file), now=False)

    assert (found.exit_code, "which --judge REF asks" in found.output) == (2, True)
