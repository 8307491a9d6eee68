"""What scaling means for the plan: no replica costs nothing and makes the first caller wait; triggers must be measured."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gpuplane.planning.environment_plan import ServicePlan
from gpuplane.planning.refusal import UNMEASURED_TRIGGER
from tests.planning.scaling_wish import asleep, scaled
from tests.planning.wish import Wish

CHAT = "services/acme/chat spec"
OBJECTIVES = {"requests_per_second": 1, "request_sizes": [{"input_tokens": 500, "output_tokens": 100}], "ttft_ms": {"p95": 800}}
TRITON = {"model": {"uri": "oci://registry.example.com/resnet@sha256:" + "a" * 64, "format": "onnx"},
          "triton": {"image": "docker.io/vllm/tritonserver@sha256:" + "b" * 64, "version": "26.07"}}


def _chat(wish: Wish) -> ServicePlan:
    return next(service for service in wish.plan().tenants["acme"].services if service.name == "chat")


def test_no_replica_commits_nothing_and_the_ceiling_stays() -> None:
    before, after = _chat(scaled()), _chat(asleep())
    quota = asleep().plan().tenants["acme"].quotas["h100"]

    assert before.committed_usd_per_month is not None
    assert before.committed_usd_per_month > 0
    assert after.committed_usd_per_month == Decimal("0.00")
    assert after.worst_case_usd_per_month == before.worst_case_usd_per_month
    assert (quota.committed, quota.peak) == (1, 5)  # embed alone at the minimum; two of chat and three of embed at the peak


def test_more_at_the_peak_than_the_quota_is_refused_for_a_service_that_sleeps_too() -> None:
    refusals = asleep().put(f"{CHAT}.scaling.max_replicas", 9).plan().refusals

    assert "QF-04" in {refusal.rule for refusal in refusals}


def test_a_cold_start_is_load_and_node_start_where_no_node_is_sure_to_run() -> None:
    alone = asleep()
    for other in ("services/acme/embed", "services/beta/rank"):
        del alone.documents[other]
    cold, warm = _chat(alone).cold_start, _chat(asleep()).cold_start

    assert cold is not None
    assert warm is not None
    assert (cold.starts_node, warm.starts_node) == (True, False)
    assert cold.expected == (warm.expected or 0) + 240
    assert (warm.low or 0) < (warm.expected or 0) < (warm.high or 0)
    assert _chat(scaled()).cold_start is None


def test_a_promise_and_a_timeout_that_a_cold_start_breaks_are_noted() -> None:
    wish = asleep().put(f"{CHAT}.objectives", OBJECTIVES).put(f"{CHAT}.request_timeout_seconds", 30)
    notes = [note for note in wish.plan().notes if note.startswith("Service acme/chat")]

    assert any("promises a first token within 800 ms" in note and "requests that wake it miss" in note for note in notes)
    assert any("request_timeout_seconds 30 is less than a cold start" in note for note in notes)


@pytest.mark.parametrize(("trigger", "has"), [("output_tokens_per_second", "waiting_requests"), ("kv_cache_percent", "waiting_requests")])
def test_a_trigger_that_the_engine_does_not_measure_is_refused(trigger: str, has: str) -> None:
    wish = scaled().put(f"{CHAT}.release", TRITON).put(f"{CHAT}.scaling.triggers", {trigger: 50})
    found = [refusal for refusal in wish.plan().refusals if refusal.rule == UNMEASURED_TRIGGER]

    assert [(one.path, one.available) for one in found] == [(f"spec.scaling.triggers.{trigger}", has)]
    assert found[0].claim == f"triton 26.07 has no metric that measures it; it has one for: {has}."


@pytest.mark.parametrize(("most", "unavailable", "words"), [
    (2, 0, "disruption.max_unavailable 0 stops every drain of its nodes"), (2, 2, "lets a drain take all 2 replicas at once"),
    (2, 1, ""), (1, 1, "")])
def test_drains_that_stand_still_or_take_all_are_noted(most: int, unavailable: int, words: str) -> None:
    wish = scaled().put(f"{CHAT}.scaling.max_replicas", most).put(f"{CHAT}.disruption", {"max_unavailable": unavailable})
    notes = [note for note in wish.plan().notes if "disruption.max_unavailable" in note]

    assert [words in note for note in notes] == ([True] if words else [])
