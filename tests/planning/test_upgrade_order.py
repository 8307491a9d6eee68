"""An upgrade's order: nothing before what it stands on, the control plane a step at a time, and back the other way round."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuplane.planning.upgrade_order import control_plane_refusals, upgrade_steps, versions_of
from tests.planning.wish import valid

OLD = {"Kubernetes": "1.34", "chart gpu-operator": "v26.3.3", "chart kueue": "0.18.6", "chart kserve-resources": "v0.15.0",
       "driver of the nodes": "570.124.06", "node image of h100": "1.34.1-20251016", "engine of acme/chat": "vllm 0.11.0"}
NEW = {"Kubernetes": "1.36", "chart gpu-operator": "v26.7.0", "chart kueue": "0.19.2", "chart kserve-resources": "v0.20.0",
       "driver of the nodes": "595.91.07", "node image of h100": "1.36.3-20261104", "engine of acme/chat": "vllm 0.33.0"}


def order(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """What changes, in order."""
    return [f"{step.what} {step.after}" for step in upgrade_steps(before, after)]


def test_everything_at_once_is_brought_in_from_below() -> None:
    assert order(OLD, NEW) == [
        "chart gpu-operator v26.7.0", "chart kserve-resources v0.20.0", "chart kueue 0.19.2", "Kubernetes 1.35", "Kubernetes 1.36",
        "driver of the nodes 595.91.07", "node image of h100 1.36.3-20261104", "engine of acme/chat vllm 0.33.0"]


def test_a_chart_that_needs_the_new_kubernetes_comes_after_it() -> None:
    before, after = {**OLD, "Kubernetes": "1.31"}, {**OLD, "Kubernetes": "1.32", "chart kserve-resources": "v0.20.0"}
    assert order(before, after) == ["Kubernetes 1.32", "chart kserve-resources v0.20.0"]
    assert upgrade_steps(before, after)[1].reason == "it needs Kubernetes 1.32"


def test_a_kubelet_that_would_fall_behind_moves_before_the_control_plane() -> None:
    before = {"Kubernetes": "1.35", "node image of h100": "1.32.1-20251016"}
    assert order(before, {"Kubernetes": "1.36", "node image of h100": "1.35.1-20261016"}) == ["node image of h100 1.35.1-20261016", "Kubernetes 1.36"]


def test_back_is_the_other_way_round() -> None:
    steps = order({**NEW, "Kubernetes": "1.34"}, {**OLD, "node image of h100": "1.34.0-20251001"})
    assert steps[0] == "engine of acme/chat vllm 0.11.0"
    assert steps[1:3] == ["driver of the nodes 570.124.06", "node image of h100 1.34.0-20251001"]


def test_what_does_not_change_or_is_new_is_no_step() -> None:
    assert upgrade_steps(NEW, NEW) == ()
    assert upgrade_steps({}, NEW) == ()


@given(st.sets(st.sampled_from(sorted(OLD))))
def test_engines_never_come_before_what_they_stand_on(changed: set[str]) -> None:
    steps = [step.what for step in upgrade_steps(OLD, {**OLD, **{what: NEW[what] for what in changed}})]

    assert set(steps) == changed
    below = [index for index, what in enumerate(steps) if not what.startswith("engine")]
    engines = [index for index, what in enumerate(steps) if what.startswith("engine")]
    assert not engines or not below or max(below) < min(engines)


@pytest.mark.parametrize(("before", "words"), [
    ("1.37", "goes back from Kubernetes 1.37 to 1.36"), ("1.34", "one minor version at a time. Go to 1.35 first"), ("1.35", ""), ("1.36", "")])
def test_the_control_plane_goes_forward_one_minor_version(before: str, words: str) -> None:
    found = [f"{refusal.rule} {refusal.claim} {refusal.remedy}" for refusal in control_plane_refusals(valid().spec(), {"Kubernetes": before})]
    assert bool(found) == bool(words)
    assert not words or (words in found[0] and found[0].startswith("CL-07"))


def test_an_environments_versions_are_all_that_it_pins() -> None:
    wish = valid().put("environment spec.gpu_operator", {"version": "v26.7.0", "driver": {}})
    assert versions_of(wish.spec()) == {
        "Kubernetes": "1.36", "chart gpu-operator": "v26.7.0", "chart kserve-resources": "v0.20.0", "chart kueue": "0.19.2",
        "driver of the nodes": "595.91.07", "engine of acme/chat": "vllm 0.33.0", "engine of acme/embed": "vllm 0.33.0",
        "engine of beta/rank": "vllm 0.33.0", "node image of h100": "1.36.3-20261104"}
    assert wish.plan().versions == versions_of(wish.spec())
