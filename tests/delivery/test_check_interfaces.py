"""What others build on ``check``: the schema of its report, the pytest plugin, the pre-commit hook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from gpuplane.cli import cli
from gpuplane.delivery.check_schema import check_schema

ROOT = Path(__file__).resolve().parents[2]
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: tools}\nspec: {containers: [{name: web, image: web, securityContext: {privileged: true}}]}\n"
WORDS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: words, namespace: tools}\n"
TEST = "def test_it(gpuplane_findings):\n    assert [finding.rule for finding in gpuplane_findings('manifests')] == []\n"


@pytest.mark.parametrize("text", [POD, WORDS, "a: [", ""])
def test_the_report_is_valid_by_its_schema(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    report = json.loads(CliRunner().invoke(cli, ["check", str(tmp_path / "m.yaml"), "--format", "json"]).stdout)
    Draft202012Validator(check_schema()).validate(report)


@pytest.mark.parametrize(("text", "status", "said"), [(WORDS, 0, "1 passed"), (POD, 1, "assert ['TI-01'"), ("a: [", 1, "is not YAML")])
def test_the_plugin_fails_a_test_on_findings_and_on_what_cannot_be_read(tmp_path: Path, text: str, status: int, said: str) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests/m.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "test_it.py").write_text(TEST, encoding="utf-8")
    installed = [] if _registered() else ["-p", "gpuplane.delivery.pytest_plugin"]
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "--rootdir", ".", "-p", "no:cacheprovider", *installed], cwd=tmp_path,
                          env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert (done.returncode, said in done.stdout) == (status, True), done.stdout + done.stderr


def test_the_hook_runs_a_command_that_is_there() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    program, command = hook["entry"].split()
    assert (program, command in cli.commands, hook["pass_filenames"]) == ("gpuplane", True, False)


def _registered() -> bool:
    from importlib.metadata import entry_points

    return any(each.name == "gpuplane" for each in entry_points(group="pytest11"))
