"""The workflow `judge`, step by step: what it says of good and bad pull requests, and that nothing of a fork runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.conftest import commit
from tests.workflows.runner import ROOT, Place, Ran, git, run_job

SERVICE = Path("environments/team/services/chat/qwen.yaml")
MARK = "touch \"$MARK\""


def _pull_request(place: Place, change: Callable[[Path], object], number: int = 7) -> tuple[str, dict[str, Any]]:
    """A fork's branch and its merge with main, as the code host keeps them; returns the head commit and the job's contexts."""
    fork = place.folder / f"fork-{number}"
    git(place.folder, "clone", "-q", str(place.origin), str(fork))
    base = git(fork, "rev-parse", "HEAD")
    git(fork, "checkout", "-q", "-b", "change")
    change(fork)
    head = commit(fork, "change")
    git(fork, "checkout", "-q", "--detach", base)
    git(fork, "-c", "core.hooksPath=/dev/null", "merge", "-q", "--no-ff", "-m", "merge", head)
    git(fork, "push", "-q", str(place.origin), f"HEAD:refs/pull/{number}/merge", f"{head}:refs/pull/{number}/head")
    return head, _contexts(base, head, number)


def _contexts(base: str, head: str, number: int = 7) -> dict[str, Any]:
    return {"github": {"sha": base, "token": "not-a-token", "event": {"pull_request": {"number": number, "head": {"sha": head}}}},
            "inputs": {"environments": "environments", "requirements": "requirements.txt"}}


def _judged(place: Place, change: Callable[[Path], object]) -> Ran:
    _, contexts = _pull_request(place, change)
    return run_job(place, "judge", "judge", contexts)


def _edit(folder: Path, file: Path, old: str, new: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")


def _too_many(folder: Path) -> None:
    _edit(folder, SERVICE, "max_replicas: ", "max_replicas: 9")


def _remark(folder: Path) -> None:
    (folder / SERVICE).write_text((folder / SERVICE).read_text() + "# a remark\n")


def test_a_good_pull_request_passes_and_leaves_its_report(place: Place) -> None:
    ran = _judged(place, _remark)

    assert ran.status == 0, ran.log
    assert "**PASS:** team may go" in ran.summary
    assert sorted(ran.not_run) == ["actions/setup-python", "set-up"]
    verdict = place.artifacts / "verdict"
    assert {file.name for file in verdict.iterdir()} == {"pull-request", "merge-commit", "team"}
    assert json.loads((verdict / "team/plan.json").read_text())["verdict"] == "pass"


def test_a_bad_pull_request_fails_after_its_report_is_kept(place: Place) -> None:
    ran = _judged(place, _too_many)

    assert ran.status == 1
    assert "QF-" in ran.summary
    assert json.loads((place.artifacts / "verdict/team/plan.json").read_text())["verdict"] == "fail"


def test_what_cannot_be_read_fails(place: Place) -> None:
    ran = _judged(place, lambda fork: (fork / SERVICE).write_text("kind: [\n"))

    assert ran.status == 1
    assert "**team was not judged** (exit status 2" in ran.summary


def test_a_verdict_is_of_the_commit_that_the_event_was_about(place: Place) -> None:
    head, contexts = _pull_request(place, _too_many)
    _pull_request(place, _remark, number=8)
    git(place.origin, "update-ref", "refs/pull/7/merge", "refs/pull/8/merge")

    ran = run_job(place, "judge", "judge", contexts)

    assert ran.status == 1
    assert "has moved on" in ran.log
    assert not place.artifacts.exists(), head


def test_a_pull_request_that_cannot_be_merged_fails(place: Place) -> None:
    _, contexts = _pull_request(place, _remark)
    git(place.origin, "update-ref", "-d", "refs/pull/7/merge")

    assert run_job(place, "judge", "judge", contexts).status != 0


def _without_environment(folder: Path) -> None:
    shutil.rmtree(folder / "environments/team")


def _all_gone(folder: Path) -> None:
    shutil.rmtree(folder / "environments")
    (folder / "environments").symlink_to("/etc")


@pytest.mark.parametrize("change", [_without_environment, _all_gone])
def test_an_environment_that_goes_is_not_forgotten(place: Place, change: Callable[[Path], None]) -> None:
    ran = _judged(place, change)

    assert ran.status != 0


@pytest.mark.parametrize("name", ["it's", "--help", "a b", "$(touch $MARK)", "-", "x\ny", "team "])
def test_no_name_of_a_folder_hides_another(place: Place, name: str) -> None:
    def change(folder: Path) -> None:
        _too_many(folder)
        shutil.copytree(folder / "environments/team", folder / "environments" / name)

    place.variables["MARK"] = str(place.folder / "mark")
    ran = _judged(place, change)

    assert ran.status == 1
    assert (place.artifacts / "verdict/team/plan.json").exists(), ran.log
    assert not (place.folder / "mark").exists()


def _hostile(folder: Path) -> None:
    """Everything that a tool might run if it met it, and what would change the judge if it were taken from here."""
    python = "import os, pathlib\npathlib.Path(os.environ['MARK']).touch()\n"
    for name in ("gpuplane/__init__.py", "gpuplane/__main__.py", "policies/__init__.py", "components/__init__.py", "stacks/__init__.py",
                 "sitecustomize.py", "usercustomize.py", "yaml.py", "click.py", "conftest.py", "environments/sitecustomize.py",
                 "environments/team/yaml.py", "setup.py", "__main__.py", "policies/rules/all_pass.py", "jinja2/__init__.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(python)
    for name in ("Makefile", ".envrc", ".bashrc", "environments/run.sh", ".githooks/post-checkout", ".githooks/reference-transaction"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n$(shell {MARK})\nall:\n\t{MARK}\n" if name == "Makefile" else f"#!/bin/sh\n{MARK}\n")
        (folder / name).chmod(0o755)
    (folder / "requirements.txt").write_text("evil @ file:///tmp/evil\n")
    (folder / ".gitattributes").write_text("*.yaml filter=lfs diff=evil merge=evil\n* export-subst\n")
    (folder / ".gitmodules").write_text('[submodule "x"]\n\tpath = x\n\turl = file:///etc\n\tupdate = !touch "$MARK"\n')
    (folder / ".gitconfig").write_text("[core]\n\tfsmonitor = touch $MARK\n")
    (folder / "Pulumi.yaml").write_text("name: evil\nruntime: python\nmain: .\n")
    workflow = folder / ".github/workflows/judge.yaml"
    workflow.parent.mkdir(parents=True, exist_ok=True)
    workflow.write_text("on: pull_request_target\njobs: {judge: {runs-on: ubuntu-latest, steps: [{run: 'touch $MARK'}]}}\n")


def test_nothing_of_a_fork_runs_and_its_judge_is_the_bases(place: Place) -> None:
    mark = place.folder / "mark"
    place.variables["MARK"] = str(mark)

    def change(folder: Path) -> None:
        _too_many(folder)
        _hostile(folder)
        _edit(folder, Path("environments/team/environment.yaml"), "budget_usd_per_month: 20000", "budget_usd_per_month: 9000000")

    ran = _judged(place, change)

    assert ran.status == 1
    assert not mark.exists()
    report = json.loads((place.artifacts / "verdict/team/plan.json").read_text())
    assert report["verdict"] == "fail"
    assert any("budget_usd_per_month" in text for text in report["judge"]["changes"])
    calls = [json.loads(line) for line in (place.commands / "calls.jsonl").read_text().splitlines()]
    assert [call["arguments"][0] for call in calls] == ["environments", "preview"]
    assert all(Path(call["folder"]).name == "work" for call in calls)  # the base's checkout, never the fork's files
    assert not any({"TOKEN", "GITHUB_TOKEN", "GIT_CONFIG_VALUE_0"} & set(call["variables"]) for call in calls)


def test_a_fork_of_the_framework_itself_is_judged_by_the_bases_program(place: Place) -> None:
    """Here the base holds gpuplane's own program, and the fork changes it so that everything would pass."""
    seed = place.folder / "framework"
    git(place.folder, "clone", "-q", f"file://{place.origin}", str(seed))
    for name in git(ROOT, "ls-files", "-z", "gpuplane", "components", "policies", "stacks").split("\0"):
        if name:
            (seed / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, seed / name, follow_symlinks=False)
    commit(seed, "the framework")
    git(seed, "push", "-q", "origin", "HEAD:main")
    place.variables["MARK"] = str(place.folder / "mark")

    def change(folder: Path) -> None:
        _too_many(folder)
        finding = folder / "policies/finding.py"
        finding.write_text(finding.read_text() + "\nimport pathlib, os\npathlib.Path(os.environ['MARK']).touch()\nos._exit(0)\n")

    ran = _judged(place, change)

    assert ran.status == 1
    assert not (place.folder / "mark").exists()
    assert json.loads((place.artifacts / "verdict/team/plan.json").read_text())["verdict"] == "fail"


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../requirements.txt", "../../../../.git/config", "/proc/self/environ", "loop.yaml"])
def test_links_lead_nowhere(place: Place, target: str) -> None:
    def change(folder: Path) -> None:
        for name in ("loop.yaml", "environments/team/services/chat/loop.yaml", "environments/catalog.yaml", "environments/team/tenants/x.yaml"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(target)

    ran = _judged(place, change)

    assert ran.status == 1
    for secret in ("root:", "sha256:0000", "[core]", "not-a-token"):
        assert secret not in ran.log + ran.summary


def _huge(folder: Path) -> None:
    (folder / SERVICE).write_text("# " + "x" * (20 << 20) + "\n")


def _deep(folder: Path) -> None:
    (folder / SERVICE).write_text("[" * 500_000)


def _bomb(folder: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))]
    (folder / SERVICE).write_text("\n".join(lines))


def _many(folder: Path) -> None:
    for number in range(3000):
        (folder / f"environments/team/services/chat/s{number}.yaml").write_text("kind: InferenceService\n")


@pytest.mark.parametrize("change", [_huge, _deep, _bomb, _many])
def test_no_file_is_too_much(place: Place, change: Callable[[Path], None]) -> None:
    ran = _judged(place, change)

    assert ran.status == 1
    assert len(ran.summary) < 200_000
    assert len(ran.log) < 5_000_000
