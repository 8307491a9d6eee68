"""``gpuplane promote``: releases move when every gate holds, and the work tree never changes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from gpuplane.delivery.promotion.repository import Repository
from tests.delivery.promotion.walk import NOW, ROOT, Walk

PROMOTE = ("promote", "--from", "staging", "--to", "prod-eu")
ASSISTANT = "prod-eu/services/support/assistant.yaml"
STAGING = "staging/services/support/assistant.yaml"


def state_of(walk: Walk) -> tuple[str, str, str]:
    return walk.git("status", "--porcelain"), walk.git("rev-parse", "HEAD"), walk.git("for-each-ref")


def test_a_release_moves_and_nothing_else_does(ready: Walk, tmp_path: Path) -> None:
    text = (ready.environments / ASSISTANT).read_text()
    (ready.environments / ASSISTANT).write_text(text + "# half an idea\n")
    found = ready.run(*PROMOTE, *ready.drift(), "--format", "json", "--body", str(tmp_path / "body.md"))

    assert found.exit_code == 0, found.output
    assert f"not committed, and so not seen: environments/{ASSISTANT}" in found.stderr
    report = json.loads(found.stdout)
    assert {gate["state"] for gate in report["gates"]} == {"pass"}
    assert {gate["gate"] for gate in report["gates"]} == {"evaluations", "soak", "approvals", "cost", "drift", "policy"}
    assert (ready.environments / ASSISTANT).read_text() == text + "# half an idea\n"
    assert ready.git("rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert ready.git("diff", "--name-only", "main", report["branch"]) == f"environments/{ASSISTANT}"
    moved = ready.git("show", f"{report['branch']}:environments/{ASSISTANT}")
    assert "      version: 0.31.0                 # the release that has run since spring" in moved
    assert "# Below is what belongs to the environment: it stays." in moved
    old, new = yaml.safe_load(text), yaml.safe_load(moved)
    assert new["spec"]["release"] == yaml.safe_load((ready.environments / STAGING).read_text())["spec"]["release"]
    assert {**old["spec"], "release": None} == {**new["spec"], "release": None}
    assert "Gpuplane-Evidence: sha256:" in ready.git("log", "-1", "--format=%B", report["branch"])
    body = (tmp_path / "body.md").read_text()
    assert body.startswith("**PASS:** Promote support/assistant from staging to prod-eu\n")
    assert "| ✓ | approvals | `support/assistant` | 1 of 1: quality@\u200bexample.com" in body
    assert "| expected | 17 520.00 USD | 17 520.00 USD |" in body
    again = ready.run(*PROMOTE, *ready.drift())
    assert (again.exit_code, "there is a branch promote/staging-to-prod-eu/support-assistant-" in again.output) == (2, True)


def test_without_its_proofs_it_does_not_move_and_every_reason_is_said(walk: Walk) -> None:
    before = state_of(walk)
    found = walk.run(*PROMOTE, "--service", "support/assistant")

    assert found.exit_code == 1
    for said in ("? evaluations  support/assistant: nothing was evaluated of it in staging", "✗ approvals    support/assistant: 0 of 1: nobody",
                 "? drift        prod-eu: nobody looked", "✗ waves        wave 1 comes first: tickets/drafts",
                 "✓ soak         support/assistant: staging has had it for 1228.0 of 24 hours", "REFUSED: Promote support/assistant"):
        assert said in found.output, said
    assert state_of(walk) == before


def test_a_wave_moves_whole_and_alone(walk: Walk) -> None:
    found = walk.run(*PROMOTE, *walk.drift(), "--dry-run", "--format", "json")
    report = json.loads(found.stdout)

    assert [move["service"] for move in report["moves"]] == ["tickets/drafts"]
    assert [gate["said"] for gate in report["gates"] if gate["state"] == "waived"] == [
        "not evaluated: drafts only, and people read every one of them before it is sent"]
    assert report["notes"] == ["Also differing, and not moved: support/assistant."]
    assert [gate["gate"] for gate in report["gates"] if gate["state"] == "fail"] == ["approvals"]


def test_what_was_evaluated_is_not_what_would_run(ready: Walk) -> None:
    ready.replace(STAGING, "max_num_seqs: 128", "max_num_seqs: 256")
    ready.commit("More at once", "2026-11-20T10:00:00Z")
    found = ready.run(*PROMOTE, *ready.drift())

    assert found.exit_code == 1
    assert "release.vllm.arguments.max_num_seqs: evaluated 128, would run 256" in found.output
    assert "0 of 1: nobody" in found.output  # the approval was of another release
    assert "26.0 of 24 hours" in found.output


def test_a_rule_that_the_target_would_break_stops_it(ready: Walk) -> None:
    ready.replace(STAGING, "max_model_len: 8192", "max_model_len: 131072")
    ready.replace(STAGING, "gpu_memory_utilization: 0.9", "gpu_memory_utilization: 0.25")
    ready.commit("Longer", "2026-11-20T10:00:00Z")
    found = ready.run(*PROMOTE, *ready.drift())

    assert found.exit_code == 1
    assert f"✗ policy       {ready.environments}/{ASSISTANT}:" in found.output
    assert "QF-10" in found.output


def test_evidence_that_was_changed_is_no_evidence(ready: Walk) -> None:
    file = next(path for path in sorted((ready.environments / "evidence").glob("*.yaml")) if "kind: Evaluation" in path.read_text())
    file.write_text(file.read_text().replace("samples: 400", "samples: 4000"))
    ready.commit("Rounder", "2026-11-20T10:00:00Z")
    found = ready.run(*PROMOTE, *ready.drift())

    assert found.exit_code == 2
    assert f"{file.name}:1 metadata.name: was changed after it was written" in found.output


def test_a_killed_promotion_leaves_nothing(ready: Walk) -> None:
    before = state_of(ready)
    command = [sys.executable, "-m", "gpuplane", *PROMOTE, *ready.drift(), "--environments", str(ready.environments), "--now", NOW]
    for seconds in (0.6, 2.5):
        child = subprocess.Popen(command, cwd=ready.top, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(seconds)
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            assert state_of(ready) == before
    assert ready.git("fsck", "--connectivity-only", "--no-dangling") == ""


@pytest.mark.parametrize("at", ["tree_with", "new_commit"])
def test_a_step_that_fails_leaves_nothing(ready: Walk, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    before, real = state_of(ready), getattr(Repository, at)

    def fails(self: Repository, *arguments: object) -> None:
        real(self, *arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(Repository, at, fails)
    ready.run(*PROMOTE, *ready.drift())

    assert state_of(ready) == before


@pytest.mark.parametrize(("arguments", "words"), [
    (("promote", "--from", "prod-us", "--to", "prod-eu"), "releases of prod-eu come from staging, not from prod-us"),
    (("promote", "--from", "prod-eu", "--to", "staging"), "staging has no promotion: say where its releases come from"),
    (("promote", "--from", "staging", "--to", "prod"), 'there is no environment "prod"'),
    ((*PROMOTE, "--service", "support/none"), "support/none: staging has support/assistant, tickets/drafts"),
    ((*PROMOTE, "--onto", "nowhere"), "has no commit, branch or tag 'nowhere'"),
    ((*PROMOTE, "--looks", str(ROOT / "README.md")), "not a result of looking for drift"),
])
def test_wrong_input_is_said(walk: Walk, arguments: tuple[str, ...], words: str) -> None:
    found = walk.run(*arguments)

    assert (found.exit_code, words in found.output) == (2, True), found.output


@pytest.mark.parametrize("now", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31T23:59:59+00:00"])
@pytest.mark.parametrize("arguments", [PROMOTE, ("rollback", "prod-eu", "support/assistant")])
def test_a_moment_of_no_use_is_wrong_input(walk: Walk, arguments: tuple[str, ...], now: str) -> None:
    found = walk.run(*arguments, "--dry-run", "--now", now, now=None)

    assert (found.exit_code, "is of no year that ages are counted to; allowed: 1970 to 9998" in found.output) == (2, True), found.output


@pytest.mark.parametrize("now", ["1970-01-01T00:00:00+14:00", "9998-12-31T23:59:59-14:00"])
def test_the_first_moment_and_the_last_are_answered(walk: Walk, now: str) -> None:
    assert walk.run(*PROMOTE, "--dry-run", "--now", now, now=None).exit_code == 1


def test_a_repository_is_needed(tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    found = Walk(tmp_path).run(*PROMOTE)

    assert (found.exit_code, "git repository around it: a promotion is a commit" in found.output) == (2, True)


@pytest.mark.parametrize(("old", "new", "words"), [
    ("from: [staging]", "from: [nowhere]", 'environment.yaml:14 spec.promotion.from[0]: there is no environment "nowhere"; there are: prod-eu, prod-us, staging.'),
    ("from: [staging]", "from: [staging, prod-us]", "spec.promotion.from: the environments form a cycle: prod-eu → prod-us → prod-eu."),
    ("from: [staging]", "from: [prod-eu]", "spec.promotion.from: the environments form a cycle: prod-eu → prod-eu."),
    ("tenants: [tickets]", "tenants: [nobody]", 'spec.promotion.waves[0].tenants[0]: there is no tenant "nobody"; there are: support, tickets.'),
    ("        hours: 24", "        hours: 24\n      - tenants: [tickets]", "the tenant tickets is in two waves"),
    ("at_least: 0.7", "comment: 1", "comment"), ("soak_hours: 24", "soak_hours: 0", "spec.promotion.gates.soak_hours"),
])
def test_a_graph_without_sense_is_refused_where_it_is_written(walk: Walk, old: str, new: str, words: str) -> None:
    walk.replace("prod-eu/environment.yaml", old, new)
    found = walk.run("preview", "prod-eu", now=False)

    assert (found.exit_code, words in found.output) == (2, True), found.output
