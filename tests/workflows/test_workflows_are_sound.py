"""What holds for every workflow: actions by digest, least rights, no expression in shell text, no secrets near what forks send."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.workflows.expressions import evaluate
from tests.workflows.runner import ANSWERED, NOT_RUN, ROOT, STAND_INS, WORKFLOWS, load

NAMES = sorted(path.stem for path in WORKFLOWS.glob("*.yaml"))
JOBS = [(name, job) for name in NAMES for job in load(name)["jobs"]]
TRUSTED = ("judge", "comment")
"""Workflows that a fork's pull request starts in the base repository."""
RIGHTS = {
    ("judge", "judge"): {"actions": "read", "contents": "read"}, ("preview", "environments"): {"contents": "read"}, ("preview", "preview"): {"contents": "read"},
    ("comment", "comment"): {"actions": "read", "contents": "read", "pull-requests": "write", "security-events": "write"},
    ("up", "environments"): {"contents": "read"}, ("up", "plan"): {"contents": "read"},
    ("up", "up"): {"contents": "read", "id-token": "write"}, ("drift", "environments"): {"contents": "read"},
    ("drift", "drift"): {"contents": "read", "id-token": "write"},
    ("promote", "promote"): {"contents": "write", "id-token": "write", "pull-requests": "write"}, ("release", "build"): {"contents": "read"},
    ("release", "materials"): {"contents": "read"}, ("nightly", "audit"): {"contents": "read"}, ("nightly", "fuzz"): {"contents": "read"},
    ("release", "publish"): {"attestations": "write", "contents": "write", "id-token": "write"}}


def _text(name: str) -> str:
    return (WORKFLOWS / f"{name}.yaml").read_text(encoding="utf-8")


def _job(name: str, job: str) -> dict[str, Any]:
    found: dict[str, Any] = load(name)["jobs"][job]
    return found


def test_every_action_is_pinned_by_one_digest_with_its_version() -> None:
    pins: dict[str, set[str]] = {}
    for name in NAMES:
        for line in _text(name).splitlines():
            if "uses:" in line:
                found = re.fullmatch(r"\s*(?:- )?uses: ([\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", line)
                assert found, line
                pins.setdefault(found[1], set()).add(found[2])
    assert {action: len(digests) for action, digests in pins.items()} == dict.fromkeys(pins, 1)
    assert set(pins) == set(STAND_INS) | set(NOT_RUN) - {"set-up"}


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_a_job_has_the_rights_that_it_needs_and_an_end(name: str, job: str) -> None:
    assert load(name)["permissions"] == {}
    assert _job(name, job)["permissions"] == RIGHTS[(name, job)]
    assert 0 < _job(name, job)["timeout-minutes"] <= 360
    assert _job(name, job)["runs-on"] == "ubuntu-24.04"


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_no_token_stays_on_disk_and_no_expression_is_in_shell_text(name: str, job: str) -> None:
    assert load(name)["defaults"] == {"run": {"shell": "bash"}}
    for step in _job(name, job)["steps"]:
        assert "${{" not in step.get("run", "")
        if "actions/checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False
            assert ("ref" in step["with"]) == ("repository" in step["with"])
            assert re.fullmatch("([0-9a-f]{40})?", step["with"].get("ref", ""))


@pytest.mark.parametrize("name", TRUSTED)
def test_what_a_fork_starts_sees_no_secrets_and_no_cache_and_takes_nothing_of_it(name: str) -> None:
    text = _text(name)
    for word in ("${{ secrets", "id-token", "actions/cache", "cache:", "head.ref", "head_ref", "head.repo", "make ", "title", ".body"):
        assert word not in text, word
    assert "pull_request:" not in text


@pytest.mark.parametrize(("event", "conclusion", "posts"), [
    ("pull_request_target", "success", True), ("pull_request_target", "failure", True), ("pull_request_target", "cancelled", False),
    ("pull_request", "success", False), ("push", "success", False), ("workflow_dispatch", "success", False)])
def test_a_workflow_that_only_has_the_judge_s_name_posts_nothing(event: str, conclusion: str, posts: bool) -> None:
    """A fork can bring a workflow called judge; only the base branch's starts by pull_request_target."""
    run = {"github": {"event": {"workflow_run": {"event": event, "conclusion": conclusion}}}}
    assert evaluate(_job("comment", "comment")["if"], run) is posts


def test_what_starts_by_a_pull_request_s_own_files_sees_no_secrets_and_may_only_read() -> None:
    started = [name for name in NAMES if "pull_request" in load(name)["on"]]
    assert started == ["nightly", "preview"]
    for name in started:
        assert "secrets" not in _text(name).replace("no secrets", "")
        assert all(job["permissions"] == {"contents": "read"} for job in load(name)["jobs"].values())


@pytest.mark.parametrize(("event", "fuzzes"), [("schedule", True), ("workflow_dispatch", True), ("push", False), ("pull_request", False)])
def test_a_change_of_the_locks_is_audited_before_it_is_merged_and_nothing_else_is_tried(event: str, fuzzes: bool) -> None:
    on = load("nightly")["on"]
    assert (on["pull_request"], on["push"]) == ({"paths": ["locks/**"]}, {"branches": ["main"], "paths": ["locks/**"]})
    assert "if" not in _job("nightly", "audit")
    assert evaluate(_job("nightly", "fuzz")["if"], {"github": {"event_name": event}}) is fuzzes


@pytest.mark.parametrize(("name", "job"), [("up", "up"), ("drift", "drift")])
def test_an_environment_has_one_run_at_a_time_and_the_others_wait(name: str, job: str) -> None:
    assert _job(name, job)["concurrency"] == {"group": "gpuplane-${{ matrix.environment }}", "cancel-in-progress": False, "queue": "max"}
    assert "${{ matrix.environment }}" in _job(name, job)["environment"]


