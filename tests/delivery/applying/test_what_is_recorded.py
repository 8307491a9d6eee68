"""What applies and looks for drift put on an environment's record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpuplane.delivery.applying import record_events
from gpuplane.delivery.applying.digest import StackDigest
from gpuplane.delivery.applying.outcome import Outcome
from gpuplane.delivery.applying.record_events import record_end, record_no_drift, record_plan
from gpuplane.planning.promotion.releases import moved, release_digest
from gpuplane.policies.finding import Finding, Verdict
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey
from tests.delivery.applying.worlds import world

DIGEST = f"sha256:{'9f' * 32}"


def records(place: Path) -> list[dict[str, object]]:
    return [
        json.loads(line)
        for path in sorted(place.rglob("*"))
        if path.is_file()
        for line in path.read_text().splitlines()
        if line.startswith('{"at"')
    ]


@pytest.fixture
def local(tmp_path: Path) -> EnvironmentSpec:
    return world(tmp_path)


def test_a_plan_is_recorded_with_its_digests_and_the_exemptions_that_it_rests_on(
    local: EnvironmentSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPUPLANE_AUDIT", str(tmp_path / "audit"))
    waived = Finding(
        "WS-01",
        "high",
        Verdict.FAIL,
        "it runs as root",
        "",
        kind="Pod",
        namespace="search",
        name="index",
        tenant="search",
        waived="moves in spring (until 2027-01-31, search@example.com)",
    )

    record_plan(local, [StackDigest("local-tenants", StackKey("tenants"), DIGEST, 7)], [waived])
    plan, exemption = records(tmp_path / "audit")

    assert (plan["kind"], plan["result"], plan["detail"]) == ("plan", "made", {"stacks": {"local-tenants": DIGEST}})
    assert (exemption["kind"], exemption["subject"], exemption["result"]) == ("exemption", "WS-01", "used")
    assert exemption["detail"] == {
        "count": 1,
        "tenants": ["search"],
        "waived": [{"object": "Pod search/index", "rule": "WS-01", "tenant": "search", "why": waived.waived}],
    }


def test_a_plan_without_exemptions_is_one_record(local: EnvironmentSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPUPLANE_AUDIT", str(tmp_path / "audit"))

    record_plan(local, [], [])

    assert [each["kind"] for each in records(tmp_path / "audit")] == ["plan"]


def test_that_nothing_drifted_is_recorded_or_it_is_said_that_it_is_not(
    local: EnvironmentSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GPUPLANE_AUDIT", str(tmp_path / "audit"))
    record_no_drift(local, ["local-platform"])
    monkeypatch.setenv("GPUPLANE_AUDIT", "https://api.pulumi.com")
    record_no_drift(local, [])

    (found,) = records(tmp_path / "audit")
    assert (found["kind"], found["result"], found["detail"]) == ("drift", "none", {"not_applied": ["local-platform"], "whole": True})
    assert "not in the audit" in capsys.readouterr().err


def test_an_apply_names_the_release_of_each_service_in_as_many_records_as_it_takes(
    local: EnvironmentSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPUPLANE_AUDIT", str(tmp_path / "audit"))
    outcomes = [
        Outcome(StackKey("platform"), "local-platform", "unchanged", attempts=1),
        Outcome(StackKey("tenants"), "local-tenants", "applied", attempts=1),
        Outcome(StackKey("tenants"), "local-other", "done before"),
    ]
    releases = {name: release_digest(moved(entry.document.spec)) for name, entry in local.services.items() if not entry.role}
    assert len(releases) > 1

    record_end(local, outcomes, {})
    monkeypatch.setattr(record_events, "_SERVICES", 1)
    record_end(local, outcomes, {})
    whole, *parts = records(tmp_path / "audit")

    stacks = [dict(each["detail"]["stacks"]) for each in (whole, *parts)]  # type: ignore[index]
    assert {name: each["services"] for name, each in stacks[0].items()} == {"local-platform": {}, "local-tenants": releases}
    assert [{name: len(each["services"]) for name, each in part.items()} for part in stacks[1:]] == [
        {"local-platform": 0, "local-tenants": 1},
        *[{"local-tenants": 1}] * (len(releases) - 1),
    ]
    assert {name: digest for part in stacks[1:] for name, digest in part["local-tenants"]["services"].items()} == releases
    assert all(each["result"] == "done" for each in (whole, *parts))
