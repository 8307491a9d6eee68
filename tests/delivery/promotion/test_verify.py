"""``gpuplane promote --verify``: a release that a branch brings came through the gates of what it is merged into."""

from __future__ import annotations

import json

import pytest

from gpuplane.delivery.promotion.promotion import CANARY
from gpuplane.planning.promotion.gate import GateResult
from tests.delivery.promotion.walk import Walk

ASSISTANT = "prod-eu/services/support/assistant.yaml"
VERIFY = ("promote", "--to", "prod-eu", "--verify", "main")


def test_a_promotion_is_let_pass_by_who_merges_it(ready: Walk) -> None:
    branch = json.loads(ready.run("promote", "--from", "staging", "--to", "prod-eu", *ready.drift(), "--format", "json").stdout)["branch"]
    found = ready.run(*VERIFY, "--onto", branch, *ready.drift())
    without = ready.run(*VERIFY, "--onto", branch)

    assert found.exit_code == 0, found.output
    assert (without.exit_code, "? drift        prod-eu: nobody looked" in without.output) == (1, True)


def test_a_release_written_by_hand_is_refused(ready: Walk) -> None:
    ready.git("checkout", "-qb", "by-hand")
    ready.replace(ASSISTANT, "max_num_seqs: 64", "max_num_seqs: 96")
    ready.commit("Just this once", "2026-11-21T10:00:00Z")
    found = ready.run(*VERIFY, *ready.drift())

    assert found.exit_code == 1
    assert "✗ origin       support/assistant: the release is not that of staging" in found.output


def test_a_branch_cannot_open_its_own_gate(ready: Walk) -> None:
    ready.git("checkout", "-qb", "by-hand")
    ready.replace("prod-eu/environment.yaml", "at_least: 0.7", "at_least: 0.1")
    ready.replace("staging/services/support/assistant.yaml", "max_num_seqs: 128", "max_num_seqs: 96")
    ready.copy("staging/services/support/assistant.yaml", ASSISTANT)
    ready.commit("Just this once", "2026-11-21T10:00:00Z")
    found = ready.run(*VERIFY, *ready.drift())

    assert found.exit_code == 1
    assert "✗ origin       support/assistant: the release is not that of staging" in found.output


def test_a_branch_cannot_bring_its_own_past(ready: Walk) -> None:
    ready.git("checkout", "-qb", "by-hand")
    ready.replace("staging/services/support/assistant.yaml", "max_num_seqs: 128", "max_num_seqs: 96")
    ready.commit("Since long ago", "2026-10-01T09:00:00Z")
    ready.git("branch", "-f", "main", "HEAD~1")
    ready.copy("staging/services/support/assistant.yaml", ASSISTANT)
    ready.commit("Just this once", "2026-11-21T10:00:00Z")
    assert ready.run(*VERIFY, *ready.drift()).exit_code == 1

    ready.git("branch", "-f", "main", "HEAD~1")  # merged: it counts from the commit that it was built on
    found = ready.run(*VERIFY, *ready.drift())
    assert "✓ soak         support/assistant: staging has had it for 27.0 of 24 hours" in found.output
    assert "release.vllm.arguments.max_num_seqs: evaluated 128, would run 96" in found.output


def test_a_later_wave_does_not_pass_one_that_waits_because_the_branch_leaves_it_out(ready: Walk) -> None:
    ready.replace("staging/services/tickets/drafts.yaml", "max_num_seqs: ", "max_num_seqs: 1")
    ready.commit("Drafts go on in staging", "2026-11-20T10:00:00Z")
    ready.git("checkout", "-qb", "by-hand")
    ready.copy("staging/services/support/assistant.yaml", ASSISTANT)
    ready.commit("The assistant first", "2026-11-21T10:00:00Z")
    found = ready.run(*VERIFY, *ready.drift())

    assert found.exit_code == 1
    assert "✗ waves        wave 1 comes first: tickets/drafts" in found.output


def test_a_canary_that_the_branch_itself_ends_is_not_in_its_way(ready: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base still has it under way: that is whose release the branch takes over."""
    way = [GateResult(CANARY, "support/assistant", "fail", "a canary is under way"), GateResult("soak", "support/assistant", "pass", "long")]
    monkeypatch.setattr("gpuplane.delivery.promotion.verification.gate_results", lambda *_: iter(way))
    ready.copy("staging/services/support/assistant.yaml", ASSISTANT)
    ready.commit("The canary is over", "2026-11-21T11:00:00Z")
    found = ready.run("promote", "--to", "prod-eu", "--verify", "main~1")

    assert found.exit_code == 0, found.output
    assert "✓ soak" in found.output


def test_a_way_back_is_let_pass(ready: Walk) -> None:
    ready.replace(ASSISTANT, "max_num_seqs: 64", "max_num_seqs: 96")
    ready.commit("Long ago", "2026-11-20T10:00:00Z")
    ready.git("checkout", "-qb", "back")
    ready.replace(ASSISTANT, "max_num_seqs: 96", "max_num_seqs: 64")
    ready.commit("Back", "2026-11-21T10:00:00Z")
    found = ready.run(*VERIFY)

    assert found.exit_code == 0, found.output
    assert "– history      support/assistant: it ran here before" in found.output


def test_what_moves_no_release_passes_at_once(ready: Walk) -> None:
    ready.git("checkout", "-qb", "room")
    ready.replace(ASSISTANT, "max_replicas: 2", "max_replicas: 3")
    ready.commit("Room", "2026-11-21T10:00:00Z")

    assert ready.run(*VERIFY).exit_code == 0


def test_one_of_both_is_asked_for(ready: Walk) -> None:
    assert "Give --from ENV, or --verify REF" in ready.run("promote", "--to", "prod-eu").output
    assert "leave --service and --branch out" in ready.run(*VERIFY, "--service", "support/assistant").output
