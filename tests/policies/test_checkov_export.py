"""Checkov runs the exported rules on their own examples, and says what we say."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import date
from pathlib import Path

import pytest

from gpuplane.graph.manifests import views_of_text
from gpuplane.policies.checkov_export import check_id, export, exported, findings
from gpuplane.policies.rule import Rule

ROOT = Path(__file__).resolve().parents[2]
CHECKOV = ROOT / ".venv-checkov/bin/python"
IDS = ("WS-01", "WS-05", "SC-01")


@pytest.mark.parametrize("rule", exported(), ids=lambda rule: rule.id)
def test_a_rule_says_of_one_object_of_its_failing_examples_what_it_says_of_all(rule: Rule) -> None:
    said = [findings(rule, {**view.props, "__startline__": 1}, date(2026, 11, 21))
            for example in rule.FAILS for view in views_of_text(example.yaml) if view.is_kubernetes]
    assert any(said)


def test_what_is_no_kubernetes_object_has_no_findings() -> None:
    assert findings(exported()[0], {"kind": "Chart"}, date(2026, 11, 21)) == ()


@pytest.mark.skipif(not CHECKOV.exists(), reason="no .venv-checkov: make checkov-env")
def test_checkov_runs_them(tmp_path: Path) -> None:
    export(tmp_path / "checks")
    rules = [rule for rule in exported() if rule.id in IDS]
    for rule in rules:
        for verdict, examples in (("good", rule.PASSES), ("bad", rule.FAILS)):
            file = tmp_path / "manifests" / f"{rule.id}-{verdict}.yaml"
            file.parent.mkdir(exist_ok=True)
            file.write_text(examples[0].yaml, encoding="utf-8")
    done = subprocess.run(
        [CHECKOV, "-m", "checkov.main", "--framework", "kubernetes", "-d", tmp_path / "manifests", "--external-checks-dir", tmp_path / "checks",
         "-o", "json", "--quiet", "--compact", "--check", ",".join(check_id(rule) for rule in rules)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "LOG_LEVEL": "CRITICAL"}, capture_output=True, text=True, cwd=tmp_path)
    report = json.loads(done.stdout)
    failed = {(check["check_id"], Path(check["file_path"]).name) for check in report["results"]["failed_checks"]}
    for rule in rules:
        assert (check_id(rule), f"{rule.id}-bad.yaml") in failed, done.stderr
        assert (check_id(rule), f"{rule.id}-good.yaml") not in failed
