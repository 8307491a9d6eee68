"""Runs the `run:` steps of a job on this machine, in order, as GitHub's runner would: bash with its options, GITHUB_* files, outputs.

Actions are not run. Those that move files have a stand-in (:data:`STAND_INS`); the others, and the step that installs gpuplane, are listed
in :data:`NOT_RUN`, and a step that is in neither fails the test.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.workflows.expressions import evaluate, filled, said

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = ROOT / ".github/workflows"

NOT_RUN: Mapping[str, str] = {
    "actions/setup-python": "installs Python; the tests' own is used",
    "set-up": "installs gpuplane from the package index; the tests' own is on PATH",
    "pulumi/actions": "installs the Pulumi CLI from the network",
    "aws-actions/configure-aws-credentials": "asks AWS for a role by OIDC",
    "github/codeql-action/upload-sarif": "uploads to code scanning",
    "actions/attest-build-provenance": "signs provenance with Sigstore",
    "actions/create-github-app-token": "asks GitHub for the token of an App",
    "pypa/gh-action-pypi-publish": "publishes to the package index"}
"""Steps that cannot run here, by their action or id, and why."""
STAND_INS: Mapping[str, str] = {
    "actions/checkout": "a clone of the local origin, an empty folder for another repository", "actions/upload-artifact": "a copy into the artifacts' folder",
    "actions/download-artifact": "a copy out of it"}
"""Actions that a few lines here do the work of."""


@dataclass
class Ran:
    """What came of a job."""

    status: int = 0
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""
    summary: str = ""
    not_run: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


@dataclass
class Place:
    """A machine's folders: one for each job, and an origin and artifacts for all of them."""

    folder: Path
    origin: Path
    commands: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"


def load(name: str) -> dict[str, Any]:
    """A workflow; YAML 1.1 takes the key ``on`` for true."""
    value = yaml.safe_load((WORKFLOWS / f"{name}.yaml").read_text(encoding="utf-8"))
    value["on"] = value.pop(True)
    return value


def run_job(place: Place, workflow: str, job: str, contexts: Mapping[str, Any], ref: str = "main") -> Ran:
    """Run one job; ``contexts`` are ``github``, ``inputs``, ``vars``, ``secrets``, ``matrix`` and ``needs``."""
    definition = load(workflow)["jobs"][job]
    return _Job(place, contexts, ref).run(definition)


