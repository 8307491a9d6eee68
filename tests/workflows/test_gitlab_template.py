"""GitLab's template: every job's script runs here, in bash, as GitLab's runner would; `before_script` installs, and does not."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from gpuplane.delivery.audit import AuditEvent, AuditLog
from tests.workflows.conftest import commit
from tests.workflows.runner import ROOT, Place, Ran, answer, calls, git
from tests.workflows.test_judge_workflow import SERVICE, _hostile, _remark, _too_many
from tests.workflows.test_workflows_are_sound import vendored

HEADER, _ = yaml.safe_load_all((ROOT / ".gitlab/gpuplane.yaml").read_text(encoding="utf-8"))
GIVEN = {"names": ["team"]}
CURL = """#!/bin/sh
printf '%s\\n' "$@" >> "$(dirname "$0")/curl.txt"
for each in "$@"; do case "$each" in @*) cat "${each#@}" >> "$(dirname "$0")/header.txt";; esac; done
"""


def _template() -> dict[str, Any]:
    """The jobs with the inputs put in; a list stands for itself."""
    text = (ROOT / ".gitlab/gpuplane.yaml").read_text(encoding="utf-8").split("\n---\n", 1)[1]
    values = {name: GIVEN.get(name, of.get("default")) for name, of in HEADER["spec"]["inputs"].items()}
    used = set(re.findall(r"\$\[\[ inputs\.(\w+) \]\]", text))
    assert used == set(values)
    found: dict[str, Any] = yaml.safe_load(re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda match: json.dumps(values[match[1]]), text))
    return found


JOBS = [name for name, job in _template().items() if isinstance(job, dict) and "script" in job]


def _run(place: Place, job: str, ref: str = "main", **variables: str) -> Ran:
    count = len(list(place.folder.glob("gitlab-*")))
    work = place.folder / f"gitlab-{count}" / "platform"
    work.parent.mkdir()
    git(place.folder, "clone", "-q", "--branch", ref, f"file://{place.origin}", str(work))
    if place.artifacts.exists():
        subprocess.run(["cp", "-r", f"{place.artifacts}/.", str(work)], check=True)
    head = git(work, "rev-parse", "HEAD")
    known = {"PATH": f"{place.commands}:/usr/local/bin:/usr/bin:/bin", "HOME": str(work.parent), "LANG": "C.UTF-8", "GITLAB_CI": "true",
             "CI_PROJECT_DIR": str(work), "CI_COMMIT_SHA": head, "CI_DEFAULT_BRANCH": "main", "CI_PIPELINE_ID": "5", "CI_PROJECT_ID": "3",
             "CI_SERVER_HOST": "git.example.com", "CI_SERVER_URL": "https://git.example.com", "CI_PROJECT_URL": f"file://{str(place.origin)[:-4]}",
             "CI_API_V4_URL": "https://git.example.com/api/v4", "CI_PIPELINE_URL": "https://git.example.com/p/5", "ENVIRONMENTS": "environments",
             **place.variables, **variables}
    script = "\n".join(_template()[job]["script"])
    done = subprocess.run(["bash", "--noprofile", "--norc", "-c", script], cwd=work, env=known, capture_output=True, text=True, check=False,
                          timeout=300)
    for path in _template()[job].get("artifacts", {}).get("paths", ()):
        if (work / path).exists():
            place.artifacts.mkdir(exist_ok=True)
            subprocess.run(["cp", "-r", str(work / path), str(place.artifacts)], check=True)
    return Ran(done.returncode, {}, done.stdout + done.stderr)


def test_the_template_is_one_by_gitlab_s_schema() -> None:
    schema = jsonschema.Draft7Validator(vendored("gitlab-ci"))
    schema.validate(_template())
    schema.validate(HEADER)


def test_only_what_needs_them_has_a_token_or_an_identity() -> None:
    template = _template()
    tokens = [name for name in JOBS if "GPUPLANE_TOKEN" in json.dumps(template[name])]
    assert tokens == ["gpuplane-comment", "gpuplane-promote"]
    assert all(template[name]["environment"]["name"] == name for name in tokens)
    assert [name for name in JOBS if template[name]["extends"] == ".gpuplane-state"] == ["gpuplane-looks", "gpuplane-up", "gpuplane-drift"]
    for name in ("gpuplane-judge", "gpuplane-comment"):
        assert all("$CI_COMMIT_REF_NAME == $CI_DEFAULT_BRANCH" in rule["if"] for rule in template[name]["rules"])
    assert template[".gpuplane-state"]["resource_group"] == "gpuplane-$ENVIRONMENT"


def test_what_the_documentation_includes_is_what_the_template_takes() -> None:
    page = (ROOT / "docs/continuous-integration.md").read_text(encoding="utf-8")
    caller = yaml.safe_load(re.findall(r"```yaml\n(# \.gitlab-ci.*?)```", page, re.DOTALL)[0])
    (include,) = caller["include"]
    assert (ROOT / include["file"].lstrip("/")).exists()
    assert set(include["inputs"]) <= set(HEADER["spec"]["inputs"])


def _request(place: Place, change: Any, **payload: Any) -> dict[str, str]:
    """A merge request, and the webhook's payload about it."""
    fork = place.folder / "fork"
    git(place.folder, "clone", "-q", str(place.origin), str(fork))
    git(fork, "checkout", "-q", "-b", "change")
    change(fork)
    head = commit(fork, "change")
    git(fork, "push", "-q", str(place.origin), "HEAD:refs/merge-requests/7/head")
    event = {"object_kind": "merge_request", "object_attributes": {
        "iid": 7, "last_commit": {"id": head}, "target_branch": "main", "title": "$(touch $MARK)", **payload}}
    file = place.folder / "payload.json"
    file.write_text(json.dumps(event))
    return {"TRIGGER_PAYLOAD": str(file)}


