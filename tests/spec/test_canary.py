"""The canary block: what it refuses, where, and what to do about it."""

from __future__ import annotations

from typing import Any

import pytest

from gpuplane.spec.errors import InvalidSpec
from tests.planning.canary_wish import NEXT, trying
from tests.planning.scaling_wish import ASLEEP, KEDA, URL

CANARY, CHAT = "services/acme/chat spec.canary", "services/acme/chat spec"

WRONG: dict[str, tuple[str, Any, str, str]] = {
    "a share that is no step": (f"{CANARY}.traffic_percent", 30, "spec.canary.traffic_percent", "30 is none of the steps; allowed: 0, 5, 25, 50"),
    "steps that fall": (f"{CANARY}.steps", [25, 5], "spec.canary.steps", "do not rise"),
    "a step over everything": (f"{CANARY}.steps", [5, 25, 101], "spec.canary.steps[2]", "at most 100"),
    "nothing to judge it by": (f"{CANARY}.max_error_percent", None, "spec.canary", "nothing judges it"),
    "requests for what is rolled back": (f"{CANARY}.rolled_back", "errors", "spec.canary.traffic_percent", "what is rolled back has no requests"),
    "no route": (f"{CHAT}.traffic", None, "spec.canary", "only the gateway shares requests out"),
    "a promise that nobody made": (f"{CANARY}.objectives", ["ttft_ms"], "spec.canary.objectives[0]", "promises no percentile of ttft_ms"),
    "another source": (f"{CANARY}.release", {**NEXT, "model": {"uri": "oci://registry.example.com/a@sha256:" + "a" * 64}},
                       "spec.canary.release.model.uri", "another kind of source"),
    "another engine": (f"{CANARY}.release", {"model": NEXT["model"], "triton": {
        "image": "docker.io/vllm/triton@sha256:" + "b" * 64, "version": "26.07"}}, "spec.canary.release", "another engine's"),
    "two queries of one name": (f"{CANARY}.queries", [{"name": "q", "query": "sum(x)", "max": 1}] * 2, "spec.canary.queries", "one name"),
    "cached weights": (f"{CHAT}.model_cache_gib", 20, "spec.canary", "mounts the service's cached weights"),
}


def _errors(path: str, value: Any) -> dict[str, str]:
    wish = trying()
    with pytest.raises(InvalidSpec) as caught:
        (wish.drop(path) if value is None else wish.put(path, value)).spec()
    return {error.path: error.message for error in caught.value.errors}


@pytest.mark.parametrize("case", WRONG, ids=str)
def test_a_wrong_value_is_said_where_it_stands(case: str) -> None:
    path, value, at, words = WRONG[case]
    found = _errors(path, value)

    assert words in found.get(at, ""), found


def test_a_service_that_sleeps_has_none() -> None:
    wish = trying().put("environment spec.keda", KEDA).put("environment spec.monitoring", {"prometheus_url": URL})
    with pytest.raises(InvalidSpec, match="has none to compare a canary with"):
        wish.put(f"{CHAT}.scaling", ASLEEP).spec()


def test_a_name_that_another_services_deployment_has() -> None:
    wish = trying()
    wish.documents["services/acme/chat-canary"] = {
        **wish.documents["services/acme/embed"], "metadata": {"name": "chat-canary"}}
    with pytest.raises(InvalidSpec, match='called as that of service "chat-canary" is'):
        wish.spec()
