"""Gates on the state of things: soak, cost, drift, approvals, waves. Times are inputs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gpuplane.planning.money.month import UNKNOWN, Month
from gpuplane.planning.promotion.gate import GateResult, verdict
from gpuplane.planning.promotion.state_gates import (
    DriftResult,
    Running,
    approval_result,
    cost_results,
    drift_results,
    soak_result,
)
from gpuplane.planning.promotion.waves import next_services, wave_of, wave_results
from gpuplane.spec.evaluation import Approval, ApprovalSpec
from gpuplane.spec.promotion import ApprovalGate, CostGate, DriftGate, Wave

HOUR = 3600
RELEASE = "sha256:" + "a1" * 32


@pytest.mark.parametrize(("hours", "at_least", "state"), [(24, False, "pass"), (23, False, "fail"), (23, True, "unknown"), (25, True, "pass"), (-3, False, "fail")])
def test_a_release_soaks_in_the_source(hours: int, at_least: bool, state: str) -> None:
    found = soak_result(24, "acme/chat", Running("staging", 1_000_000_000 - hours * HOUR, "c0ffee", at_least), 1_000_000_000)

    assert found.state == state, found.said


@pytest.mark.parametrize(("limits", "after", "states"), [
    ({"max_increase_percent": 10}, "1100", ["pass", "pass"]), ({"max_increase_percent": 10}, "1100.01", ["fail", "fail"]),
    ({"max_increase_usd_per_month": 50}, "1050", ["pass", "pass"]), ({"max_increase_percent": 50, "max_increase_usd_per_month": 50}, "1100",
                                                                    ["pass", "fail"] * 2), ({"max_increase_percent": 0}, "900", ["pass", "pass"])])
def test_the_target_may_cost_only_so_much_more(limits: dict[str, Any], after: str, states: list[str]) -> None:
    month = [Month(Decimal(0), Decimal(each), Decimal(each)) for each in ("1000", after)]

    assert [each.state for each in cost_results(CostGate.model_validate(limits), *month)] == states


def test_a_cost_that_is_not_known_is_not_zero() -> None:
    assert {each.state for each in cost_results(CostGate(max_increase_percent=Decimal(5)), UNKNOWN, Month(Decimal(0), Decimal(0), Decimal(0)))} == {"unknown"}


@pytest.mark.parametrize(("ages", "drifted", "states"), [
    ({"a": 1, "b": 2}, {}, ["pass", "pass"]), ({"a": 1, "b": 25}, {}, ["pass", "unknown"]), ({"a": 1}, {}, ["pass", "unknown"]),
    ({"a": 1, "b": 2}, {"b": ("Service x",)}, ["pass", "fail"]), ({"a": -1, "b": 2}, {}, ["unknown", "pass"])])
def test_somebody_looked_for_drift_lately_and_found_none(ages: dict[str, int], drifted: dict[str, Any], states: list[str]) -> None:
    results = [DriftResult(name, 1_000_000 - age * HOUR, drifted.get(name, ()), RELEASE) for name, age in ages.items()]

    assert [each.state for each in drift_results(DriftGate(), {"source": "a", "target": "b"}, results, 1_000_000)] == states


def test_the_newest_look_counts() -> None:
    results = [DriftResult("a", 100, ("Service x",), RELEASE), DriftResult("a", 200, (), RELEASE)]

    assert next(drift_results(DriftGate(environments=("source",)), {"source": "a", "target": "b"}, results, 300)).state == "pass"


AUDIT = "file:///audit"


@pytest.mark.parametrize(("looks", "state"), [
    ([(200, (), 1, AUDIT), (100, ("Service x",), 2, AUDIT)], "fail"),  # a clock that is behind makes no look an older one
    ([(200, (), 1, AUDIT), (301, ("Service x",), 2, AUDIT)], "fail"),  # nor does one that is ahead make it none
    ([(200, (), 1, AUDIT), (301, (), 2, AUDIT)], "unknown"),
    ([(301, ("Service x",), 1, AUDIT), (200, (), 2, AUDIT)], "pass"),  # repaired
    ([(200, (), 0, ""), (301, ("Service x",), 0, "")], "fail"), ([(301, (), 0, ""), (200, ("Service x",), 0, "")], "unknown"),
    ([(301, (), 0, ""), (302, ("Service x",), 0, ""), (303, (), 0, "")], "fail"), ([(200, (), 0, ""), (200, ("Service x",), 0, "")], "fail"),
    ([(100, ("Service x",), 7, AUDIT), (200, (), 3, "sha256:f11e")], "pass"),  # places in two audits say nothing of each other
])
def test_what_was_seen_last_counts_whatever_the_clocks_say(looks: list[tuple[int, tuple[str, ...], int, str]], state: str) -> None:
    results = [DriftResult("a", seconds, drifted, f"sha256:{audit}{sequence}", sequence, audit) for seconds, drifted, sequence, audit in looks]

    for order in (results, results[::-1]):
        assert next(drift_results(DriftGate(environments=("source",)), {"source": "a", "target": "b"}, order, 300)).state == state


def approval(who: str, release: str = RELEASE, environment: str = "prod", service: str = "acme/chat") -> Approval:
    return Approval.model_construct(spec=ApprovalSpec(environment=environment, service=service, release=release, approved_by=who, approved_on="2026-11-20"))


@pytest.mark.parametrize(("gate", "approvals", "authors", "state", "words"), [
    ({}, [approval("a@x.org")], ["a@x.org"], "pass", "1 of 1: a@x.org"),
    ({}, [], [], "fail", "0 of 1: nobody"),
    ({}, [approval("a@x.org")], ["b@x.org"], "fail", "that of a@x.org was committed by b@x.org"),
    ({}, [approval("a@x.org")], [], "fail", "was committed by nobody yet"),
    ({}, [approval("me@x.org")], ["me@x.org"], "fail", "me@x.org promotes it"),
    ({"approvers": ("c@x.org",)}, [approval("a@x.org")], ["a@x.org"], "fail", "a@x.org is not among c@x.org"),
    ({"count": 2}, [approval("a@x.org"), approval("a@x.org")], ["a@x.org"] * 2, "fail", "1 of 2"),
    ({"count": 2}, [approval("a@x.org"), approval("b@x.org")], ["a@x.org", "b@x.org"], "pass", "2 of 2"),
    ({}, [approval("a@x.org", release="sha256:" + "b2" * 32)], ["a@x.org"], "fail", "nobody"),
    ({}, [approval("a@x.org", environment="staging")], ["a@x.org"], "fail", "nobody"),
    ({}, [approval("a@x.org", service="acme/other")], ["a@x.org"], "fail", "nobody"),
])
def test_others_agree_to_exactly_this_release_here(gate: dict[str, Any], approvals: list[Approval], authors: list[str], state: str, words: str) -> None:
    known = {f"sha256:{index}": each for index, each in enumerate(approvals)}
    found = approval_result(ApprovalGate.model_validate(gate), "acme/chat", RELEASE, "prod", known,
                            {f"sha256:{index}": each for index, each in enumerate(authors)}, "me@x.org")

    assert (found.state, words in found.said) == (state, True), found.said


WAVES = (Wave(tenants=("a",), hours=24), Wave(tenants=("b", "c"), hours=0))


def test_the_next_wave_is_the_first_with_anything_waiting() -> None:
    assert next_services(["d/x", "b/x", "a/y", "a/x"], WAVES) == ("a/x", "a/y")
    assert next_services(["d/x", "c/x", "b/x"], WAVES) == ("b/x", "c/x")
    assert next_services(["d/x"], WAVES) == ("d/x",)
    assert next_services(["d/x", "b/x"], ()) == ("b/x", "d/x")
    assert [wave_of(f"{tenant}/x", WAVES) for tenant in "abcd"] == [0, 1, 1, 2]


@pytest.mark.parametrize(("moving", "waiting", "hours", "states"), [
    (["a/x"], ["a/x", "b/x"], 0, []), (["b/x"], ["a/x", "b/x"], 48, ["fail"]), (["b/x"], ["b/x"], 23, ["fail"]), (["b/x"], ["b/x"], 24, []),
    (["d/x"], ["d/x"], 23, ["fail"])])
def test_a_wave_moves_when_the_ones_before_have_stood(moving: list[str], waiting: list[str], hours: int, states: list[str]) -> None:
    running = {"a/x": Running("prod", 1_000_000 - hours * HOUR, "c0ffee", at_least=False)}

    assert [each.state for each in wave_results(moving, waiting, WAVES, running, 1_000_000)] == states


def test_unknown_blocks_and_waived_does_not() -> None:
    results = [GateResult("a", "", state, "") for state in ("pass", "waived")]

    assert verdict(results) == "pass"
    assert verdict([*results, GateResult("b", "", "unknown", "")]) == "unknown"
    assert verdict([*results, GateResult("b", "", "unknown", ""), GateResult("c", "", "fail", "")]) == "fail"