def _comment(place: Place) -> Ran:
    (place.commands / "curl").write_text(CURL)
    (place.commands / "curl").chmod(0o755)
    return _run(place, "gpuplane-comment", GPUPLANE_TOKEN="not-a-token")


def test_a_good_request_succeeds_and_is_posted(place: Place) -> None:
    variables = _request(place, _remark)

    assert _run(place, "gpuplane-judge", **variables).status == 0
    assert _comment(place).status == 0

    assert "state=success" in (place.commands / "curl.txt").read_text().splitlines()
    assert (place.commands / "header.txt").read_text() == "PRIVATE-TOKEN: not-a-token\n"
    asked = calls(place.commands)[-1]
    assert asked["arguments"] == ["comment", "verdict/team", "--report-url", "https://git.example.com/p/5", "--post", "gitlab", "--number", "7"]


def test_nothing_of_a_fork_runs_and_its_failure_is_posted(place: Place) -> None:
    place.variables["MARK"] = str(place.folder / "mark")

    def change(folder: Path) -> None:
        _too_many(folder)
        _hostile(folder)

    assert _run(place, "gpuplane-judge", **_request(place, change)).status == 1
    assert _comment(place).status == 0

    assert not (place.folder / "mark").exists()
    assert json.loads((place.artifacts / "verdict/team/plan.json").read_text())["verdict"] == "fail"
    assert "state=failed" in (place.commands / "curl.txt").read_text().splitlines()


@pytest.mark.parametrize("payload", [
    {"iid": "7; touch x"}, {"iid": -7}, {"target_branch": "other"}, {"last_commit": {"id": "main"}}, {"last_commit": {"id": "f" * 40}},
    {"last_commit": 3}])
def test_what_is_no_such_request_is_not_judged(place: Place, payload: dict[str, Any]) -> None:
    assert _run(place, "gpuplane-judge", **_request(place, _remark, **payload)).status != 0
    assert calls(place.commands) == []


@pytest.mark.parametrize(("file", "text"), [("merge-request", "7/notes"), ("commit", "../x"), ("state", "success\nfailed")])
def test_nothing_is_posted_where_it_says_what_it_cannot(place: Place, file: str, text: str) -> None:
    verdict = place.artifacts / "verdict"
    verdict.mkdir(parents=True)
    for name, value in {"merge-request": "7", "commit": "a" * 40, "state": "success", file: text}.items():
        (verdict / name).write_text(f"{value}\n")

    assert _comment(place).status != 0
    assert not (place.commands / "curl.txt").exists()


