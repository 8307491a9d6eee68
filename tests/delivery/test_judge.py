"""A change cannot rewrite its own judge: whatever it does to rules, budgets, facts and exemptions, the base's count, and it is said first."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gpuplane.delivery.codeowners import codeowners
from gpuplane.delivery.judge import bound, file_changes, judge_changes
from gpuplane.policies.finding import JUDGE_CHANGE
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.loader import load_environment
from tests.delivery.files import edit
from tests.planning.wish import valid

ROOT = Path(__file__).resolve().parents[2]
BUDGET = "budget_usd_per_month: 72000"
EXEMPTION = """exemptions:
    - rule: WS-01
      resource: {kind: InferenceService, namespace: support, name: chat}
      owner: support
      reason: we allow ourselves
      approval: nobody
      expires: "2026-12-31\""""


def _commit(folder: Path) -> None:
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "all"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Path]:
    """Wishes in git; on main the tenant's budget is too small for what it runs."""
    environments = Path(shutil.copytree(ROOT / "environments", tmp_path / "environments"))
    edit(environments / "prod/tenants/support.yaml", BUDGET, "budget_usd_per_month: 35000")
    _commit(tmp_path)
    return tmp_path


def _judged(repository: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gpuplane", "preview", "prod", "--judge", "main", "--environments", "environments",
               "--as-of", "2026-11-21", *arguments]
    environment = {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1", **variables}
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False, env={**os.environ, **environment})


def _report(repository: Path, **variables: str) -> dict[str, Any]:
    done = _judged(repository, "--format", "json", **variables)
    report: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode == 0) == (report["verdict"] == "pass"), done.stderr
    return report


def test_a_change_that_raises_its_budget_and_exempts_itself_is_judged_by_the_base(repository: Path) -> None:
    edit(repository / "environments/prod/tenants/support.yaml", "budget_usd_per_month: 35000", BUDGET)
    edit(repository / "environments/prod/exemptions.yaml", "exemptions: []", EXEMPTION)

    report = _report(repository)

    assert report["verdict"] == "fail"
    assert any("CB-01" in sentence and "35 000" in sentence for sentence in report["blocking"])
    first, second = report["findings"][:2]
    assert {first["rule"], second["rule"]} == {JUDGE_CHANGE}
    assert {first["file"], second["file"]} == {"environments/prod/tenants/support.yaml", "environments/prod/exemptions.yaml"}
    assert report["judge"]["ref"] == "main"
    assert any('budget_usd_per_month of Tenant support is "72000" here and "35000" at main' in change for change in report["judge"]["changes"])
    assert any("waives nothing yet" in change for change in report["judge"]["changes"])


@pytest.mark.parametrize("output_format", ["text", "markdown", "html", "sarif", "junit"])
def test_changes_to_the_judge_come_first_in_every_format(repository: Path, output_format: str) -> None:
    edit(repository / "environments/prod/tenants/support.yaml", "budget_usd_per_month: 35000", BUDGET)

    said = _judged(repository, "--format", output_format).stdout

    change = said.index("of Tenant support is")
    assert not [match.start() for match in re.finditer(r"is over its budget|CB-01: ", said) if 0 < match.start() < change
                and output_format in ("text", "markdown", "html")]
    assert "at main" in said[change:change + 400]


def test_the_bases_own_program_judges_and_this_sides_never_runs(tmp_path: Path) -> None:
    for name in ("gpuplane", "components", "policies", "stacks", "environments"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    edit(tmp_path / "environments/prod/tenants/support.yaml", BUDGET, "budget_usd_per_month: 35000")
    _commit(tmp_path)
    for file in ("gpuplane/delivery/preview.py", "policies/rules/cost/committed_over_budget.py", "sitecustomize.py"):
        (tmp_path / file).write_text("raise SystemExit('this side ran')\n")

    report = _report(tmp_path)

    assert report["verdict"] == "fail"
    assert any("CB-01" in sentence for sentence in report["blocking"])
    listed = {finding["file"] for finding in report["findings"] if finding["rule"] == JUDGE_CHANGE}
    assert listed == {"gpuplane/delivery/preview.py", "policies/rules/cost/committed_over_budget.py"}


def test_a_program_that_is_too_old_to_judge_is_refused(repository: Path) -> None:
    (repository / "gpuplane").mkdir()
    (repository / "gpuplane/__init__.py").write_text("")
    _commit(repository)

    done = _judged(repository)

    assert (done.returncode, "older than --judge" in done.stderr) == (2, True)


def test_an_environment_without_a_judge_is_unknown(repository: Path) -> None:
    shutil.copytree(repository / "environments/local", repository / "environments/new")
    for file in ("environment", "exemptions"):
        edit(repository / f"environments/new/{file}.yaml", "name: local", "name: new")

    done = _judged(repository, "--format", "json")
    assert "new" not in {finding["name"] for finding in json.loads(done.stdout)["findings"]}
    command = [sys.executable, "-m", "gpuplane", "preview", "new", "--judge", "main", "--environments", "environments", "--as-of",
               "2026-11-21", "--format", "json"]
    fresh = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})

    assert (fresh.returncode, json.loads(fresh.stdout)["verdict"]) == (1, "unknown")
    assert any(sentence.startswith("JU-02: new is not at main") for sentence in json.loads(fresh.stdout)["blocking"])


