"""A canary in the plan: GPUs, quota, memory and money of its own, at its largest step."""

from __future__ import annotations

import pytest

from gpuplane.planning.canaries import replicas_at, with_canaries
from gpuplane.planning.environment_plan import ServicePlan
from gpuplane.spec.canary import Canary
from tests.planning.canary_wish import NEXT, trying, trying_scaled
from tests.planning.wish import Wish

CHAT = "services/acme/chat spec"
TRITON = {"model": {"uri": "hf://Qwen/Qwen3-8B", "revision": "abcdef012345", "format": "onnx"},
          "triton": {"image": "docker.io/vllm/tritonserver@sha256:" + "b" * 64, "version": "26.07"}}


def _canary() -> Canary:
    found = trying().spec().services["acme/chat"].document.spec.canary
    assert found is not None
    return found


def _services(wish: Wish) -> dict[str, ServicePlan]:
    return {service.name: service for service in wish.plan().tenants["acme"].services}


def test_it_is_a_service_of_its_own() -> None:
    found = _services(trying())
    canary = found["chat-canary"]

    assert (canary.min_replicas, canary.max_replicas, canary.surge, canary.devices_per_replica) == (1, 1, 1, 1)
    assert canary.committed_usd_per_month is not None
    assert canary.committed_usd_per_month > 0
    assert trying().plan().refusals == ()
    assert "acme/chat-canary" in trying().plan().memory


def test_it_and_its_service_must_fit_the_quota_together() -> None:
    wide = {**NEXT, "vllm": {**NEXT["vllm"], "arguments": {"tensor_parallel_size": 2, "max_num_seqs": 64}}}
    quota = trying(release=wide).plan().tenants["acme"].quotas["h100"]
    assert (quota.peak, quota.peak_with_surge) == (5, 8)  # 2 + 1 + one canary of two devices; each may surge

    over = [one for one in trying(release=wide).plan().refusals if one.rule == "QF-04"]
    assert [one.path for one in over] == ["spec.quota.h100"] or over[0].needed == "8"


def test_its_memory_is_proven_and_the_refusal_names_its_own_line() -> None:
    large = {**NEXT, "model": {"uri": "hf://Qwen/Qwen2.5-72B-Instruct", "revision": "abcdef012345"}}
    wish = trying(release=large)
    found = [one for one in wish.plan().refusals if one.rule == "QF-10" and one.path != "spec.resources.memory_gib"]

    assert found
    assert {"spec.canary.release.model.uri"} <= {one.path for one in found} <= {"spec.canary.release.model.uri", "spec.canary.steps"}
    assert all(one.line > wish.line("services/acme/chat canary") for one in found)


@pytest.mark.parametrize(("percent", "low", "high", "bounds"), [
    (0, 2, 2, (1, 1)), (5, 2, 2, (1, 1)), (25, 2, 4, (1, 1)), (50, 4, 8, (2, 2)), (100, 3, 3, (3, 3))])
def test_kserve_gives_it_a_fixed_share_of_the_minimum(percent: int, low: int, high: int, bounds: tuple[int, int]) -> None:
    service = trying().put(f"{CHAT}.scaling", {"min_replicas": low, "max_replicas": high}).spec().services["acme/chat"].document.spec

    assert replicas_at(service, _canary(), percent) == bounds


def test_keda_scales_it_with_its_share_of_the_load() -> None:
    spec = trying_scaled().spec()
    canary = with_canaries(spec).services["acme/chat-canary"].document.spec

    assert (canary.scaling.min_replicas, canary.scaling.max_replicas) == (1, 2)
    assert trying_scaled().plan().refusals == ()


def test_a_canary_that_cannot_grow_while_its_service_can_is_noted() -> None:
    notes = trying().put(f"{CHAT}.scaling.max_replicas", 4).plan().notes

    assert any("has 1 of the 2 replicas that 50 % of its peak takes" in note for note in notes)
    assert not any("of its peak takes" in note for note in trying_scaled().plan().notes)


def test_what_was_rolled_back_runs_nothing() -> None:
    found = _services(trying(traffic_percent=0, rolled_back="2026-08-01: errors: 9 of 100 requests."))

    assert set(found) == {"chat", "embed"}


def test_a_release_that_counts_no_errors_cannot_be_judged_by_them() -> None:
    wish = trying().put(f"{CHAT}.release", TRITON).put(f"{CHAT}.canary.release", TRITON).put(f"{CHAT}.canary.objectives", ["ttft_ms"])
    wish.put(f"{CHAT}.objectives", {"requests_per_second": 1, "ttft_ms": {"p95": 800}})
    found = [one for one in wish.plan().refusals if one.rule == "OB-04"]

    assert [(one.path, one.claim) for one in found] == [(
        "spec.canary.objectives[0]", "triton 26.07 has no histogram of it: nobody could say whether the canary holds ttft_ms.")]
