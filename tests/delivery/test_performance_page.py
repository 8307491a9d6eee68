"""The page of figures has a row for each stage that is measured: a stage that goes by another name would fail after half an hour."""

from pathlib import Path

from benchmarks import report


def test_every_stage_of_the_page_is_measured(tmp_path: Path) -> None:
    found = [report.stages(tmp_path / str(tenants), tenants) for tenants in (2, 3)]

    rows = {row[0]: row[1:] for row in report._rows(found)}

    assert set(rows) >= set(report._STAGES)
    assert all(float(rows[stage][0].partition(" + ")[0]) > 0 for stage in ("loading", "planning", "rendering", "policies, digests", "whole preview"))
