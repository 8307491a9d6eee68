"""``gpuplane promote``: releases move when every gate holds, and the work tree never changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.delivery.promotion.walk import Walk, approved, begun, evaluated, moved_tickets

PROMOTE = ("promote", "--from", "staging", "--to", "prod-eu")
ASSISTANT = "prod-eu/services/support/assistant.yaml"


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    return begun(tmp_path)


@pytest.fixture
def ready(walk: Walk) -> Walk:
    return approved(evaluated(moved_tickets(walk)))


def test_a_release_moves_and_nothing_else_does(ready: Walk) -> None:
    before, text = ready.git("status", "--porcelain"), (ready.environments / ASSISTANT).read_text()
    (ready.environments / ASSISTANT).write_text(text + "# half an idea\n")
    found = ready.run(*PROMOTE, *ready.drift(), "--format", "json")

    assert found.exit_code == 0, found.output
    report = json.loads(found.stdout)
    assert {gate["state"] for gate in report["gates"]} == {"pass"}
    assert (ready.environments / ASSISTANT).read_text() == text + "# half an idea\n"
    assert before == ""
    assert ready.git("rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert ready.git("diff", "--name-only", "main", report["branch"]) == f"environments/{ASSISTANT}"
    moved = ready.git("show", f"{report['branch']}:environments/{ASSISTANT}")
    assert "      version: 0.31.0                 # the release that has run since spring" in moved
    assert "max_num_seqs: 128" in moved
    assert "# Below is what belongs to the environment: it stays." in moved
    old, new = yaml.safe_load(text), yaml.safe_load(moved)
    staging = yaml.safe_load((ready.environments / ASSISTANT.replace("prod-eu", "staging")).read_text())
    assert new["spec"]["release"] == staging["spec"]["release"]
    assert {**old["spec"], "release": None} == {**new["spec"], "release": None}
    assert "Gpuplane-Evidence: sha256:" in ready.git("log", "-1", "--format=%B", report["branch"])
    again = ready.run(*PROMOTE, *ready.drift())
    assert again.exit_code == 2
    assert "there is a branch" in again.output
