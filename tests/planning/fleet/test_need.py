"""What a service needs for its objectives: figures, who is believed first, and what is only a note."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.planning.fleet.pipelines import StepChoice, cheapest_split
from gpuplane.planning.fleet.service_throughput import ServiceThroughput
from tests.planning.wish import Wish, document, valid

FEW = settings(max_examples=40, deadline=None, derandomize=True)
CHAT = "services/acme/chat spec.objectives"
SHORT = {"input_tokens": 256, "output_tokens": 128}
LONG = {"input_tokens": 2048, "output_tokens": 512}


def profile(wish: Wish, name: str, rates: dict[int, tuple[float, ...]], provenance: str = "measured", **spec: Any) -> Wish:
    """A profile of acme's chat model on its H100: ttft p99 of 100 ms at each rate, for inputs of so many tokens (0: no tokens)."""
    sizes = [{**({"input_tokens": tokens, "output_tokens": 128} if tokens else {}),
              "points": [{"requests_per_second": rate, "ttft_ms": {"p99": 100 * (number + 1)}} for number, rate in enumerate(given)]}
             for tokens, given in rates.items()]
    wish.documents[f"throughput/{name}"] = document("ThroughputProfile", name, {
        "model": "hf://Qwen/Qwen3-8B", "gpu": "H100-SXM-80GB", "engine": "vllm", "engine_version": "0.33.0", "provenance": provenance,
        "source": "load test", "as_of": "2026-07-01", "request_sizes": sizes, **spec})
    return wish


def chat(plan: EnvironmentPlan) -> ServiceThroughput:
    found = next(service.throughput for service in plan.tenants["acme"].services if service.name == "chat")
    assert found is not None
    return found


def test_a_mixture_of_sizes_adds_up_their_loads() -> None:
    wish = profile(valid(), "a", {256: (8,), 2048: (2,)}).put(CHAT, {
        "requests_per_second": 4, "ttft_ms": {"p99": 100},
        "request_sizes": [{**SHORT, "share": 0.75}, {"input_tokens": 1000, "output_tokens": 100, "share": 0.25}]})
    plan = wish.plan()
    serves = chat(plan)

    # 3 of 8 and 1 of 2: a load of 0.875
    assert serves.replicas_needed == 1
    assert serves.replica_requests_per_second == Decimal("4.57")
    assert serves.replica_input_tokens_per_second == Decimal("2020.57")  # 4.571 × (0.75 × 256 + 0.25 × 1000)
    assert serves.provenance == "measured"
    assert serves.sources == ("measured: a, load test, as of 2026-07-01",)
    proof = next(proof for proof in plan.proofs if proof.claim == "service acme/chat: replicas for its objectives")
    assert (proof.result, dict(proof.inputs)["replica_requests_per_second"]) == ("1", "4.57")


@pytest.mark.parametrize(("profiles", "expected"), [
    ({"m": ("measured", (5, 9)), "p": ("published", (50,))}, ("measured", "5.00")),
    ({"p": ("published", (50,)), "q": ("published", (60,))}, ("published", "60.00")),
    ({}, ("modelled", None)),
])
def test_what_was_measured_is_believed_first(profiles: dict[str, tuple[str, tuple[float, ...]]], expected: tuple[str, str | None]) -> None:
    wish = valid().put(CHAT, {"requests_per_second": 4, "request_sizes": [SHORT], "ttft_ms": {"p99": 100}})
    for name, (provenance, rates) in profiles.items():
        profile(wish, name, {256: rates}, provenance)
    serves = chat(wish.plan())

    assert serves.provenance == expected[0]
    assert expected[1] is None or str(serves.replica_requests_per_second) == expected[1]


def test_a_profile_of_the_services_own_engine_version_is_believed_before_others() -> None:
    wish = valid().put(CHAT, {"requests_per_second": 4, "request_sizes": [SHORT], "ttft_ms": {"p99": 100}})
    profile(wish, "old", {256: (50,)}, engine_version="0.20.0")
    assert "with vllm 0.20.0, the service has 0.33.0" in chat(wish.plan()).reason

    profile(wish, "own", {256: (10,)})
    assert (chat(wish.plan()).replica_requests_per_second, chat(wish.plan()).reason) == (Decimal("10.00"), "")


def test_a_model_warns_and_refuses_nothing() -> None:
    plan = valid().put(CHAT, {"requests_per_second": 5000, "request_sizes": [SHORT]}).plan()

    assert plan.refusals == ()
    assert any(note.startswith("By a model, not by measurement, acme/chat cannot hold its objectives with max_replicas 2: 5000 ")
               for note in plan.notes)


@pytest.mark.parametrize(("objectives", "words"), [
    ({"requests_per_second": 1}, "requests on 1 × H100-SXM-80GB: no throughput is known"),
    ({"requests_per_second": 1, "latency_ms": {"p99": 1000}}, "no throughput is known"),
])
def test_what_is_not_known_is_said(objectives: dict[str, Any], words: str) -> None:
    plan = valid().put(CHAT, objectives).plan()

    assert plan.refusals == ()
    assert chat(plan).known is False
    assert any(words in note for note in plan.notes if note.startswith("Whether acme/chat can hold its objectives is not known"))


def test_a_profile_that_does_not_say_what_is_promised_is_named() -> None:
    wish = profile(valid(), "a", {0: (8,)}).put(CHAT, {"requests_per_second": 4, "latency_ms": {"p95": 100}})

    assert chat(wish.plan()).reason == "requests on 1 × H100-SXM-80GB: a does not say latency_ms.p95"


@FEW
@given(st.integers(1, 60), st.integers(0, 30), st.integers(1, 4))
def test_more_requests_never_need_fewer_replicas(rate: int, more: int, bound: int) -> None:
    def needed(requests_per_second: int) -> int:
        wish = profile(valid(), "a", {256: (3, 5, 7, 9)})
        wish.put(CHAT, {"requests_per_second": requests_per_second, "request_sizes": [SHORT], "ttft_ms": {"p99": 100 * bound}})
        replicas = chat(wish.plan()).replicas_needed
        assert replicas is not None
        return replicas
    assert needed(rate) <= needed(rate + more)


choices = st.lists(st.builds(StepChoice, st.integers(0, 9).map(Decimal), st.integers(1, 9).map(Decimal), st.just("way")), min_size=1, max_size=4)


@settings(FEW, max_examples=200)
@given(st.lists(choices, min_size=1, max_size=3), st.integers(1, 20).map(Decimal))
def test_the_cheapest_split_agrees_with_trying_everything(steps: list[list[StepChoice]], whole: Decimal) -> None:
    from itertools import product

    within = [(sum(choice.usd_per_month for choice in chosen), sum(choice.latency_ms for choice in chosen)) for chosen in product(*steps)
              if sum(choice.latency_ms for choice in chosen) <= whole]
    found = cheapest_split({f"s{number}": given for number, given in enumerate(steps)}, whole)

    assert (found is None) == (not within)
    if found is not None:
        assert (sum(choice.usd_per_month for choice in found.values()), sum(choice.latency_ms for choice in found.values())) == min(within)