def test_a_preview_says_what_is_wrong_in_the_merge_request(place: Place) -> None:
    before = git(place.origin, "rev-parse", "main")
    seed = place.folder / "seed"
    _too_many(seed)
    commit(seed, "change")
    git(seed, "push", "-q", str(place.origin), "HEAD:refs/heads/change")
    answer(place.commands, "annotations", 0, "[1]\n")

    assert _run(place, "gpuplane-preview", ref="change", CI_MERGE_REQUEST_DIFF_BASE_SHA=before).status == 1

    assert (place.artifacts / "gpuplane-report/quality.json").read_text() == "[1]\n"
    assert (place.artifacts / "gpuplane-report/team/report.html").exists()


def test_after_a_merge_it_is_planned_and_applied(place: Place) -> None:
    backend = place.folder / "state"
    from datetime import UTC, datetime

    from gpuplane.delivery.audit import Who

    AuditLog(str(backend)).append(AuditEvent("plan", "team", "", "pass"), Who("a", "local", "none"), datetime(2026, 11, 21, tzinfo=UTC))
    answer(place.commands, "approve", 0, "")

    planned = _run(place, "gpuplane-plan", ENVIRONMENT="team", CI_COMMIT_BEFORE_SHA="0" * 40)
    applied = _run(place, "gpuplane-up", ENVIRONMENT="team", AWS_ID_TOKEN="not-a-token", PULUMI_BACKEND_URL=f"file://{backend}")

    assert planned.status == 0, planned.log
    assert applied.status == 0, applied.log
    assert "anchor: 1@sha256:" in applied.log
    asked = [call["arguments"] for call in calls(place.commands) if call["arguments"][0] == "up"][-1]
    assert asked == ["up", "team", "--environments", "environments", "--approved", "plan/team/approval.json", "--resume", "--runs", "runs"]


def test_a_commit_that_is_not_the_newest_any_more_is_not_applied(place: Place) -> None:
    git(place.origin, "branch", "old", "main")
    seed = place.folder / "seed"
    _remark(seed)
    commit(seed, "newer")
    git(seed, "push", "-q", str(place.origin), "HEAD:main")

    ran = _run(place, "gpuplane-up", ref="old", ENVIRONMENT="team", AWS_ID_TOKEN="not-a-token", PULUMI_BACKEND_URL="file:///nowhere")

    assert ran.status == 0, ran.log
    assert calls(place.commands) == []


@pytest.mark.parametrize("status", [0, 1])
def test_drift_fails_the_job(place: Place, status: int) -> None:
    answer(place.commands, "drift", status, "")

    assert _run(place, "gpuplane-drift", ENVIRONMENT="team", AWS_ID_TOKEN="not-a-token").status == status


def test_a_promotion_is_pushed_with_the_wish_for_a_merge_request(place: Place) -> None:
    git(place.origin, "config", "receive.advertisePushOptions", "true")
    command = place.commands / "gpuplane"
    command.write_text(command.read_text().replace(
        "answer = here", "if sys.argv[1] == 'promote':\n    Path(sys.argv[sys.argv.index('--body') + 1]).write_text('PASS')\n    os.execvp('git', ['git', 'branch', sys.argv[sys.argv.index('--branch') + 1]])\nanswer = here"))

    ran = _run(place, "gpuplane-promote", PROMOTE_FROM="dev", PROMOTE_TO="team", GPUPLANE_TOKEN="not-a-token")

    assert ran.status == 0, ran.log
    assert git(place.origin, "rev-parse", "promote/team-5") == git(place.origin, "rev-parse", "main")


def test_every_job_is_run_here() -> None:
    text = "".join(Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8") for name in ("test_gitlab_template", "test_promotion_gates"))
    assert [name for name in JOBS if f'"{name}"' not in text] == []
    assert SERVICE
