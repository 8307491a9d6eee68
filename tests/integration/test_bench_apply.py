"""The measurement of applies: every way that is here brings the same objects, and what is not here is said and not guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.apply_ways import WAYS
from benchmarks.bench_apply import main, measured, table
from tests.integration.local_manifests import write_manifests

pytestmark = pytest.mark.integration


def test_each_way_that_is_here_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ways = ("gpuplane up", "raw Pulumi")

    main(["--tenants", "3", "--crds", str(write_manifests(tmp_path / "manifests")), *(f"--way={way}" for way in ways),
          "--results", str(tmp_path / "results.json")])

    said = capsys.readouterr().out
    for way in ways:
        assert f"| {way} |" in said
    assert (tmp_path / "results.json").read_text().count('"writes"') == len(ways)


def test_what_is_not_here_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    found = measured(3, [])

    assert [way for way, one in found["ways"].items() if "not_here" not in one] == []
    assert found["objects"] > 80
    assert "kubectl apply: not here (no kubectl on PATH)." in list(table(found))
    assert set(found["ways"]) == set(WAYS)