def _sides(path: str, value: Any) -> tuple[EnvironmentSpec, EnvironmentSpec]:
    return valid().put(path, value).spec(), valid().spec()


@pytest.mark.parametrize(("path", "value", "field"), [
    ("environment spec.policies", {"production": False, "allow_unknown": ["WS-01"]}, "policies"),
    ("environment spec.allowed_registries", ["evil.example.com/"], "allowed_registries"),
    ("environment spec.pod_security", "baseline", "pod_security"),
    ("environment spec.budget_usd_per_month", 9999999, "budget_usd_per_month"),
    ("tenants/acme spec.budget_usd_per_month", 9999999, "budget_usd_per_month")])
def test_what_judges_is_the_bases_and_what_is_judged_is_the_heads(path: str, value: Any, field: str) -> None:
    head, base = _sides(path, value)

    (change,) = judge_changes(head, base, "main")
    judged = bound(head, base)

    assert (change.rule, change.blocks, change.field) == (JUDGE_CHANGE, False, f"spec.{field}")
    assert (judged.environment.spec, judged.tenants, judged.exemptions) == (base.environment.spec, base.tenants, base.exemptions)
    assert list(judge_changes(judged, base, "main")) == []
    assert (judged.services, judged.pools) == (head.services, head.pools)


@pytest.mark.parametrize(("file", "judges"), [
    ("gpuplane/planning/plan.py", True), ("policies/rules/workloads/root_user.py", True), (".github/CODEOWNERS", True),
    (".github/workflows/up.yaml", True), ("locks/program.txt", True), ("environments/catalog.yaml", True), ("environments/prices.yaml", True),
    ("environments/prod/services/support/chat.yaml", False), ("environments/prod/node-pools/a100.yaml", False), ("README.md", False), ("requirements.txt", True),
    (".gitlab-ci.yml", True), (".gitlab/gpuplane.yaml", True),
    ("environments/runtimes/sglang.yaml", True), ("environments/prod/throughput/x.yaml", True)])
def test_which_files_judge(file: str, judges: bool) -> None:
    assert bool(list(file_changes([file], "environments", "main"))) == judges


def _owner(text: str, path: str) -> str:
    rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return [owner for pattern, owner in rows if pattern == "*" or f"/{path}".startswith(pattern)][-1]


def test_tenants_own_their_services_and_the_platform_team_the_rest() -> None:
    text = codeowners(ROOT / "environments", "environments", "platform@example.com")

    assert text == (ROOT / ".github/CODEOWNERS").read_text(encoding="utf-8")
    for environment in ("dev", "prod"):
        for name, tenant in load_environment(ROOT / "environments", environment).tenants.items():
            assert _owner(text, f"environments/{environment}/services/{name}/chat.yaml") == tenant.spec.owner
            assert _owner(text, f"environments/{environment}/tenants/{name}.yaml") == "platform@example.com"
    for path in ("environments/prod/exemptions.yaml", "policies/rule.py", ".github/CODEOWNERS", "environments/catalog.yaml"):
        assert _owner(text, path) == "platform@example.com"


def test_an_owner_that_no_code_host_knows_is_the_platforms(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    edit(tmp_path / "environments/prod/tenants/support.yaml", "owner: support-platform@example.com", "owner: the support people")

    text = codeowners(tmp_path / "environments", "environments", "@example/platform")

    assert _owner(text, "environments/prod/services/support/chat.yaml") == "@example/platform"
    assert "'the support people' is neither" in text
    with pytest.raises(ValueError, match="is no owner"):
        codeowners(tmp_path / "environments", "environments", "the platform team")
