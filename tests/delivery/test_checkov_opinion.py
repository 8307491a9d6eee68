"""Checkov is asked, isolated from what breaks it, and decides nothing."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from gpuplane.cli import cli
from gpuplane.delivery.checkov_opinion import PYTHON, rules_by_check
from gpuplane.policies.registry import all_rules

ROOT = Path(__file__).resolve().parents[2]
CHECKOV = ROOT / ".venv-checkov/bin/python"
needs_checkov = pytest.mark.skipif(not CHECKOV.exists(), reason="no .venv-checkov: make checkov-env")
MANIFESTS = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {image: "x:latest", securityContext: {privileged: true}}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: bad, namespace: support}
spec: {schedule: "* * * * *", jobTemplate: {spec: {template: {spec: {securityContext: null, containers: [{name: a, image: a}]}}}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: words, namespace: default}
"""


def checked(folder: Path, python: Path, *arguments: str) -> tuple[int, list[dict[str, str]], str]:
    (folder / "m.yaml").write_text(MANIFESTS, encoding="utf-8")
    result = CliRunner().invoke(cli, ["check", str(folder / "m.yaml"), "--format", "json", *arguments], env={PYTHON: str(python)})
    return result.exit_code, json.loads(result.stdout)["findings"] if result.stdout else [], result.stderr


def stand_in(folder: Path, script: str) -> Path:
    """An executable in Checkov's place; it is given the script, a folder and a file to write."""
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    python.chmod(python.stat().st_mode | stat.S_IEXEC)
    return python


def test_ids_are_mapped_to_rules_that_are_there() -> None:
    assert set(rules_by_check().values()) <= {rule.id for rule in all_rules()}


def test_a_missing_checkov_is_said_before_anything_is_judged(tmp_path: Path) -> None:
    status, findings, said = checked(tmp_path, tmp_path / "nothing", "--with", "checkov")
    assert (status, findings) == (2, [])
    assert "make checkov-env" in said


def test_what_both_say_is_said_once_and_what_one_says_is_advice(tmp_path: Path) -> None:
    found = {"findings": [{"id": "CKV_K8S_16", "name": "privileged", "file": "0-0.json"}, {"id": "CKV_K8S_21", "name": "default", "file": "2.json"},
                          {"id": "CKV_K8S_99", "name": "its own", "file": "2.json"}], "broken": [{"file": "1.json", "error": "AttributeError"}]}
    python = stand_in(tmp_path, f"echo '{json.dumps(found)}' > $3")
    _, own, _ = checked(tmp_path, python)
    status, findings, _ = checked(tmp_path, python, "--with", "checkov")
    by_rule = {(finding["rule"], finding["name"]): finding["message"] for finding in findings}
    assert status == 1
    assert by_rule["WS-01", "chat"].endswith("is privileged. Checkov says so too: CKV_K8S_16.")
    assert by_rule["CKV_K8S_99", "words"] == "Checkov: its own."
    assert by_rule["checkov", "bad"] == "Checkov has no opinion about CronJob support/bad: AttributeError."
    assert ("CKV_K8S_16", "chat") not in by_rule
    assert len(findings) == len(own) + sum(rule.startswith(("CKV", "checkov")) for rule, _ in by_rule)


def test_advice_fails_no_test_and_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "ok.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: words, namespace: tools}\n", encoding="utf-8")
    found = {"findings": [{"id": "CKV_K8S_99", "name": "its own", "file": "0.json"}], "broken": []}
    python = stand_in(tmp_path, f"echo '{json.dumps(found)}' > $3")
    result = CliRunner().invoke(cli, ["check", str(tmp_path / "ok.yaml"), "--with", "checkov", "--format", "junit"], env={PYTHON: str(python)})
    assert result.exit_code == 0, result.output
    assert 'name="CKV_K8S_99"' in result.stdout
    assert "<failure" not in result.stdout


def test_a_checkov_that_ends_early_is_an_error_of_its_own(tmp_path: Path) -> None:
    status, findings, said = checked(tmp_path, stand_in(tmp_path, "echo broken >&2; exit 9"), "--with", "checkov")
    assert (status, findings) == (3, [])
    assert "exit status 9): broken" in said


@needs_checkov
def test_checkov_sees_pods_of_crds_and_loses_only_the_object_that_breaks_it(tmp_path: Path) -> None:
    _, findings, _ = checked(tmp_path, CHECKOV, "--with", "checkov")
    messages = {(finding["rule"], finding["name"]): finding["message"] for finding in findings}
    assert "CKV_K8S_16" in messages["WS-01", "chat"]
    assert "CKV_K8S_29" in {rule for rule, name in messages if name == "chat"}
    assert messages["checkov", "bad"].endswith(": AttributeError.")
    assert not [rule for rule, name in messages if name == "bad" and rule.startswith("CKV")]
