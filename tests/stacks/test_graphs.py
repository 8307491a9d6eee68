"""InferenceGraphs: what they become, what their objective asks of the steps, and what they may not say."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gpuplane.catalog.overlay import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.planning import plan
from gpuplane.planning.environment_plan import EnvironmentPlan
from tests.spec.wish import Wish
from tests.stacks.graph_wish import FILE, graph_wish


def _planned(wish: Wish) -> EnvironmentPlan:
    spec = wish.load()
    return plan(spec, catalog_of(spec), date(2026, 11, 21))


def _objects(wish: Wish) -> dict[str, dict[str, Any]]:
    spec = wish.load()
    return {view.kind: dict(view.props) for view in render(spec, _planned(wish)) if view.custom}


def test_a_graph_becomes_an_inference_graph_without_gpus(tmp_path: Path) -> None:
    found = _objects(graph_wish(tmp_path))["InferenceGraph"]

    assert found["spec"]["nodes"]["root"] == {"routerType": "Sequence", "steps": [
        {"dependency": "Hard", "name": "chat", "serviceName": "chat"}, {"data": "$response", "name": "check", "nodeName": "check"}]}
    assert [step["weight"] for step in found["spec"]["nodes"]["check"]["steps"]] == [80, 20]
    assert found["spec"]["resources"]["limits"] == {"cpu": "500m", "memory": "512Mi"}
    assert found["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Standard"


def test_routers_get_the_profile_that_the_namespace_asks_for(tmp_path: Path) -> None:
    found = _objects(graph_wish(tmp_path))

    assert "RuntimeDefault" in str(found["MutatingAdmissionPolicy"]["spec"]["mutations"])
    assert found["MutatingAdmissionPolicyBinding"]["spec"]["policyName"] == found["MutatingAdmissionPolicy"]["metadata"]["name"]
    assert found["MutatingAdmissionPolicy"]["spec"]["matchConstraints"]["namespaceSelector"]["matchLabels"] == {
        "kubernetes.io/metadata.name": "acme"}


def test_the_slowest_way_is_proven(tmp_path: Path) -> None:
    planned = _planned(graph_wish(tmp_path))
    proof = next(one for one in planned.proofs if one.claim.startswith("graph acme/answer"))

    assert [one for one in planned.refusals if one.rule == "OB-02"] == []
    assert dict(proof.inputs) == {"chat": "1500", "judge": "900"}
    assert (proof.result, proof.unit) == ("2400", "ms of 3000")


def test_a_slowest_way_that_takes_more_than_the_whole_may_is_refused(tmp_path: Path) -> None:
    found = _planned(graph_wish(tmp_path).change(FILE, "latency_p99_ms: 3000", "latency_p99_ms: 2399")).refusals

    assert [(one.path, one.needed, one.available) for one in found if one.rule == "OB-02"] == [("spec.latency_p99_ms", "2400 ms", "2399 ms")]
    assert "chat 1500" in next(one.claim for one in found if one.rule == "OB-02")


def test_a_step_that_promises_nothing_is_refused(tmp_path: Path) -> None:
    found = _planned(graph_wish(tmp_path).change("services/acme/judge.yaml", "    latency_ms: {p99: 900}\n", "")).refusals

    assert [one.claim for one in found if one.rule == "OB-02"] == ["the graph promises 3000 ms, and its step judge promises no latency."]


BAD = {
    "no root": ("    root:\n", "    start:\n", "spec.nodes", "no node called root"),
    "an unknown node": ("{node: both, weight: 20}", "{node: none, weight: 20}", "spec.nodes.check.steps[1].node", "no node none"),
    "a cycle": ("{service: judge}", "{node: check}", "spec.nodes.both", "check → both → check"),
    "an idle node": ("{node: both, weight: 20}", "{service: judge, weight: 20}", "spec.nodes.both", "no step leads"),
    "weights": ("weight: 80", "weight: 70", "spec.nodes.check.steps", "add up to 90"),
    "a missing weight": (", weight: 80", "", "spec.nodes.check.steps[0].weight", "has a weight"),
    "a condition elsewhere": ("{service: judge}", "{service: judge, condition: x}", "spec.nodes.both.steps[1].condition", "of a Switch"),
    "both": ("{service: judge}", "{service: judge, node: check}", "spec.nodes.both.steps[1]", "exactly one"),
    "an unknown service": ("{service: judge}", "{service: jury}", "spec.nodes.both.steps[1].service", 'no service "jury"'),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(case: str, tmp_path: Path) -> None:
    old, new, path, says = BAD[case]
    error = graph_wish(tmp_path).change(FILE, old, new).error()

    assert error.path == path
    assert says in f"{error.message} {error.remedy}"
