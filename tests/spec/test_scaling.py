"""The scaling blocks: what they refuse, where, and what to do about it."""

from __future__ import annotations

from typing import Any

import pytest

from gpuplane.spec.errors import InvalidSpec
from tests.planning.scaling_wish import HOURS, scaled

SCALING, ENV = "services/acme/chat spec.scaling", "environment spec"

WRONG: dict[str, tuple[str, Any, str, str, str]] = {
    "triggers without KEDA": (f"{ENV}.keda", None, "spec.scaling.triggers", "the environment has no KEDA", "Add keda to environment.yaml"),
    "triggers without a Prometheus": (f"{ENV}.monitoring.prometheus_url", None, "spec.scaling.triggers",
                                      "does not say where that is", "Add monitoring.prometheus_url"),
    "triggers without monitoring": (f"{ENV}.monitoring", None, "spec.scaling.triggers", "does not say where that is", "prometheus_url"),
    "a Prometheus with a password": (f"{ENV}.monitoring.prometheus_url", "http://me:secret@prometheus:9090",
                                     "spec.monitoring.prometheus_url", "is not text that matches", ""),
    "no trigger": (f"{SCALING}.triggers", {}, "spec.scaling.triggers", "no trigger is named; there are waiting_requests", ""),
    "a trigger nobody knows": (f"{SCALING}.triggers", {"queue_depth": 3}, "spec.scaling.triggers.queue_depth", "is not a field here", ""),
    "a trigger of none": (f"{SCALING}.triggers.waiting_requests", 0, "spec.scaling.triggers.waiting_requests", "at least 1", ""),
    "none without a way back": (f"{SCALING}.min_replicas", 0, "spec.scaling.min_replicas", "belong together", ""),
    "a way back from one": (f"{SCALING}.scale_to_zero", {"working_hours": HOURS}, "spec.scaling.min_replicas", "belong together", ""),
    "two ways back": (f"{SCALING}", {"min_replicas": 0, "max_replicas": 1, "scale_to_zero": {"working_hours": HOURS, "wake_query": "sum(x)"}},
                      "spec.scaling.scale_to_zero", "exactly one of working_hours, wake_query", ""),
    "hours that are no cron": (f"{SCALING}", {"min_replicas": 0, "max_replicas": 1, "scale_to_zero": {
        "working_hours": {**HOURS, "start": "at seven"}}}, "spec.scaling.scale_to_zero.working_hours.start", "is not text that matches", ""),
    "more replicas than anything asks for": (
        f"{SCALING}", {"min_replicas": 0, "max_replicas": 2, "scale_to_zero": {"working_hours": HOURS}},
        "spec.scaling.max_replicas", "without triggers nothing asks for more than one replica", ""),
    "a spread over what is no place": ("services/acme/chat spec.disruption", {"spread": ["rack"]}, "spec.disruption.spread[0]",
                                       "'node' or 'zone'", ""),
    "a CPU target that nothing looks at": (f"{SCALING}.cpu_utilization_percent", 70, "spec.scaling.cpu_utilization_percent",
                                           "the CPU does not", ""),
}


@pytest.mark.parametrize("case", WRONG, ids=str)
def test_a_wrong_value_is_said_where_it_stands(case: str) -> None:
    path, value, at, words, remedy = WRONG[case]
    wish = scaled()
    with pytest.raises(InvalidSpec) as caught:
        (wish.drop(path) if value is None else wish.put(path, value)).spec()

    found = {error.path: error for error in caught.value.errors}
    assert at in found, [str(error) for error in caught.value.errors]
    assert words in found[at].message
    assert remedy in found[at].remedy
    assert found[at].line > 0


def test_a_wake_query_needs_a_prometheus_and_hours_do_not() -> None:
    asleep = {"min_replicas": 0, "max_replicas": 1, "scale_to_zero": {"working_hours": HOURS}}
    wish = scaled().put(SCALING, asleep).drop(f"{ENV}.monitoring.prometheus_url")
    assert wish.spec().services["acme/chat"].document.spec.scaling.min_replicas == 0

    with pytest.raises(InvalidSpec) as caught:
        wish.put(f"{SCALING}.scale_to_zero", {"wake_query": 'sum(rate(requests{model="chat"}[2m]))'}).spec()
    assert [error.path for error in caught.value.errors] == ["spec.scaling.scale_to_zero.wake_query"]
