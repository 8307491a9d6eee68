"""Health as Argo CD would see it: the scripts run in a real Lua 5.1, on statuses as KServe and Kueue write them."""

from __future__ import annotations

from typing import Any

import pytest

from gpuplane.delivery.handoff.health_checks import HEALTH, flux_expressions
from tests.delivery.handoff.lua import SCRIPTS, health

PREFIX = "resource.customizations.health."


def conditions(*found: tuple[str, str], generation: int = 1, **status: Any) -> dict[str, Any]:
    return {"metadata": {"generation": generation}, "spec": {}, "status": {**status, "conditions": [
        {"type": type_, "status": value, "message": f"{type_} is {value}"} for type_, value in found]}}


@pytest.mark.parametrize(("kind", "obj", "expected"), [
    ("InferenceService", {"metadata": {}}, "Progressing"),
    ("InferenceService", {"metadata": {}, "status": {}}, "Progressing"),
    ("InferenceService", conditions(("PredictorReady", "True"), ("Ready", "True")), "Healthy"),
    ("InferenceService", conditions(("PredictorReady", "False"), ("Ready", "False")), "Progressing"),
    ("InferenceService", conditions(("Ready", "True"), generation=3, observedGeneration=2), "Progressing"),
    ("InferenceService", conditions(("Ready", "True"), generation=3, observedGeneration=3), "Healthy"),
    ("InferenceService", conditions(("Stopped", "True"), ("Ready", "False")), "Suspended"),
    ("InferenceService", conditions(("Stopped", "False"), ("Ready", "True")), "Healthy"),
    ("InferenceService", conditions(("Ready", "False"), modelStatus={"transitionStatus": "InProgress"}), "Progressing"),
    ("InferenceService", conditions(("Ready", "False"), modelStatus={"transitionStatus": "BlockedByFailedLoad", "lastFailureInfo": {"message": "no"}}), "Degraded"),
    ("InferenceService", conditions(("Ready", "False"), modelStatus={"transitionStatus": "InvalidSpec"}), "Degraded"),
    ("LLMInferenceService", conditions(("Ready", "True")), "Healthy"),
    ("LLMInferenceService", conditions(("Ready", "False")), "Progressing"),
    ("LLMInferenceService", conditions(("WorkloadsReady", "True")), "Progressing"),
    ("InferenceGraph", conditions(("Ready", "Unknown")), "Progressing"),
    ("ClusterQueue", conditions(("Active", "True")), "Healthy"),
    ("ClusterQueue", conditions(("Active", "False")), "Degraded"),
    ("ClusterQueue", {"spec": {"stopPolicy": "HoldAndDrain"}}, "Suspended"),
    ("ClusterQueue", {"spec": {"stopPolicy": "None"}, **{key: value for key, value in conditions(("Active", "True")).items() if key != "spec"}}, "Healthy"),
    ("LocalQueue", conditions(("Active", "True")), "Healthy"),
    ("LocalQueue", {"metadata": {}, "spec": {}}, "Progressing"),
    ("AdmissionCheck", conditions(("Active", "False")), "Degraded"),
    ("Application", {"status": {"health": {"status": "Healthy"}}}, "Healthy"),
    ("Application", {"status": {"health": {"status": "Missing"}, "operationState": {"phase": "Failed", "message": "gate"}}}, "Degraded"),
    ("Application", {}, "Progressing"),
])
def test_the_health_of(kind: str, obj: dict[str, Any], expected: str) -> None:
    assert health(kind, obj)[0] == expected


def test_a_message_says_why() -> None:
    failed = conditions(("Ready", "False"), modelStatus={"transitionStatus": "BlockedByFailedLoad", "lastFailureInfo": {"message": "out of memory"}})

    assert health("InferenceService", failed) == ("Degraded", "BlockedByFailedLoad: out of memory")
    assert health("ClusterQueue", conditions(("Active", "False")))[1] == "Active is False"


def test_every_kind_of_kserve_and_kueue_has_a_check_for_both_engines() -> None:
    assert {key.removeprefix(PREFIX) for key in SCRIPTS} == {f"{each.group}_{each.kind}" for each in HEALTH} | {"argoproj.io_Application"}
    assert len(flux_expressions({(each.api_version, each.kind) for each in HEALTH})) == len(HEALTH)
    assert "@" not in "".join(SCRIPTS.values())
