"""The other workflows' jobs, step by step: preview, comment, up, drift, promote and release."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gpuplane.delivery.audit import AuditEvent, AuditLog, who_runs_this
from tests.workflows.conftest import commit
from tests.workflows.runner import ROOT, WORKFLOWS, Place, Ran, answer, calls, git, load, run_job
from tests.workflows.test_judge_workflow import _contexts, _remark, _too_many

INPUTS = {"environments": "environments", "requirements": "requirements.txt"}
EVENT = {"repository": {"default_branch": "main"}}


def _run(place: Place, workflow: str, job: str, **contexts: Any) -> Ran:
    github = {"token": "not-a-token", "server_url": "https://git.example.com", "repository": "acme/platform", "run_attempt": 1, "run_id": 7,
              "event": EVENT, **contexts.pop("github", {})}
    return run_job(place, workflow, job, {"github": github, "inputs": {**INPUTS, **contexts.pop("inputs", {})}, **contexts})


def _asked(place: Place, command: str) -> list[str]:
    """Arguments of the last call of a command."""
    found = [call["arguments"] for call in calls(place.commands) if call["arguments"][0] == command]
    assert found, f"{command} was not called"
    return found[-1]


def test_a_preview_is_listed_shown_and_kept(place: Place) -> None:
    seed = place.folder / "seed"
    _too_many(seed)
    commit(seed, "too many")
    git(seed, "push", "-q", str(place.origin), "HEAD:refs/heads/change")
    contexts = {"github": {"base_ref": "main"}, "inputs": INPUTS}

    listed = run_job(place, "preview", "environments", contexts, ref="change")
    assert (listed.status, listed.outputs) == (0, {"names": '["team"]'})
    ran = run_job(place, "preview", "preview", {**contexts, "matrix": {"environment": "team"}}, ref="change")

    assert ran.status == 1
    assert "QF-" in ran.summary
    assert (place.artifacts / "preview-team/report.html").exists()


def _commented(place: Place) -> Ran:
    return _run(place, "comment", "comment", github={"event": {"workflow_run": {"id": 99}}})


@pytest.mark.parametrize(("file", "text"), [
    ("pull-request", "7 --post gitlab"), ("pull-request", "-1"), ("pull-request", ""), ("pull-request", "7\nnumber=8"), ("merge-commit", "x")])
def test_a_number_that_is_none_is_posted_to_nobody(place: Place, file: str, text: str) -> None:
    verdict = place.artifacts / "verdict"
    verdict.mkdir(parents=True)
    (verdict / "pull-request").write_text("7\n")
    (verdict / "merge-commit").write_text("a" * 40 + "\n")
    (verdict / file).write_text(text)

    ran = _commented(place)

    assert ran.status != 0
    assert calls(place.commands) == []


def test_where_nothing_could_be_judged_nothing_is_posted(place: Place) -> None:
    verdict = place.artifacts / "verdict"
    verdict.mkdir(parents=True)
    (verdict / "pull-request").write_text("7\n")
    (verdict / "merge-commit").write_text("a" * 40 + "\n")

    assert _commented(place).status == 0
    assert calls(place.commands) == []


@pytest.fixture
def state(place: Place) -> dict[str, str]:
    """Variables of a GitHub environment whose state is a folder, with a first record."""
    backend = place.folder / "state"
    AuditLog(str(backend)).append(AuditEvent("plan", "team", "", "pass"), who_runs_this(), _moment())
    return {"PULUMI_BACKEND_URL": f"file://{backend}"}


def _moment() -> Any:
    from datetime import UTC, datetime

    return datetime(2026, 11, 21, tzinfo=UTC)


def _up(place: Place, state: dict[str, str], **github: Any) -> Ran:
    (place.artifacts / "plan-team").mkdir(parents=True, exist_ok=True)
    (place.artifacts / "plan-team/approval.json").write_text("{}\n")
    return _run(place, "up", "up", matrix={"environment": "team"}, vars=state, github=github)


def test_after_a_merge_only_what_it_concerns_is_listed(place: Place) -> None:
    seed = place.folder / "seed"
    before = git(seed, "rev-parse", "HEAD")
    (seed / "README.md").write_text("# more\n")
    commit(seed, "words")
    git(seed, "push", "-q", str(place.origin), "HEAD:main")

    def listed(before: str, environment: str = "") -> str:
        found = _run(place, "up", "environments", github={"event": {**EVENT, "before": before}}, inputs={"environment": environment})
        assert found.status == 0, found.log
        return found.outputs["names"]

    assert listed(before) == "[]"
    assert listed("0" * 40) == '["team"]'
    assert listed(before, "team") == '["team"]'


def test_a_plan_is_shown_and_approved_by_its_digests(place: Place) -> None:
    before = git(place.origin, "rev-parse", "main")

    ran = _run(place, "up", "plan", matrix={"environment": "team"}, github={"event": {**EVENT, "before": before}})

    assert ran.status == 0, ran.log
    assert "**PASS:**" in ran.summary
    assert _asked(place, "approve")[:4] == ["approve", "team", "--environments", "environments"]


def test_what_is_refused_is_not_approved(place: Place) -> None:
    seed = place.folder / "seed"
    _too_many(seed)
    commit(seed, "too many")
    git(seed, "push", "-q", str(place.origin), "HEAD:main")

    ran = _run(place, "up", "plan", matrix={"environment": "team"}, github={"event": {**EVENT, "before": "0" * 40}})

    assert ran.status == 1
    assert not [call for call in calls(place.commands) if call["arguments"][0] == "approve"]


def test_what_was_approved_is_applied_and_the_audit_anchored(place: Place, state: dict[str, str]) -> None:
    answer(place.commands, "up", 0, "applied `team`\n")

    ran = _up(place, state)

    assert ran.status == 0, ran.log
    assert ran.not_run == ["actions/setup-python", "set-up", "pulumi/actions"]
    assert ran.skipped == ["Identity at AWS", "Way to the cluster", "Records of the attempts before"]
    asked = _asked(place, "up")
    assert Path(asked[asked.index("--approved") + 1]).name == "approval.json"
    assert "--resume" not in asked
    assert "## team: exit status 0\n\n    applied `team`\n" in ran.summary
    assert "anchor: 1@sha256:" in ran.summary


@pytest.mark.parametrize("status", [0, 3])
def test_how_an_apply_ended_is_kept_for_a_verdict_that_has_no_credentials(place: Place, state: dict[str, str], status: int) -> None:
    log = AuditLog(state["PULUMI_BACKEND_URL"])
    for result in ("started", "failed", "done"):
        log.append(AuditEvent("apply", "team", "team-tenants", result), who_runs_this(), _moment())
    answer(place.commands, "up", status, "\n")

    assert _up(place, state).status == status
    kept = json.loads((place.artifacts / "looks-team/looks-team.json").read_text())
    assert [(each["kind"], each["result"]) for each in kept["records"]] == [("apply", "started"), ("apply", "failed"), ("apply", "done")]


def test_an_apply_that_fails_fails_the_job_and_is_resumed_by_the_next_attempt(place: Place, state: dict[str, str]) -> None:
    answer(place.commands, "up", 3, "stopped\n")
    (place.artifacts / "runs-team-1").mkdir(parents=True)

    first, second = _up(place, state), _up(place, state, run_attempt=2)

    assert (first.status, second.status) == (3, 3)
    assert "exit status 3" in first.summary
    assert "anchor: " in first.summary
    assert "--resume" in _asked(place, "up")


def test_a_commit_that_is_not_the_newest_any_more_is_not_applied(place: Place, state: dict[str, str]) -> None:
    old = git(place.origin, "rev-parse", "main")
    git(place.origin, "branch", "old", old)
    seed = place.folder / "seed"
    _remark(seed)
    newest = commit(seed, "newer")
    git(seed, "push", "-q", str(place.origin), "HEAD:main")

    ran = run_job(place, "up", "up", {"github": {"event": EVENT, "run_attempt": 2}, "inputs": INPUTS, "vars": state,
                                      "matrix": {"environment": "team"}}, ref="old")

    assert ran.status == 0, ran.log
    assert f"{newest} is newer" in ran.summary
    assert calls(place.commands) == []


@pytest.mark.parametrize("status", [0, 1, 3])
def test_drift_is_shown_and_fails_the_job(place: Place, state: dict[str, str], status: int) -> None:
    assert _run(place, "drift", "environments").outputs == {"names": '["team"]'}
    answer(place.commands, "drift", status, "team-tenants: ```\n")

    ran = _run(place, "drift", "drift", matrix={"environment": "team"}, vars=state)

    assert ran.status == status
    assert f"## team: exit status {status}\n\n    team-tenants: ```\n" in ran.summary
    kept = json.loads((place.artifacts / "looks-team/looks-team.json").read_text())  # for a verdict that has no credentials
    assert (kept["environment"], kept["records"]) == ("team", [])


GH = """#!/bin/sh
printf '%s\\n' "$@" >> "$(dirname "$0")/gh.txt"
echo https://git.example.com/acme/platform/pull/8
"""
PROMOTES = """
import subprocess, sys
from pathlib import Path
arguments = sys.argv[2:]
subprocess.run(["git", "branch", arguments[arguments.index("--branch") + 1]], check=True)
Path(arguments[arguments.index("--body") + 1]).write_text("why\\n")
print("moved")
"""


def _put_gh(place: Place) -> None:
    (place.commands / "gh").write_text(GH)
    (place.commands / "gh").chmod(0o755)


def _promote(place: Place, service: str) -> Ran:
    _put_gh(place)
    return _run(place, "promote", "promote", inputs={"from": "staging", "to": "team", "service": service})


def test_a_promotion_becomes_a_pull_request(place: Place) -> None:
    promoting = place.commands / "promoting.py"
    promoting.write_text(PROMOTES)
    command = place.commands / "gpuplane"
    command.write_text(command.read_text().replace("answer = here", f"if sys.argv[1] == 'promote': os.execv(sys.executable, "
                                                   f"[sys.executable, {str(promoting)!r}, *sys.argv[1:]])\nanswer = here"))

    ran = _promote(place, "chat/qwen")

    assert ran.status == 0, ran.log
    asked = _asked(place, "promote")
    assert asked[asked.index("--service") + 1] == "chat/qwen"
    branch = asked[asked.index("--branch") + 1]
    assert git(place.origin, "rev-parse", branch) == git(place.origin, "rev-parse", "main")
    assert branch in (place.commands / "gh.txt").read_text().split("\n")
    assert "moved" in ran.summary
    assert "/pull/8" in ran.summary


@pytest.mark.parametrize(("status", "text"), [(1, "a gate says no"), (0, "nothing differs")])
def test_without_a_branch_there_is_no_pull_request(place: Place, status: int, text: str) -> None:
    answer(place.commands, "promote", status, text)

    ran = _promote(place, "")

    assert ran.status == status
    assert text in ran.summary
    assert "--service" not in _asked(place, "promote")
    assert not (place.commands / "gh.txt").exists()


def test_a_release_is_built_only_of_the_version_that_its_tag_says(place: Place) -> None:
    seed = place.folder / "seed"
    for name in ("gpuplane", "components", "policies", "stacks", "locks/program.txt", "README.md", "LICENSE", "pyproject.toml"):
        for file in git(ROOT, "ls-files", "-z", name).split("\0"):
            if file:
                (seed / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / file, seed / file, follow_symlinks=False)
    commit(seed, "the framework")
    git(seed, "push", "-q", str(place.origin), "HEAD:main")
    found = subprocess.run([sys.executable, "-c", "import gpuplane; print(gpuplane.__version__)"], cwd=ROOT, capture_output=True, text=True,
                           check=True)
    version = found.stdout.strip()

    assert "is not the version" in _run(place, "release", "build", github={"ref_name": "v99.0.0"}).log
    ran = _run(place, "release", "build", github={"ref_name": f"v{version}"})

    assert ran.status == 0, ran.log
    assert sorted(file.name for file in (place.artifacts / "dist").iterdir()) == [
        f"gpuplane-{version}-py3-none-any.whl", f"gpuplane-{version}.tar.gz"]
    assert f"version {version}" in ran.log


def test_a_release_is_published_as_it_was_built(place: Place) -> None:
    _put_gh(place)
    (place.artifacts / "dist").mkdir(parents=True)
    (place.artifacts / "dist/gpuplane-1.2.3-py3-none-any.whl").write_text("")
    (place.artifacts / "materials").mkdir()
    (place.artifacts / "materials/gpuplane-1.2.3-program.cdx.json").write_text("{}")

    ran = _run(place, "release", "publish", github={"ref_name": "v1.2.3"})

    assert ran.status == 0, ran.log
    assert ran.not_run == ["actions/attest-build-provenance", "pypa/gh-action-pypi-publish"]
    assert (place.commands / "gh.txt").read_text().split() == [
        "release", "create", "v1.2.3", "dist/gpuplane-1.2.3-py3-none-any.whl", "materials/gpuplane-1.2.3-program.cdx.json", "--repo", "acme/platform", "--verify-tag", "--generate-notes"]


def test_every_job_is_run_by_a_test() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("test_*_workflow*.py")))
    for path in sorted(WORKFLOWS.glob("*.yaml")):
        for job in load(path.stem)["jobs"]:
            assert f'"{path.stem}", "{job}"' in text, f"{path.stem}: {job}"


def test_every_option_that_the_workflows_use_is_there(place: Place) -> None:
    """The commands that are only answered for here understand what they are asked."""
    from gpuplane.cli import cli

    assert _contexts
    texts = "\n".join(json.dumps(path.read_text(encoding="utf-8")) for path in sorted((ROOT / ".github/workflows").glob("*.yaml")))
    for command, options in {
            "up": ("--approved", "--runs", "--resume"), "approve": ("--out",), "comment": ("--report-url", "--post", "--number", "--author"),
            "promote": ("--from", "--to", "--service", "--branch", "--body", "--format"), "drift": (), "annotations": (),
            "audit": ("--audit", "--verify"), "environments": ("--also", "--since", "--format")}.items():
        assert f"gpuplane {command} " in texts
        if command in cli.commands and (command != "up" or "approve" in cli.commands):
            known = {name for parameter in cli.commands[command].params for name in parameter.opts}
            assert set(options) <= known, command


INSTALLED = ("program", "policy", "checkov")


def test_a_release_has_a_bill_of_materials_of_each_lock_that_users_install(place: Place) -> None:
    _materials(place, "exit 0")
    ran = _run(place, "release", "materials", github={"ref_name": "v1.2.3"})
    assert ran.status == 0, ran.log
    assert {file.name: file.read_text().strip() for file in (place.artifacts / "materials").iterdir()} == {
        f"gpuplane-1.2.3-{name}.cdx.json": f"locks/{name}.txt" for name in INSTALLED}

    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"\nINSTALLED := {' '.join(INSTALLED)}\n" in makefile
    assert all((ROOT / f"locks/{name}.txt").exists() for name in INSTALLED)
    assert {path.stem for path in (ROOT / "locks").glob("*.txt")} - {*INSTALLED} == {"dev", "audit"}


@pytest.mark.parametrize("holed", INSTALLED)
def test_nothing_with_a_known_hole_is_released(place: Place, holed: str) -> None:
    _materials(place, f'case "$*" in *locks/{holed}.txt) exit 1;; esac')

    assert _run(place, "release", "materials", github={"ref_name": "v1.2.3"}).status == 1


def test_a_bill_of_materials_that_cannot_be_written_is_no_release(place: Place) -> None:
    _materials(place, "exit 0")
    (place.commands / "cyclonedx-py").write_text('#!/bin/sh\ncase "$*" in *locks/policy.txt*) exit 1;; esac\n')

    assert _run(place, "release", "materials", github={"ref_name": "v1.2.3"}).status == 1


@pytest.mark.parametrize("status", [0, 1])
def test_every_night_all_locks_are_audited(place: Place, status: int) -> None:
    _materials(place, f"exit {status}")
    seed = place.folder / "seed"
    (seed / "locks").mkdir(parents=True)
    for name in ("program", "dev"):
        (seed / f"locks/{name}.txt").write_text("")
    commit(seed, "locks")
    git(seed, "push", "-q", str(place.origin), "HEAD:main")

    ran = _run(place, "nightly", "audit")

    assert ran.status == status, ran.log
    assert "locks/dev.txt" in ran.summary
    assert "locks/program.txt" in ran.summary


def test_every_night_hostile_inputs_are_tried(place: Place) -> None:
    steps = load("nightly")["jobs"]["fuzz"]["steps"]
    step = next(each for each in steps if "tests.fuzz.campaign" in each.get("run", ""))
    assert int(step["env"]["INPUTS"]) >= 1_000_000

    for status in (0, 1):
        (place.commands / "python").write_text(f'#!/bin/sh\necho "$@"\nmkdir -p "$8"\ntouch "$8/state"\nexit {status}\n')
        (place.commands / "python").chmod(0o755)
        ran = _run(place, "nightly", "fuzz", github={"run_number": 12})

        assert (ran.status, "--seed 12" in ran.summary) == (status, True), ran.log
        assert (place.artifacts / "found/state").exists()
        shutil.rmtree(place.artifacts / "found")


def _materials(place: Place, audit: str) -> None:
    """Tools that an index would be asked by: one says what it is told, the other writes of which lock the bill would be."""
    for name, text in {"pip-audit": audit, "cyclonedx-py": 'lock="$2"\nwhile test "$1" != --output-file; do shift; done; echo "$lock" > "$2"'}.items():
        (place.commands / name).write_text(f"#!/bin/sh\n{text}\n")
        (place.commands / name).chmod(0o755)
