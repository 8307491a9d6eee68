"""``gpuplane capacity``: the table and what waits, the files, the exit status, the cheapest fleet, and the JSON with its schema."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ET
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
CHAT_EXAMPLE = ROOT / "docs/examples/04-chat-tokens-per-dollar/environments"


@pytest.fixture
def environments(tmp_path: Path) -> Path:
    """A copy of the repository's environments, to be changed."""
    return Path(shutil.copytree(ROOT / "environments", tmp_path / "environments"))


def _run(*arguments: str, environments: Path = ROOT / "environments") -> Result:
    return CliRunner().invoke(cli, ["capacity", *arguments, "--environments", str(environments), "--as-of", AS_OF])


def _json(*arguments: str, environments: Path = ROOT / "environments") -> dict[str, Any]:
    value: dict[str, Any] = json.loads(_run(*arguments, "--format", "json", environments=environments).stdout)
    assert [error.message for error in Draft202012Validator(published_schemas()["capacity.json"]).iter_errors(value)] == []
    return value


def test_the_table_of_prod() -> None:
    result = _run("prod")
    assert result.exit_code == 0
    assert_golden("capacity-prod.txt", result.stdout)


@pytest.mark.parametrize("environment", ["local", "dev", "staging", "prod"])
def test_the_figures_of_a_row_follow_from_each_other(environment: str) -> None:
    value = _json(environment)
    assert value["refusals"] == []
    assert value["cheapest"] is None
    for row in value["rows"]:
        assert row["guaranteed"] <= row["at_most"]
        assert row["at_most"] == row["nominal"] + row["may_borrow"]
        assert row["head_room"] == row["at_most"] - row["peak"] >= 0
        assert row["committed_at_minimum"] <= row["peak"]
        assert len(row["lenders"]) <= row["lender_count"]
    assert value["admission"]["at_minimum"]["pending"] == {}


def test_the_written_files_are_what_is_printed_and_the_same_twice(tmp_path: Path) -> None:
    runs = [_run("prod", "--out", str(tmp_path / name)) for name in ("first", "second/below")]
    first, second = ({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in ("first", "second/below"))
    assert first == second
    assert first.keys() == {"capacity.json", "capacity.txt", "capacity.svg"}
    assert first["capacity.txt"].decode() == runs[0].stdout == runs[1].stdout
    assert json.loads(first["capacity.json"]) == _json("prod")
    assert ET.fromstring(first["capacity.svg"]).tag == "{http://www.w3.org/2000/svg}svg"


def test_what_the_plan_refuses_is_said_and_exits_with_1(environments: Path) -> None:
    edit(environments / "prod/services/support/chat.yaml", "max_replicas: 4", "max_replicas: 50")
    result = _run("prod", environments=environments)
    assert result.exit_code == 1
    assert "✗ QF-04 " in result.stdout
    value = _json("prod", environments=environments)
    assert any(refusal["rule"] == "QF-04" and refusal["tenant"] == "support" for refusal in value["refusals"])
    assert value["admission"]["at_maximum"]["pending"]["support/chat"] > 0
    assert value["admission"]["at_minimum"]["pending"] == {}


def test_an_environment_that_is_not_there_or_wrong_exits_with_2(environments: Path) -> None:
    missing = _run("moon")
    assert missing.exit_code == 2
    assert "moon" in missing.stderr
    edit(environments / "prod/environment.yaml", "cloud: aws", "cloud: moon")
    wrong = _run("prod", environments=environments)
    assert wrong.exit_code == 2
    assert "prod/environment.yaml:" in wrong.stderr
    assert wrong.stdout == ""


def test_a_file_where_the_folder_should_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    assert _run("prod", "--out", str(tmp_path / "taken")).exit_code == 2


def test_the_cheapest_fleet_is_no_dearer_than_the_declared_one_and_not_below_its_bound() -> None:
    found = _json("chat", "--cheapest", environments=CHAT_EXAMPLE)["cheapest"]
    assert [row["service"] for row in found["services"]] == ["assistants/chat"]
    for row in found["services"]:
        assert Decimal(row["bound_usd_per_month"]) <= Decimal(row["cheapest_usd_per_month"]) <= Decimal(row["declared_usd_per_month"])
    declared, cheapest = (Decimal(found[side]["usd_per_month"]) for side in ("declared", "cheapest"))
    assert Decimal(found["cheapest"]["bound_usd_per_month"]) <= cheapest <= declared
    assert Decimal(found["overpaid_usd_per_month"]) == declared - cheapest


def test_the_cheapest_fleet_in_words(environments: Path) -> None:
    for name, always in (("search/embeddings", 2), ("search/query-rewriter", 1), ("support/chat", 1)):  # as if nothing slept at night
        path = environments / f"dev/services/{name}.yaml"
        path.write_text(re.sub(r"  scaling:\n(    .*\n)+", f"  scaling: {{min_replicas: {always}, max_replicas: {always}}}\n", path.read_text()))
    text = _run("dev", "--cheapest", environments=environments).stdout
    assert "Cheapest plan that meets the objectives" in text
    assert "\n  research/resnet50: declared 535.45, cheapest 535.45, nothing costs less than 535.45; throughput published\n" in text
    assert "\n  total cheapest: 4 188.35 (4 × pool l4, 1 × pool l40s), nothing costs less than 4 188.35\n" in text
    assert "No service has objectives" in _run("staging", "--cheapest").stdout


def test_an_error_leaves_no_former_figures_and_nobody_elses_file_is_touched(environments: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert _run("prod", "--out", str(out), environments=environments).exit_code == 0
    path = environments / "prod" / "tenants" / "support.yaml"
    path.write_text(path.read_text().replace("owner: ", "ownr: "))

    assert _run("prod", "--out", str(out), environments=environments).exit_code == 2
    assert list(out.iterdir()) == []

    (out / "capacity.txt").write_text("mine")
    found = _run("prod", "--out", str(out), environments=environments)
    assert (found.exit_code, (out / "capacity.txt").read_text()) == (2, "mine")
    assert "was not written by gpuplane" in found.stderr
