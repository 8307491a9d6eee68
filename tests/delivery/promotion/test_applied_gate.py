"""The gate ``applied``: what the audit says was done, not what git says was wished."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gpuplane.delivery.applying import record_events
from gpuplane.delivery.applying.outcome import Outcome, Result
from gpuplane.delivery.audit import AuditEvent, AuditLog, Who
from gpuplane.delivery.audit.event import Record
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey
from gpuplane.spec.loader import load_environment
from tests.delivery.promotion.test_judged_gates import judge, refused
from tests.delivery.promotion.walk import Walk

PROMOTE = ("promote", "--from", "staging", "--to", "prod-eu")
ASSISTANT = "support/assistant"
Apply = Callable[..., None]


@pytest.fixture
def gated(ready: Walk) -> Walk:
    """The assistant may move but for what was applied; the wave before has moved in git."""
    ready.replace("prod-eu/environment.yaml", "      soak_hours: 24\n", "      soak_hours: 24\n      applied: true\n")
    ready.commit("Only what was applied", "2026-11-20T09:30:00Z")
    return ready


@pytest.fixture
def apply(gated: Walk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Apply:
    """Note in the audit how an apply of a whole environment ended, as ``up`` does, at an hour of 21 November."""
    def applied(environment: str, result: Result = "applied", hour: int = 6, *, kind: str = "apply", reason: str = "",
                edit: tuple[str, str] = ("", ""), audit: str = "audit") -> None:
        log = AuditLog(str(tmp_path / audit))

        def append(_: EnvironmentSpec, event: AuditEvent) -> Record:
            return log.append(event, Who("a", "local", "none"), datetime(2026, 11, 21, hour, tzinfo=UTC))

        monkeypatch.setattr(record_events, "append", append)
        file = gated.environments / environment / "services/support/assistant.yaml"
        kept = file.read_text()
        assert edit[0] in kept
        file.write_text(kept.replace(*edit) if edit[0] else kept)
        spec = load_environment(gated.environments, environment)
        file.write_text(kept)
        record_events.record_end(spec, [Outcome(StackKey("tenants"), f"{environment}-tenants", result, attempts=1, reason=reason)], {}, kind)

    monkeypatch.setenv("GPUPLANE_AUDIT", str(tmp_path / "audit"))
    return applied


def gates(walk: Walk, *more: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What ``applied`` says, and the report."""
    found = walk.run(*PROMOTE, *walk.drift(), *more, "--dry-run", "--format", "json")
    report = json.loads(found.stdout)
    return [gate for gate in report["gates"] if gate["gate"] in ("applied", "waves")], report


def test_what_was_applied_and_done_moves(gated: Walk, apply: Apply) -> None:
    for environment in ("staging", "prod-eu"):
        apply(environment)
    found, report = gates(gated)

    assert [(gate["gate"], gate["state"], gate["said"]) for gate in found] == [("applied", "pass", "staging: applied 6.0 hours ago")]
    assert report["verdict"] == "pass"


@pytest.mark.parametrize(("applies", "state", "words"), [
    ([], "unknown", "staging: no record says that it was ever applied"),
    ([{"result": "failed"}], "fail", "staging: the last apply of it, 6.0 hours ago, did not end well: failed"),
    ([{"result": "applied"}, {"result": "failed", "hour": 8}], "fail", "the last apply of it, 4.0 hours ago, did not end well: failed"),
    ([{"result": "failed"}, {"result": "unchanged", "hour": 8}], "pass", "staging: applied 4.0 hours ago"),
    ([{"result": "held"}], "fail", "did not end well: held"),
    ([{"edit": ("max_num_seqs: 128", "max_num_seqs: 64")}], "fail", "what was applied last, 6.0 hours ago, is another release, sha256:"),
    ([{}, {"result": "destroyed", "hour": 8, "kind": "destroy"}], "fail", "did not end well: destroyed"),
    ([{"hour": 8}, {"result": "failed", "hour": 6}], "fail", "6.0 hours ago, did not end well: failed"),  # clocks: the last record counts
    ([{"hour": 8}, {"result": "destroyed", "hour": 6, "kind": "destroy"}], "fail", "did not end well: destroyed"),
    ([{"result": "failed", "hour": 8}, {"hour": 6}], "pass", "staging: applied 6.0 hours ago"),
    ([{"hour": 8}, {"result": "failed", "hour": 13}], "fail", "1.0 hours from now by the clock of who wrote it, did not end well: failed"),
    ([{"hour": 8}, {"hour": 13}], "unknown", "staging: the last apply is of a time that has not come yet, 1.0 hours from now"),
    ([{"hour": 13}, {"hour": 8}], "pass", "staging: applied 4.0 hours ago"),
])
def test_what_was_not_does_not(gated: Walk, apply: Apply, applies: list[dict[str, Any]], state: str, words: str) -> None:
    apply("prod-eu")
    for each in applies:
        apply("staging", **each)
    (found,), report = gates(gated)

    assert (found["service"], found["state"], words in found["said"]) == (ASSISTANT, state, True), found
    assert report["verdict"] == state
    assert ("gpuplane up staging" in found["remedy"]) == (state != "pass")