def test_pulumi_is_the_version_that_the_program_is_locked_to() -> None:
    locked = re.findall(r"^pulumi==(\S+)", (ROOT / "locks/program.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert re.findall(r'pulumi-version: "(.*)"', _text("up") + _text("drift")) == locked * 2


def _tool(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"no {name}")
    return found


def test_zizmor_finds_nothing() -> None:
    done = subprocess.run([_tool("zizmor"), "--offline", "--no-progress", "--strict-collection", str(WORKFLOWS)], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_finds_nothing() -> None:
    done = subprocess.run([_tool("actionlint"), *map(str, sorted(WORKFLOWS.glob("*.yaml")))], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def vendored(name: str) -> Any:
    """A schema of SchemaStore, as check-jsonschema ships it."""
    package = pytest.importorskip("check_jsonschema", reason="no check-jsonschema")
    return json.loads((Path(package.__file__).parent / f"builtin_schemas/vendor/{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_is_one_by_github_s_schema(name: str) -> None:
    jsonschema.Draft7Validator(vendored("github-workflows")).validate(load(name))


# Callers in the documentation.

PAGE = (ROOT / "docs/continuous-integration.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(# \.github/.*?)```", PAGE, re.DOTALL)]
CALLERS = [(block["name"], name, job) for block in BLOCKS for name, job in block["jobs"].items()]


def test_the_documentation_says_what_cannot_run_here() -> None:
    said = PAGE.split("## What is proven where")[1]
    missing = [action for action in {*NOT_RUN, *STAND_INS} - {"set-up"} if action not in said and action.removeprefix("actions/") not in said]
    assert missing == []
    assert [command for command in ANSWERED if f"`{command}`" not in said.replace("`gpuplane ", "`")] == []


def test_each_reusable_workflow_has_a_caller_in_the_documentation() -> None:
    called = {re.findall(r"workflows/(\w+)\.yaml", job["uses"])[0] for _, _, job in CALLERS}
    assert called == {name for name in NAMES if "workflow_call" in load(name)["on"]}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block["name"])
def test_a_caller_is_short_and_valid(block: dict[Any, Any]) -> None:
    text = next(found for found in re.findall(r"```yaml\n(# \.github/.*?)```", PAGE, re.DOTALL) if yaml.safe_load(found) == block)
    assert len(text.splitlines()) <= 15
    jsonschema.Draft7Validator(vendored("github-workflows")).validate({**{key: value for key, value in block.items() if key is not True},
                                                                       "on": block[True]})


@pytest.mark.parametrize(("workflow", "name", "job"), CALLERS)
def test_a_caller_gives_what_is_asked_for_and_grants_no_less_and_no_more(workflow: str, name: str, job: dict[str, Any]) -> None:
    found = re.fullmatch(r"acme/gpuplane/\.github/workflows/(\w+)\.yaml@[0-9a-f]{40}", job["uses"])
    assert found, job["uses"]
    called = load(found[1])
    declared = called["on"]["workflow_call"] or {}
    assert set(job.get("with", {})) <= set(declared["inputs"])
    assert {key for key, value in declared["inputs"].items() if value.get("required")} <= set(job.get("with", {}))
    assert job.get("secrets", {}) == "inherit" or set(job.get("secrets", {})) <= set(declared.get("secrets", {}))
    needed: dict[str, str] = {}
    for rights in (each["permissions"] for each in called["jobs"].values()):
        for right, level in rights.items():
            needed[right] = "write" if "write" in (level, needed.get(right)) else "read"
    assert job["permissions"] == needed


def test_callers_start_by_the_same_events(tmp_path: Path) -> None:
    for block in BLOCKS:
        own = load(block["name"])["on"]
        assert set(block[True]) <= set(own), block["name"]
        for event, how in block[True].items():
            if event in ("pull_request_target", "workflow_run"):
                assert how == own[event], event


def test_the_documented_callers_pass_the_linters(tmp_path: Path) -> None:
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    for block in re.findall(r"```yaml\n(# \.github/.*?)```", PAGE, re.DOTALL):
        (folder / f"{yaml.safe_load(block)['name']}.yaml").write_text(block)
    done = subprocess.run([_tool("zizmor"), "--offline", "--no-progress", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


PYTHON = """#!/bin/sh
shift 4
echo "$@" >> "$(dirname "$0")/asked.txt"
"""


@pytest.mark.parametrize(("locked", "asked"), [
    (False, ["--disable-pip-version-check -r requirements.txt"]),
    (True, ["--disable-pip-version-check --require-hashes -r ./locked.txt", "--disable-pip-version-check --no-deps -r requirements.txt"])])
@pytest.mark.parametrize("where", ["github", "gitlab"])
def test_with_a_lock_beside_it_nothing_comes_without_a_hash_but_what_has_none(tmp_path: Path, where: str, locked: bool, asked: list[str]) -> None:
    steps = {step["run"] for path in WORKFLOWS.glob("*.yaml") for job in load(path.stem)["jobs"].values() for step in job["steps"]
             if step.get("id") == "set-up" and "REQUIREMENTS" in step.get("env", {})}
    github, = steps
    _, gitlab = yaml.safe_load_all((ROOT / ".gitlab/gpuplane.yaml").read_text())
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").write_text(PYTHON)
    (tmp_path / "bin/python").chmod(0o755)
    (tmp_path / "requirements.txt").touch()
    if locked:
        (tmp_path / "locked.txt").touch()

    script = github if where == "github" else gitlab[".gpuplane"]["before_script"][-1]
    subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=tmp_path, check=True,
                   env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "REQUIREMENTS": "requirements.txt"})

    assert (tmp_path / "bin/asked.txt").read_text().splitlines() == asked
