"""From an object back to the line of the field that asked for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gpuplane.delivery.source_map import SourceMap
from gpuplane.graph.resource_view import ResourceView
from gpuplane.policies.finding import Finding, Verdict
from gpuplane.spec.loader import load_environment

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("budget", ["budget_usd_per_month: 72000", "budget: {usd_per_month: 72000, block_percent: 120}",
                                    "budget:\n    usd_per_month: 72000"])
def test_a_finding_on_a_budget_points_at_the_form_that_is_written(tmp_path: Path, budget: str) -> None:
    environments = Path(shutil.copytree(ROOT / "environments", tmp_path / "environments"))
    document = environments / "prod/tenants/support.yaml"
    document.write_text(document.read_text().replace("budget_usd_per_month: 72000", budget))
    view = ResourceView("urn:x", "kubernetes:core/v1:Namespace", "v1", "Namespace", "", "support", {})
    finding = Finding("CB-01", "critical", Verdict.FAIL, "Too dear.", "Spend less.", urn="urn:x",
                      field="metadata.annotations.gpuplane.dev/monthly-budget-usd")
    found = SourceMap(load_environment(environments, "prod")).refine(finding, view)
    assert Path(found.file).name == "support.yaml"
    assert document.read_text().splitlines()[found.line - 1].strip().startswith(budget.partition(":")[0])