def test_nobody_knows_where_no_audit_is_kept(gated: Walk) -> None:
    found, _ = gates(gated)

    assert [(gate["gate"], gate["state"]) for gate in found] == [("applied", "unknown"), ("waves", "unknown")]
    assert "where an audit is kept" in found[0]["remedy"]


@pytest.mark.parametrize(("applies", "state", "words"), [
    ([], "unknown", "wave 1: tickets/drafts: prod-eu: no record says that it was ever applied"),
    ([{"result": "failed"}], "fail", "wave 1: tickets/drafts: prod-eu: the last apply of it, 6.0 hours ago, did not end well: failed"),
])
def test_the_wave_before_must_have_been_applied(gated: Walk, apply: Apply, applies: list[dict[str, Any]], state: str, words: str) -> None:
    apply("staging")
    for each in applies:
        apply("prod-eu", **each)
    found, _ = gates(gated)

    assert [(gate["gate"], gate["state"], gate["said"]) for gate in found][1:] == [("waves", state, words)]
    assert found[1]["remedy"].startswith("gpuplane up prod-eu" if state == "unknown" else "Apply prod-eu first: gpuplane up prod-eu")


def test_a_record_that_was_too_long_hides_no_failure(gated: Walk, apply: Apply) -> None:
    apply("staging")
    apply("prod-eu")
    apply("staging", "failed", 8, reason="why " * 100_000)
    (found,), _ = gates(gated)
    assert (found["state"], found["said"]) == ("fail", "staging: the last apply of it, 4.0 hours ago, did not end well: failed")

    apply("staging", "applied", 9, reason="why " * 100_000)
    (found,), _ = gates(gated)
    assert (found["state"], found["said"]) == ("unknown", "staging: the last apply, 3.0 hours ago, does not say of which releases")


def test_what_the_audit_prints_answers_it_where_the_audit_is_out_of_reach(
        gated: Walk, apply: Apply, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    for environment in ("staging", "prod-eu"):
        apply(environment, "failed", 5)
        apply(environment)
        printed = gated.run("audit", environment, "--kind", "apply", "--kind", "destroy", "--newest", "--format", "json", now=None)
        (file := tmp_path / f"{environment}.json").write_text(printed.stdout)
        looks += ["--looks", str(file)]
    monkeypatch.delenv("GPUPLANE_AUDIT")

    assert [gate["state"] for gate in gates(gated, *looks)[0]] == ["pass"]
    assert [gate["state"] for gate in gates(gated)[0]] == ["unknown", "unknown"]


def test_an_older_print_of_the_audit_is_not_another_audit(gated: Walk, apply: Apply, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apply("prod-eu")
    apply("staging", "failed", 8)
    printed = gated.run("audit", "staging", "--kind", "apply", "--newest", "--format", "json", now=None)
    (file := tmp_path / "staging.json").write_text(printed.stdout)
    apply("staging", hour=6)
    assert [gate["state"] for gate in gates(gated, "--looks", str(file))[0]] == ["pass"]

    monkeypatch.setenv("GPUPLANE_AUDIT", str(tmp_path / "moved"))
    apply("staging", hour=9, audit="moved")
    assert gates(gated, "--looks", str(file))[0][0]["state"] == "fail"
    assert gates(gated)[0][0]["state"] == "pass"


def test_the_binding_verdict_asks_it_too(gated: Walk, apply: Apply, tmp_path: Path) -> None:
    assistant = "services/support/assistant.yaml"
    gated.git("checkout", "-qb", "by-hand")
    (gated.environments / "prod-eu" / assistant).write_text((gated.environments / "staging" / assistant).read_text())
    gated.commit("The assistant", "2026-11-21T10:00:00Z")
    gated.git("checkout", "-q", "main")
    apply("prod-eu")
    gated.git("checkout", "-q", "by-hand")
    for number, (result, expected) in enumerate((("failed", ["applied"]), ("applied", []))):
        apply("staging", result, 7 + number)
        (folder := tmp_path / result).mkdir()
        assert refused(judge(gated, folder)) == expected


def test_a_rollback_is_not_asked(gated: Walk) -> None:
    found = gated.run("rollback", "prod-eu", "tickets/drafts", "--dry-run", "--format", "json")

    assert ("applied", "waived") in [(gate["gate"], gate["state"]) for gate in json.loads(found.stdout)["gates"]]