class _Job:
    def __init__(self, place: Place, contexts: Mapping[str, Any], ref: str) -> None:
        count = len(list(place.folder.glob("job-*")))
        self._place, self._ref, self._top = place, ref, place.folder / f"job-{count}"
        self._work, self._temp = self._top / "work", self._top / "temp"
        self._temp.mkdir(parents=True)
        self._work.mkdir()
        self._ran, self._steps = Ran(), {}  # type: Ran, dict[str, Any]
        self._contexts = {"inputs": {}, "vars": {}, "secrets": {}, "matrix": {}, "needs": {}, "env": {}, **contexts, "steps": self._steps,
                          "runner": {"temp": str(self._temp)}}

    def run(self, definition: Mapping[str, Any]) -> Ran:
        for step in definition["steps"]:
            condition = said(step.get("if", ""))
            wanted = evaluate(condition, self._all()) if condition else True
            if not wanted or (self._ran.status and "always()" not in condition):
                self._ran.skipped.append(_name(step))
            else:
                self._step(step)
        self._ran.outputs = {key: said(filled(value, self._all())) for key, value in definition.get("outputs", {}).items()}
        summary = self._top / "summary"
        self._ran.summary = summary.read_text(encoding="utf-8") if summary.exists() else ""
        return self._ran

    def _all(self) -> dict[str, Any]:
        return {**self._contexts, "failed": bool(self._ran.status)}

    def _step(self, step: Mapping[str, Any]) -> None:
        action = step.get("uses", "").partition("@")[0]
        if action in STAND_INS:
            {"actions/checkout": self._checkout, "actions/upload-artifact": self._upload,
             "actions/download-artifact": self._download}[action]({key: filled(value, self._all()) for key, value in step.get("with", {}).items()})
        elif action in NOT_RUN or step.get("id") in NOT_RUN:
            self._ran.not_run.append(action or step["id"])
        else:
            assert not action, f"{action} is neither run, nor has a stand-in, nor is it listed as not run"
            self._shell(step)

    def _shell(self, step: Mapping[str, Any]) -> None:
        assert "${{" not in step["run"], f"{_name(step)}: an expression in shell text"
        output = self._top / f"output-{len(self._steps)}-{len(self._ran.log)}"
        given = {key: said(filled(value, self._all())) for key, value in step.get("env", {}).items()}
        variables = {**self._base(), "GITHUB_OUTPUT": str(output), **given}
        done = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], cwd=self._work, env=variables,
                              capture_output=True, text=True, check=False, timeout=300)
        self._ran.log += f"{done.stdout}{done.stderr}"
        self._ran.status = self._ran.status or done.returncode
        lines = output.read_text(encoding="utf-8").splitlines() if output.exists() else []
        if "id" in step:
            self._steps[step["id"]] = {"outputs": dict(line.split("=", 1) for line in lines)}

    def _base(self) -> dict[str, str]:
        """A runner's variables, and none of this process's but what bash and Python need."""
        return {"PATH": f"{self._place.commands}:/usr/local/bin:/usr/bin:/bin", "HOME": str(self._top), "LANG": "C.UTF-8", "CI": "true",
                "GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "alice", "GITHUB_SERVER_URL": "https://git.example.com",
                "GITHUB_REPOSITORY": "acme/platform", "GITHUB_RUN_ID": "7", "GITHUB_STEP_SUMMARY": str(self._top / "summary"),
                "GITHUB_WORKSPACE": str(self._work), "RUNNER_TEMP": str(self._temp), **self._place.variables}

    def _checkout(self, given: Mapping[str, Any]) -> None:
        assert given.get("persist-credentials") is False
        if "repository" in given:  # somebody else's, which is not here
            (self._work / given["path"]).mkdir(parents=True)
            return
        depth = [] if given.get("fetch-depth") == 0 else ["--depth=1"]
        git(self._work, "clone", "--quiet", *depth, "--branch", self._ref, f"file://{self._place.origin}", ".")

    def _upload(self, given: Mapping[str, Any]) -> None:
        if Path(given["path"]).is_file():
            (self._place.artifacts / given["name"]).mkdir(parents=True, exist_ok=True)
            shutil.copy(given["path"], self._place.artifacts / given["name"])
        elif Path(given["path"]).exists():
            shutil.copytree(given["path"], self._place.artifacts / given["name"])

    def _download(self, given: Mapping[str, Any]) -> None:
        for folder in sorted(self._place.artifacts.glob(given.get("name") or given["pattern"])):
            shutil.copytree(folder, self._work / given["path"], dirs_exist_ok=True)


def git(where: Path, *arguments: str) -> str:
    """What git prints."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always")
    return subprocess.run(["git", *identity, *arguments], cwd=where, check=True, capture_output=True, text=True).stdout.strip()


ANSWERED = ("annotations", "approve", "comment", "drift", "promote", "up")
"""Commands that need a cluster, a state or a code host: the tests say what they answer, and look at what they were asked."""

GPUPLANE = """#!{python}
# The tests' gpuplane. What needs a cluster, a cloud or a code host is answered from answers/COMMAND in this folder; each call is noted down.
import json, os, sys
from pathlib import Path
here = Path(__file__).resolve().parent
with (here / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps({{"arguments": sys.argv[1:], "folder": os.getcwd(), "variables": sorted(os.environ)}}) + "\\n")
answer = here / "answers" / sys.argv[1]
if answer.exists():
    status, _, text = answer.read_text().partition("\\n")
    print(text, end="")
    sys.exit(int(status))
sys.path[0] = {root!r}
os.environ["PYTHONPATH"] = {root!r}
from gpuplane.cli import main
sys.argv += ["--as-of", "2026-11-21"] * (sys.argv[1] == "preview" and "--judged-by" not in sys.argv)
main()
"""


def put_gpuplane(folder: Path) -> None:
    """A command ``gpuplane`` that is this tree's, and ``python`` that is the tests'."""
    (folder / "answers").mkdir(parents=True)
    for name in ANSWERED:
        answer(folder, name, 0, "")
    command = folder / "gpuplane"
    command.write_text(GPUPLANE.format(python=sys.executable, root=str(ROOT)))
    command.chmod(0o755)
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)


def answer(commands: Path, command: str, status: int, text: str) -> None:
    """What a command prints from now on, and its exit status."""
    (commands / "answers" / command).write_text(f"{status}\n{text}")


def calls(commands: Path) -> list[dict[str, Any]]:
    """Every call of gpuplane so far: its arguments, working directory and the names of its variables."""
    file = commands / "calls.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def _name(step: Mapping[str, Any]) -> str:
    return str(step.get("name") or step.get("uses") or step.get("id"))
