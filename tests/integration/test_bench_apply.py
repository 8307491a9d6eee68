"""The measurement of applies: every way that is here brings the same objects, and what is not here is said and not guessed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.apply_ways import WAYS
from benchmarks.bench_apply import main, measured, table
from tests.integration.local_manifests import write_manifests

pytestmark = pytest.mark.integration


def test_each_way_that_is_here_makes_the_same_objects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = [way for way in WAYS if not WAYS[way].missing()]

    status = main(["--tenants", "3", "--crds", str(write_manifests(tmp_path / "manifests")), *(f"--way={way}" for way in there),
                   "--results", str(tmp_path / "results.json")])

    said = capsys.readouterr()
    assert status == 0, said.err
    assert {"gpuplane up", "raw Pulumi"} <= set(there)
    found = json.loads((tmp_path / "results.json").read_text())
    for way in there:
        assert f"| {way} |" in said.out
        assert f"{way}: applying, " in said.err
        assert found["objects"] == found["ways"][way]["writes"] <= found["ways"][way]["requests"]
    assert found["making"]["wall"] > 0


def test_what_would_not_be_served_is_said_before_anything_is_applied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tenants", "2", "--way", "raw Pulumi", "--results", str(tmp_path / "results.json")]) == 2

    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("bench-apply: no CRD among the manifests defines ClusterQueue (kueue.x-k8s.io/")
    assert not (tmp_path / "results.json").exists()


def test_what_is_not_here_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    found = measured(3, [])

    assert [way for way, one in found["ways"].items() if "not_here" not in one] == []
    assert found["objects"] > 80
    assert "kubectl apply: not here (no kubectl on PATH)." in list(table(found))
    assert "cdk8s + kubectl: left out, no python3 on PATH that has cdk8s, no node on PATH, no kubectl on PATH" in capsys.readouterr().err
    assert set(found["ways"]) == set(WAYS)


def test_without_a_control_plane_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pulumi").write_text("#!/bin/sh\n")
    (tmp_path / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)

    assert main(["--tenants", "2"]) == 2

    assert capsys.readouterr().err == "bench-apply: no etcd, kube-apiserver, kube-controller-manager in KUBEBUILDER_ASSETS or on PATH.\n"
