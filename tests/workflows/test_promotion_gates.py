"""The gates of promotion in the binding verdict of GitHub's workflow and GitLab's template, with the example of three environments."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gpuplane.delivery.audit import AuditEvent, AuditLog, Who
from gpuplane.delivery.audit.chain import read_chain
from gpuplane.delivery.audit_command import audit_json
from gpuplane.delivery.golden_path.starter_files import starter_files
from gpuplane.planning.promotion.releases import moved, release_digest
from gpuplane.spec.loader import load_environment
from tests.delivery.promotion.walk import Walk, approved, begun, evaluated, moved_tickets
from tests.workflows.runner import Place, Ran, answer, calls, git, put_gpuplane, run_job
from tests.workflows.test_gitlab_template import _request, _run
from tests.workflows.test_judge_workflow import _edit, _pull_request

ASSISTANT = Path("environments/prod-eu/services/support/assistant.yaml")
GH = f"""#!{sys.executable}
# Answers the two questions about artifacts from files in this folder, and notes what was asked.
import sys
from pathlib import Path
here, asked = Path(__file__).resolve().parent, sys.argv[2]
with (here / "gh.txt").open("a") as notes:
    notes.write(asked + "\\n")
name = "artifacts.json" if "?name=" in asked else asked.split("/")[-2] + ".zip"
sys.stdout.buffer.write((here / name).read_bytes())
"""
Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """The example evaluated, approved and with its first wave done, and the promotion of the rest on a branch."""
    kept = {name: os.environ.pop(name, None) for name in ("GPUPLANE_AUDIT", "PULUMI_BACKEND_URL")}
    walk = approved(evaluated(moved_tickets(begun(tmp_path_factory.mktemp("walked")))))
    done = walk.run("promote", "--from", "staging", "--to", "prod-eu", *walk.drift(), "--branch", "promoted")
    os.environ.update({name: value for name, value in kept.items() if value is not None})
    assert done.exit_code == 0, done.output
    return walk


@pytest.fixture
def place(walked: Walk, tmp_path: Path) -> Place:
    git(tmp_path, "clone", "-q", "--bare", str(walked.top), "origin.git")
    put_gpuplane(tmp_path / "commands")
    (tmp_path / "commands/gh").write_text(GH)
    (tmp_path / "commands/gh").chmod(0o755)
    (tmp_path / "commands/artifacts.json").write_text('{"artifacts": []}')
    return Place(tmp_path, tmp_path / "origin.git", tmp_path / "commands")


def _promoted(folder: Path) -> None:
    git(folder, "checkout", "-q", "origin/promoted", "--", str(ASSISTANT))


def _by_hand(folder: Path) -> None:
    _edit(folder, ASSISTANT, "max_num_seqs: 64", "max_num_seqs: 96")


def _of_staging(folder: Path) -> None:
    _edit(folder, Path(str(ASSISTANT).replace("prod-eu", "staging")), "max_num_seqs: 128", "max_num_seqs: 96")


def _looks(tmp_path: Path, environment: str, *drifted: str) -> str:
    """What the audit of an environment prints about drift."""
    log = AuditLog(str(tmp_path / f"audit-{len(list(tmp_path.glob('audit-*')))}"))
    result = "found" if drifted else "none"
    log.append(AuditEvent("drift", environment, "", result, detail={"objects": [{"object": each} for each in drifted], "whole": True}),
               Who("a", "local", "none"), datetime(2026, 11, 21, 6, tzinfo=UTC))
    chain = read_chain(environment, log.lines(environment), ())
    return audit_json(chain, chain.records)


def _applied(tmp_path: Path, walk: Walk, environment: str, result: str) -> str:
    """What the audit of an environment prints about an apply of all that its files say."""
    log = AuditLog(str(tmp_path / f"audit-{len(list(tmp_path.glob('audit-*')))}"))
    services = load_environment(walk.environments, environment).services
    releases = {name: release_digest(moved(entry.document.spec)) for name, entry in services.items()}
    log.append(AuditEvent("apply", environment, "", "done", detail={"stacks": {"tenants": {"result": result, "services": releases}}}),
               Who("a", "local", "none"), datetime(2026, 11, 21, 6, tzinfo=UTC))
    chain = read_chain(environment, log.lines(environment), ())
    return audit_json(chain, chain.records)


def _judged(place: Place, change: Change) -> Ran:
    _, contexts = _pull_request(place, change)
    contexts["github"]["event"]["repository"] = {"default_branch": "main"}
    return run_job(place, "judge", "judge", contexts)


def _judged_alone(place: Place, change: Change) -> Ran:
    """The same by the workflow that ``gpuplane init`` writes."""
    (place.folder / "judge.yaml").write_text(starter_files("acme", "github")[".github/workflows/judge.yaml"])
    _, contexts = _pull_request(place, change)
    contexts["github"]["event"]["pull_request"]["base"] = {"sha": contexts["github"]["sha"]}
    return run_job(place, str(place.folder / "judge"), "judge", contexts)


def _artifacts(place: Place, *found: tuple[int, str, dict[str, Any]]) -> None:
    """Artifacts as GitHub lists them: id, text of the one file in it, and what is unusual."""
    listed = []
    for number, text, more in found:
        run = {"repository_id": 1, "head_repository_id": 1, "head_branch": "main", **more.pop("run", {})}
        listed.append({"id": number, "created_at": f"2026-11-21T06:{number:02}:00Z", "expired": False, "workflow_run": run, **more})
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as packed:
            packed.writestr(f"looks-{json.loads(text)['environment']}.json", text)
        (place.commands / f"{number}.zip").write_bytes(content.getvalue())
    (place.commands / "artifacts.json").write_text(json.dumps({"artifacts": listed}))


def _verdicts(place: Place) -> dict[str, str]:
    return {file.parent.name: json.loads(file.read_text())["verdict"] for file in (place.artifacts / "verdict").glob("*/plan.json")}


@pytest.mark.parametrize(("change", "status"), [(_by_hand, 1), (_of_staging, 0)])
def test_the_workflow_of_a_new_repository_asks_the_gates_too(place: Place, change: Change, status: int) -> None:
    ran = _judged_alone(place, change)

    assert ran.status == status, ran.log
    assert ("the gate origin of" in ran.summary) == bool(status)
    assert "::stop-commands::" in ran.log


def test_a_release_written_by_hand_into_an_environment_with_gates_is_refused(place: Place) -> None:
    ran = _judged(place, _by_hand)

    assert ran.status == 1
    assert _verdicts(place) == {"prod-eu": "fail", "prod-us": "pass", "staging": "pass"}
    assert "the gate origin of" in ran.summary
    assert "the release is not that of staging at" in (place.artifacts / "verdict/prod-eu/report.md").read_text()
    assert len((place.commands / "gh.txt").read_text().splitlines()) == 3  # nothing was found, and one question an environment


def test_a_promotion_passes_where_what_the_night_saw_is_there_and_no_drift_of_a_fork_s_counts(place: Place, tmp_path: Path) -> None:
    seen = [_looks(tmp_path, name) for name in ("staging", "prod-eu")]
    drifted = _looks(tmp_path, "prod-eu", "Job x")
    # The same name brings one artifact for all environments here; each holds a file of its own.
    _artifacts(place, (1, drifted, {}), (2, seen[1], {}), (3, drifted, {"run": {"head_repository_id": 2}}),
               (4, drifted, {"run": {"head_branch": "change"}}), (5, drifted, {"expired": True}), (6, drifted, {"workflow_run": None}))
    _, contexts = _pull_request(place, _promoted)
    contexts["github"]["event"]["repository"] = {"default_branch": "main"}

    alone = run_job(place, "judge", "judge", contexts)
    assert (alone.status, _verdicts(place)["prod-eu"]) == (1, "unknown")
    assert "staging: nobody looked" in alone.summary
    assert {line.split("/")[-2] for line in (place.commands / "gh.txt").read_text().splitlines() if line.endswith("/zip")} == {"2"}

    shutil.rmtree(place.artifacts)
    both = io.BytesIO()
    with zipfile.ZipFile(both, "w") as packed:
        packed.writestr("looks-staging.json", seen[0])
        packed.writestr("looks-prod-eu.json", seen[1])
    (place.commands / "2.zip").write_bytes(both.getvalue())
    ran = run_job(place, "judge", "judge", contexts)

    assert ran.status == 0, ran.log
    assert _verdicts(place) == {"prod-eu": "pass", "prod-us": "pass", "staging": "pass"}


def test_what_up_has_kept_answers_the_gate_that_asks_what_was_applied(place: Place, walked: Walk, tmp_path: Path) -> None:
    main = tmp_path / "main"
    git(tmp_path, "clone", "-q", str(place.origin), str(main))
    _edit(main, Path("environments/prod-eu/environment.yaml"), "no_drift: {max_age_hours: 24}", "applied: true")
    git(main, "commit", "-qam", "Ask what was applied")
    git(main, "push", "-q", "origin", "HEAD:main")
    kept = {name: _applied(tmp_path, walked, name, "applied") for name in ("staging", "prod-eu")}
    failed = _applied(tmp_path, walked, "staging", "failed")
    _, contexts = _pull_request(place, _promoted)
    contexts["github"]["event"]["repository"] = {"default_branch": "main"}
    found: list[str] = []
    for staging in (failed, kept["staging"]):
        _artifacts(place, (1, staging, {}))
        with zipfile.ZipFile(place.commands / "1.zip", "a") as packed:  # one artifact answers for all environments here
            packed.writestr("looks-prod-eu.json", kept["prod-eu"])
        shutil.rmtree(place.artifacts, ignore_errors=True)
        ran = run_job(place, "judge", "judge", contexts)
        found.append(_verdicts(place)["prod-eu"])
        assert ran.status == (found[-1] != "pass"), ran.log
        assert ("staging: the last apply of it" in ran.summary) == (staging == failed)

    assert found == ["fail", "pass"]


def test_gitlab_s_verdict_asks_them_too(place: Place, tmp_path: Path) -> None:
    refused = _run(place, "gpuplane-judge", **_request(place, _by_hand))
    assert (refused.status, _verdicts(place)["prod-eu"]) == (1, "fail")
    assert "JU-03: Promotion into prod-eu: the gate origin of" in refused.log

    shutil.rmtree(place.artifacts)
    shutil.rmtree(place.folder / "fork")
    git(place.origin, "update-ref", "-d", "refs/merge-requests/7/head")
    for name in ("staging", "prod-eu"):
        answer(place.commands, "audit", 0, _looks(tmp_path, name))
        assert _run(place, "gpuplane-looks", ENVIRONMENT=name, AWS_ID_TOKEN="not-a-token").status == 0
    asked = calls(place.commands)[-1]["arguments"]
    assert asked[:10] == ["audit", "prod-eu", "--environments", "environments", *("--kind", "drift", "--kind", "apply", "--kind", "destroy")]

    passed = _run(place, "gpuplane-judge", **_request(place, _promoted))

    assert passed.status == 0, passed.log
    assert _verdicts(place)["prod-eu"] == "pass"


def test_the_description_of_a_promotion_s_merge_request_is_the_report_of_its_gates(place: Place) -> None:
    git(place.origin, "config", "receive.advertisePushOptions", "true")
    hook = place.origin / "hooks/pre-receive"
    hook.write_text(f"#!/bin/sh\nenv | grep ^GIT_PUSH_OPTION_ > {place.folder}/options\n")
    hook.chmod(0o755)
    report = "**PASS:** Promote\n\n| gate | found |\n| soak | C:\\new /merge ä |\n" + "x" * 50_000
    command = place.commands / "gpuplane"
    command.write_text(command.read_text().replace("answer = here", f"""given = dict(zip(sys.argv, sys.argv[1:]))
Path(given["--body"]).write_text({report!r})
os.execvp("git", ["git", "branch", given["--branch"]])
answer = here"""))

    ran = _run(place, "gpuplane-promote", PROMOTE_FROM="staging", PROMOTE_TO="prod-eu", GPUPLANE_TOKEN="not-a-token")

    assert ran.status == 0, ran.log
    (given,) = (line.partition("=merge_request.description=")[2] for line in (place.folder / "options").read_text().splitlines()
                if "description" in line)
    assert given.startswith("**PASS:** Promote\\n\\n| gate | found |\\n| soak | C:&#92;new /merge ä |\\nxxx")
    assert given.endswith("xxx\\n\\n… All of it is in https://git.example.com/p/5.")
    assert 40_000 < len(given.encode()) < 41_000
    assert subprocess.run(["git", "rev-parse", "promote/prod-eu-5"], cwd=place.origin, check=False, capture_output=True).returncode == 0
