"""``gpuplane cost``: the tables, the comparison with another ref, the exit status, and the JSON with its schema."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from gpuplane.cli import cli
from gpuplane.delivery.published_schemas import published_schemas
from tests.delivery.files import edit
from tests.delivery.golden import assert_golden

ROOT = Path(__file__).resolve().parents[2]
AS_OF = "2026-11-21"
LEVELS = ("minimum", "expected", "worst_case")


@pytest.fixture
def environments(tmp_path: Path) -> Path:
    """A copy of the repository's environments, committed to a repository that holds nothing else."""
    folder = Path(shutil.copytree(ROOT / "environments", tmp_path / "wishes" / "environments"))
    for arguments in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "wishes")):
        _git(folder.parent, *arguments)
    return folder


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments], cwd=folder, check=True)


def _run(*arguments: str, environments: Path) -> Result:
    return CliRunner().invoke(cli, ["cost", *arguments, "--environments", str(environments), "--as-of", AS_OF])


def _json(*arguments: str, environments: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(_run(*arguments, "--format", "json", environments=environments).stdout)
    assert [error.message for error in Draft202012Validator(published_schemas()["cost.json"]).iter_errors(value)] == []
    return value


@pytest.mark.parametrize("environment", ["local", "dev", "staging", "prod"])
def test_each_way_to_divide_the_month_adds_up_to_its_total(environment: str, environments: Path) -> None:
    value = _json(environment, environments=environments)
    for level in LEVELS:
        sums: dict[str, Decimal] = {}
        for row in value["rows"]:
            if row["kind"] not in ("idle", "beyond") or not row["name"]:
                sums[row["kind"]] = sums.get(row["kind"], Decimal(0)) + Decimal(row[level]["now_usd_per_month"])
        others = sums.get("others", Decimal(0))
        assert sums["pools"] + others == sums["total"]
        assert sums["services"] + others + sums["idle"] - sums["beyond"] == sums["total"]
        assert sums["tenants"] + sums["idle"] - sums["beyond"] == sums["total"]  # nobody declares anything beside the nodes here
    assert value["verdict"] == "pass"


@pytest.mark.parametrize("by", ["tenant", "service", "pool"])
@pytest.mark.parametrize("form", ["text", "markdown"])
def test_the_table_of_prod_by_each_part(by: str, form: str, environments: Path) -> None:
    result = _run("prod", "--by", by, "--format", form, environments=environments)
    assert result.exit_code == 0
    assert_golden(f"cost-prod-{by}.{'txt' if form == 'text' else 'md'}", result.stdout)


def test_a_change_is_shown_at_every_level_with_its_percentage(environments: Path) -> None:
    service = environments / "prod/services/support/chat.yaml"
    edit(service, "min_replicas: 2", "min_replicas: 3")
    result = _run("prod", "--against", "HEAD", "--format", "markdown", environments=environments)
    assert_golden("cost-prod-against.md", result.stdout.partition("<sub>")[0])
    value = _json("prod", "--against", "HEAD", environments=environments)
    before, after = _json("prod", environments=environments), value
    row = next(row for row in after["rows"] if (row["kind"], row["name"]) == ("services", "support/chat"))
    assert Decimal(row["minimum"]["change_usd_per_month"]) > 0
    assert row["minimum"]["change_percent"] == "50"
    totals = [next(row for row in side["rows"] if row["kind"] == "total") for side in (before, after)]
    assert totals[0]["minimum"]["now_usd_per_month"] == totals[1]["minimum"]["now_usd_per_month"]


def test_an_environment_that_is_new_and_a_ref_that_cannot_be_read_say_so(environments: Path) -> None:
    shutil.copytree(environments / "prod", environments / "spare")
    edit(environments / "spare/environment.yaml", "name: prod\n", "name: spare\n")
    edit(environments / "spare/exemptions.yaml", "name: prod\n", "name: spare\n")
    new = _json("spare", "--against", "HEAD", environments=environments)
    assert {row["minimum"]["before_usd_per_month"] for row in new["rows"]} == {"0.00"}
    edit(environments / "prod/environment.yaml", "cloud: aws", "cloud: moon")
    _git(environments.parent, "commit", "--quiet", "-am", "wrong")
    edit(environments / "prod/environment.yaml", "cloud: moon", "cloud: aws")
    broken = _json("prod", "--against", "HEAD", environments=environments)
    assert "prod/environment.yaml" in broken["against"]["note"]
    assert {row["minimum"]["before_usd_per_month"] for row in broken["rows"]} == {None}


@pytest.mark.parametrize(("file", "old", "new", "rule"), [
    ("tenants/support.yaml", "budget_usd_per_month: 72000", "budget_usd_per_month: 100", "CB-01"),
    ("tenants/support.yaml", "budget_usd_per_month: 72000", "budget: {usd_per_month: 50000, worst_case_percent: 110}", "CB-02"),
    ("environment.yaml", "region: eu-central-1\n", "region: eu-west-3\n", "CB-05")])
def test_a_broken_budget_or_an_unknown_price_exits_with_1(file: str, old: str, new: str, rule: str, environments: Path) -> None:
    edit(environments / "prod" / file, old, new)
    result = _run("prod", environments=environments)
    assert result.exit_code == 1
    assert f"\n{rule}: " in result.stdout
    assert "fail: " in result.stdout.splitlines()[-1]


@pytest.mark.parametrize(("limits", "refused"), [
    ("max_percent: 5", True), ("max_percent: 7", False), ("max_usd_per_month: 1000", True),
    ("max_percent: 5, approved_usd_per_month: 46000", False), ("max_percent: 5, approved_usd_per_month: 45000", True)])
def test_an_increase_over_the_limit_needs_an_approval(limits: str, refused: bool, environments: Path) -> None:
    edit(environments / "prod/tenants/support.yaml", "budget_usd_per_month: 72000",
          f"budget: {{usd_per_month: 72000, increase: {{{limits}}}}}")
    edit(environments / "prod/services/support/chat.yaml", "min_replicas: 2", "min_replicas: 3")
    result = _run("prod", "--against", "HEAD", environments=environments)
    assert (result.exit_code == 1) == refused
    assert ("CB-03: " in result.stdout) == refused


def test_what_tokens_and_requests_cost_is_shown_by_service_with_who_says_so() -> None:
    example = ROOT / "docs/examples/04-chat-tokens-per-dollar/environments"
    text = _run("chat", "--by", "service", environments=example).stdout
    assert re.search(r"\nassistants/chat +41\.84 +0\.3265 +published\n", text)
    assert "| assistants/chat | 41.84 | 0.3265 | published |" in _run(
        "chat", "--by", "service", "--format", "markdown", environments=example).stdout
    rows = {row["name"]: row["unit_costs"] for row in _json("chat", environments=example)["rows"] if row["kind"] == "services"}
    assert rows["assistants/chat"] == {"provenance": "published", "usd_per_million_output_tokens": "0.3265",
                                       "usd_per_node_hour": "0.9776", "usd_per_request": "0.00004184"}
    assert "kept busy" not in _run("staging", "--by", "service", environments=ROOT / "environments").stdout
