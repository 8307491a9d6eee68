"""``gpuplane rollback``: back to what ran before, by git's history, and not up again by accident."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.delivery.promotion.walk import Walk

ASSISTANT, DRAFTS = (f"prod-eu/services/{name}.yaml" for name in ("support/assistant", "tickets/drafts"))
PROMOTE = ("promote", "--from", "staging", "--to", "prod-eu")


@pytest.fixture
def promoted(ready: Walk) -> Walk:
    """The assistant has moved, and afterwards its scaling has changed."""
    branch = json.loads(ready.run(*PROMOTE, *ready.drift(), "--format", "json").stdout)["branch"]
    ready.git("merge", "-q", "--no-ff", "-m", "Merge the promotion", branch, at="2026-11-21T12:30:00Z")
    ready.replace(ASSISTANT, "max_replicas: 2", "max_replicas: 3")
    ready.commit("Room for the evening", "2026-11-21T12:40:00Z")
    return ready


def version_of(text: str) -> tuple[str, int]:
    spec = yaml.safe_load(text)["spec"]
    return spec["release"]["vllm"]["version"], spec["scaling"]["max_replicas"]


def test_a_service_goes_back_in_one_commit_and_keeps_what_belongs_to_the_environment(promoted: Walk) -> None:
    found = promoted.run("rollback", "prod-eu", "support/assistant", "--format", "json")
    report = json.loads(found.stdout)

    assert found.exit_code == 0, found.output
    assert promoted.git("rev-list", "--count", f"main..{report['branch']}") == "1"
    assert version_of(promoted.git("show", f"{report['branch']}:environments/{ASSISTANT}")) == ("0.30.0", 3)
    assert [gate["gate"] for gate in report["gates"] if gate["state"] == "pass"] == ["policy"]
    assert {gate["gate"] for gate in report["gates"] if gate["state"] == "waived"} == {
        "evaluations", "soak", "approvals", "drift", "cost", "waves"}
    promoted.git("merge", "-q", "--no-ff", "-m", "Back", report["branch"], at="2026-11-21T12:50:00Z")
    again = promoted.run(*PROMOTE, *promoted.drift())
    assert again.exit_code == 1
    assert "✗ history      support/assistant: this release was rolled back in prod-eu by" in again.output
    assert "✗ history" not in promoted.run(*PROMOTE, *promoted.drift(), "--again", "--dry-run").output


@pytest.mark.parametrize(("to", "services"), [
    ([], ["support/assistant"]), (["--to", "2026-10-15"], ["support/assistant", "tickets/drafts"]), (["--to", "HEAD~1"], [])])
def test_an_environment_goes_back_as_a_whole(promoted: Walk, to: list[str], services: list[str]) -> None:
    found = promoted.run("rollback", "prod-eu", *to, "--dry-run", "--format", "json")

    assert found.exit_code == 0, found.output
    assert [move["service"] for move in json.loads(found.stdout)["moves"]] == services


def test_fit_and_budget_are_asked_of_a_way_back_too(promoted: Walk) -> None:
    promoted.replace("prod-eu/environment.yaml", "budget_usd_per_month: 20000", "budget_usd_per_month: 100")
    promoted.commit("Poor", "2026-11-21T12:45:00Z")
    found = promoted.run("rollback", "prod-eu", "support/assistant")

    assert found.exit_code == 1
    assert "CB-01" in found.output


@pytest.mark.parametrize(("arguments", "words"), [
    (("support/assistant", "--to", "2026-09-01"), "has no release at 2026-09-01; it had: "),
    (("support/assistant", "--to", "nowhere"), "has no commit, branch or tag 'nowhere'"),
    (("support/none",), "support/none: prod-eu has support/assistant, tickets/drafts"),
])
def test_where_there_is_no_way_back_it_is_said(promoted: Walk, arguments: tuple[str, ...], words: str) -> None:
    found = promoted.run("rollback", "prod-eu", *arguments)

    assert (found.exit_code, words in found.output) == (2, True), found.output


def test_one_release_alone_has_no_way_back(walk: Walk) -> None:
    found = walk.run("rollback", "prod-us", "support/assistant")

    assert (found.exit_code, "has had one release alone by git's history: there is no way back" in found.output) == (2, True)
