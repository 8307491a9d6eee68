"""The workflow `judge`, step by step: what it says of good and bad pull requests, and that nothing of a fork runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.conftest import commit
from tests.workflows.runner import ROOT, Place, Ran, calls, git, run_job

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


def test_a_good_pull_request_passes_and_its_report_is_kept_and_posted(place: Place) -> None:
    _, contexts = _pull_request(place, _remark)

    ran = run_job(place, "judge", "judge", contexts)

    assert ran.status == 0, ran.log
    assert "**PASS:** team may go" in ran.summary
    assert sorted(ran.not_run) == ["actions/setup-python", "set-up"]
    verdict = place.artifacts / "verdict"
    assert {file.name for file in verdict.iterdir()} == {"pull-request", "merge-commit", "team"}
    assert json.loads((verdict / "team/plan.json").read_text())["verdict"] == "pass"

    posted = run_job(place, "comment", "comment", {
        "github": {"token": "not-a-token", "server_url": "https://git.example.com", "repository": "acme/platform",
                   "event": {"workflow_run": {"id": 99}}}, "inputs": contexts["inputs"]})
    asked = calls(place.commands)[-1]["arguments"]
    assert posted.status == 0, posted.log
    assert [Path(each).name for each in asked if "/verdict/" in each] == ["team"]
    assert asked[asked.index("--number") + 1] == "7"
    assert asked[asked.index("--report-url") + 1] == "https://git.example.com/acme/platform/actions/runs/99"
    assert posted.skipped == ["Findings to code scanning"]


def test_every_environment_is_judged_whatever_the_others_are(place: Place) -> None:
    """What is new has no judge yet, and what comes behind it is judged all the same."""
    def change(folder: Path) -> None:
        shutil.copytree(folder / "environments/team", folder / "environments/alpha")
        _edit(folder, Path("environments/alpha/environment.yaml"), "metadata: {name: team}", "metadata: {name: alpha}")

    ran = _judged(place, change)

    assert ran.status == 1
    verdicts = {file.parent.name: json.loads(file.read_text())["verdict"] for file in (place.artifacts / "verdict").glob("*/plan.json")}
    assert verdicts == {"alpha": "unknown", "team": "pass"}


def test_what_cannot_be_read_fails_and_says_nothing_to_the_runner(place: Place) -> None:
    ran = _judged(place, lambda fork: (fork / SERVICE).write_text('kind: "\\n::set-output name=verdict::pass\\n"\nspec: 3\n'))

    lines = ran.log.splitlines()
    token = next(line for line in lines if line.startswith("::stop-commands::")).removeprefix("::stop-commands::")
    assert len(token) == 32
    assert f"::{token}::" in lines
    assert not [line for line in lines if line.startswith("::set-output")]

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


NAMES = ("it's", "--help", "a b", "$(touch $MARK)", "-", "x\ny", "team ", "`touch $MARK`", "*", "...")
"""Names of folders, beside that of a real environment."""


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


def test_of_a_bad_fork_nothing_runs_no_name_hides_it_and_its_judge_is_the_bases(place: Place) -> None:
    mark = place.folder / "mark"
    place.variables["MARK"] = str(mark)

    def change(folder: Path) -> None:
        _too_many(folder)
        _hostile(folder)
        _edit(folder, Path("environments/team/environment.yaml"), "budget_usd_per_month: 20000", "budget_usd_per_month: 9000000")
        for name in NAMES:
            shutil.copytree(folder / "environments/team", folder / "environments" / name)

    ran = _judged(place, change)

    assert ran.status == 1
    assert not mark.exists()
    assert "QF-" in ran.summary
    report = json.loads((place.artifacts / "verdict/team/plan.json").read_text())
    assert report["verdict"] == "fail"
    assert any("budget_usd_per_month" in text for text in report["judge"]["changes"])
    made = calls(place.commands)
    assert [call["arguments"][0] for call in made] == ["environments", "preview", "annotations"]
    assert not any({"TOKEN", "GITHUB_TOKEN", "GIT_CONFIG_VALUE_0"} & set(call["variables"]) for call in made)
    assert sorted(file.name for file in Path(made[0]["folder"]).iterdir()) == [".git", "environments"]  # no code of the fork is on disk
    assert {finding["file"] for finding in report["findings"]} >= {str(SERVICE), "Makefile", "policies/__init__.py"} - {"Makefile"}


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
    assert (place.artifacts / "verdict/team/plan.json").exists(), ran.log
    assert json.loads((place.artifacts / "verdict/team/plan.json").read_text())["verdict"] == "fail"


def _huge_deep_and_folded(folder: Path) -> None:
    tenants = folder / "environments/team/tenants"
    (tenants / "huge.yaml").write_text("# " + "x" * (20 << 20) + "\n")
    (tenants / "deep.yaml").write_text("[" * 500_000)
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))]
    (tenants / "bomb.yaml").write_text("\n".join(lines))


def _many(folder: Path) -> None:
    for number in range(3000):
        (folder / f"environments/team/services/chat/s{number}.yaml").write_text("kind: InferenceService\n")


def _links(folder: Path) -> None:
    for name, target in {"environments/team/services/chat/loop.yaml": "loop.yaml", "environments/catalog.yaml": "/etc/passwd",
                         "environments/team/tenants/x.yaml": "../../../requirements.txt", "environments/team/services/y": "/etc",
                         "environments/team/tenants/z.yaml": "/proc/self/environ", "environments/prices.yaml": "../.git",
                         "environments/team/exemptions.yaml": "/etc/passwd", "environments/other": "team"}.items():
        (folder / name).symlink_to(target)


@pytest.mark.parametrize("changes", [(_huge_deep_and_folded, _links), (_many,)])
def test_no_file_is_too_much_and_no_link_leads_anywhere(place: Place, changes: tuple[Callable[[Path], None], ...]) -> None:
    ran = _judged(place, lambda folder: [change(folder) for change in changes])

    assert ran.status == 1
    for secret in ("root:", "sha256:0000", "[core]", "not-a-token"):
        assert secret not in ran.log + ran.summary
    assert len(ran.summary) < 200_000
    assert len(ran.log) < 5_000_000
