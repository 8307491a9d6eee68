"""The user's own facts in whole commands: plan and rules see the same file, and each side of a comparison its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gpuplane.cli import cli
from gpuplane.delivery import preview as previews
from gpuplane.delivery.comparison import OtherSide
from gpuplane.spec.loader import load_environment

AS_OF = date(2026, 11, 21)
ROOT = Path(__file__).resolve().parents[2]
HEAD = "apiVersion: gpuplane/v1\nkind: Catalog\nmetadata: {name: catalog}\nspec:\n"
ROW = "    - {{instance: {0}, region: eu-central-1, offer: on_demand, usd_per_hour: {1}, source: our contract, as_of: 2026-11-01}}\n"
NODE = ("  instances:\n    x1.4xlarge: {gpus: 1, gpu: L40S-48GB, vcpus: 16, memory_gib: 128, arch: x86_64, source: our data centre, "
        "as_of: 2026-11-01}\n")


@pytest.fixture
def environments(tmp_path: Path) -> Path:
    """A copy of the repository's environments."""
    return Path(shutil.copytree(ROOT / "environments", tmp_path / "environments"))


def preview(environments: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["preview", "prod", "--environments", str(environments), "--as-of", "2026-11-21", *options])


def report(environments: Path, *options: str) -> Any:
    return json.loads(preview(environments, "--format", "json", *options).stdout)


def own(environments: Path, rows: str) -> None:
    (environments / "catalog.yaml").write_text(HEAD + rows, encoding="utf-8")


def rent(environments: Path, instance_type: str) -> None:
    path = environments / "prod" / "node-pools" / "l40s.yaml"
    path.write_text(path.read_text().replace("g6e.4xlarge", instance_type))


def test_an_instance_type_that_only_the_user_knows_passes_plan_and_rules(environments: Path) -> None:
    rent(environments, "x1.4xlarge")
    assert {finding["rule"] for finding in report(environments)["findings"] if finding["verdict"] == "fail"} == {"NP-01"}
    own(environments, NODE + "  prices:\n" + ROW.format("x1.4xlarge", "3.5"))
    found = report(environments)
    assert (found["verdict"], found["blocking"]) == ("pass", [])
    assert found["plan"]["pools"]["l40s"]["usd_per_node_hour"] == "3.5"
    assert found["plan"]["pools"]["l40s"]["price_source"] == "our contract"


def test_each_side_of_a_comparison_reads_its_own_file(environments: Path) -> None:
    own(environments, "  prices:\n" + ROW.format("g6e.4xlarge", "3"))
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "all"]):
        subprocess.run(["git", *command], cwd=environments.parent, check=True)
    own(environments, "  prices:\n" + ROW.format("g6e.4xlarge", "2"))
    with OtherSide(environments, "prod", "main", AS_OF) as other:
        here = previews.preview(load_environment(environments, "prod"), AS_OF)
        there = other.compared_with(here).plan
    pool = here.plan.pools["l40s"]
    assert pool.usd_per_node_hour == 2
    assert there is not None
    assert there["pools"]["l40s"]["usd_per_node_hour"] == "3"
    assert pool.committed_usd_per_month is not None
    assert Decimal(there["pools"]["l40s"]["committed_usd_per_month"]) - pool.committed_usd_per_month == pool.committed_nodes * 730


def test_a_shared_file_that_is_wrong_stops_every_environment(environments: Path) -> None:
    own(environments, "  prices: nothing\n")
    done = preview(environments)
    assert done.exit_code == 2
    assert "catalog.yaml:5 spec.prices: " in done.output
