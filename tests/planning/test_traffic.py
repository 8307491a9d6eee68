"""Whom fallbacks may send data to, what is let in, and limits that nobody can reach."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuplane.planning.traffic import most_in_flight
from tests.planning.traffic_wish import GATEWAY, OIDC, reached

CHAT = "services/acme/chat spec.traffic"
TO_BEDROCK = [{"provider": "bedrock", "model": "m"}]
TO_HUB = [{"provider": "hub", "model": "m", "secret": "hub"}]
PII = {"data_classification": "pii", "allowed_regions": ["us-east-1", "eu-west-1"]}

REFUSED: dict[str, tuple[dict[str, Any], list[dict[str, Any]], str, str]] = {
    "more sensitive than approved": ({"data_classification": "confidential"}, TO_BEDROCK, "PII-11",
                                     'provider "bedrock" is approved for data up to internal, and the tenant\'s is confidential.'),
    "personal, approved for less": (PII, TO_BEDROCK, "PII-11", "approved for data up to internal, and the tenant's is personal."),
    "personal, without an agreement": (PII, TO_HUB, "PII-11", 'no processing agreement with provider "hub" is recorded'),
    "another region": ({"allowed_regions": ["us-east-1"]}, TO_HUB, "PII-10",
                       'provider "hub" processes in eu-west-1, but the tenant\'s data may be only in: us-east-1.'),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_fallback_that_the_data_forbids_is_refused(name: str) -> None:
    tenant, fallback, rule, claim = REFUSED[name]
    wish = reached().put(f"{CHAT}.fallback", fallback)
    for field, value in tenant.items():
        wish.put(f"tenants/acme spec.{field}", value)

    found = [refusal for refusal in wish.plan().refusals if refusal.path == "spec.traffic.fallback[0].provider"]

    assert [refusal.rule for refusal in found] == [rule]
    assert claim in found[0].claim
    assert found[0].tenant == "acme"
    assert found[0].file.endswith("services/acme/chat.yaml")


def test_a_fallback_that_is_approved_and_in_the_region_is_not_refused() -> None:
    agreed = {**GATEWAY["providers"]["hub"], "processing_agreement": "DPA 2026-014"}
    wish = reached().put("environment spec.gateway.providers.hub", agreed).put(f"{CHAT}.fallback", TO_HUB)
    for field, value in PII.items():
        wish.put(f"tenants/acme spec.{field}", value)

    assert [refusal for refusal in wish.plan().refusals if "fallback" in refusal.path] == []


def test_a_fallback_to_a_service_of_the_tenant_is_never_refused_for_its_data() -> None:
    wish = reached().put(f"{CHAT}.fallback", [{"service": "embed"}])
    for field, value in PII.items():
        wish.put(f"tenants/acme spec.{field}", value)

    assert [refusal for refusal in wish.plan().refusals if "fallback" in refusal.path] == []


@settings(max_examples=25, deadline=None)
@given(replicas=st.integers(1, 1000), seqs=st.integers(1, 4096), queue=st.integers(0, 400))
def test_a_proxy_lets_in_what_replicas_work_on_and_never_less(replicas: int, seqs: int, queue: int) -> None:
    wish = reached().put("services/acme/chat spec.scaling.max_replicas", replicas).put(f"{CHAT}.queue_percent", queue)
    wish.put("services/acme/chat spec.release.vllm.arguments.max_num_seqs", seqs)

    most = most_in_flight(wish.spec().services["acme/chat"])

    assert most is not None
    assert replicas * seqs <= most <= replicas * seqs * 5
    assert most * 100 <= replicas * seqs * (100 + queue) < (most + 1) * 100


def test_the_plan_shows_what_is_let_in_and_every_limit_as_a_rate() -> None:
    wish = reached().put(f"{CHAT}.limits", [{"total_tokens": 7_200_000, "per": "hour", "for_each": "caller"}])

    shown = {proof.claim: (proof.result, proof.unit) for proof in wish.plan().proofs}

    assert shown["service acme/chat: requests in flight at most, through each proxy"] == ("192", "requests")
    assert shown["service acme/chat: limit of 7200000 total tokens a hour for each caller"] == ("2000.00", "total tokens a second")
    assert shown["tenant acme: limit of 600 requests a minute"] == ("10.00", "requests a second")


def _promised(limit: dict[str, Any]) -> list[str]:
    """Notes on limits of a service whose throughput is known: 4 requests a second of each of 2 replicas, or about that."""
    wish = reached().put(f"{CHAT}.limits", [limit])
    wish.put("services/acme/chat spec.objectives", {
        "requests_per_second": 1, "request_sizes": [{"input_tokens": 1000, "output_tokens": 250, "share": 1}], "ttft_ms": {"p99": 5000}})
    wish.documents["throughput/q"] = {
        "apiVersion": "gpuplane/v1", "kind": "ThroughputProfile", "metadata": {"name": "q"}, "spec": {
            "model": "hf://Qwen/Qwen3-8B", "gpu": "H100-SXM-80GB", "engine": "vllm", "engine_version": "0.33.0",
            "provenance": "measured", "source": "load test", "as_of": "2026-07-01", "request_sizes": [{
                "input_tokens": 1024, "output_tokens": 256, "points": [{"requests_per_second": 4, "ttft_ms": {"p99": 900}}]}]}}
    return [note for note in wish.plan().notes if note.startswith("The limit of")]


def test_a_limit_over_what_the_replicas_serve_is_a_note() -> None:
    notes = _promised({"requests": 100_000, "per": "minute"})

    assert len(notes) == 1
    assert "100000 requests a minute of service acme/chat is more than its replicas serve" in notes[0]


def test_a_limit_that_replicas_can_reach_is_none() -> None:
    assert _promised({"requests": 60, "per": "minute"}) == []


@pytest.mark.parametrize("measure", ["input_tokens", "output_tokens", "total_tokens"])
def test_limits_on_tokens_are_compared_in_tokens(measure: str) -> None:
    assert len(_promised({measure: 4_000_000_000, "per": "minute"})) == 1
    assert _promised({measure: 1000, "per": "minute"}) == []


def test_a_circuit_breaker_that_nothing_sizes_is_a_note() -> None:
    wish = reached().put("services/acme/chat spec.release.vllm.arguments", {"tensor_parallel_size": 1})

    assert any("acme/chat works on at once is not declared" in note for note in wish.plan().notes)


def test_tokens_or_keys_make_no_difference_to_the_plan() -> None:
    keys = reached().plan()
    tokens = reached().put("tenants/acme spec.access.models", {"oidc": OIDC, "limits": [{"requests": 600, "per": "minute"}]}).plan()

    assert keys.refusals == tokens.refusals
