"""The InferenceService that KServe and Kueue get."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gpuplane.components.gpu_quotas import TaintArgs
from gpuplane.components.inference_service import InferenceService, InferenceServiceArgs, LoggerArgs, manifest
from tests.components.recorded import one, record

CHAT = InferenceServiceArgs(
    name="chat", namespace="acme", runtime="gpuplane-vllm", model_format="vLLM", storage_uri="hf://Qwen/Qwen2.5-7B-Instruct:" + "a" * 40,
    image="docker.io/vllm/vllm-openai@sha256:" + "b" * 64, device="nvidia.com/gpu", devices=4, cpu=16, memory_gib=128,
    min_replicas=1, max_replicas=3, engine_arguments=("--max-model-len=8192",), queue_name="gpu", priority="critical",
    node_selector={"gpuplane.dev/pool": "h100"}, tolerations=(TaintArgs("nvidia.com/gpu", "present", "NoSchedule"),),
    storage_container="gpuplane-storage", source="services/acme/chat.yaml")


def _predictor(args: InferenceServiceArgs) -> dict[str, Any]:
    return dict(manifest(args)["spec"]["predictor"])


def test_it_is_queued_placed_and_pinned() -> None:
    view = one(record(lambda: InferenceService("acme-chat", CHAT)), "InferenceService")

    predictor = view.props["spec"]["predictor"]
    assert view.labels["kueue.x-k8s.io/queue-name"] == "gpu"
    assert view.labels["kueue.x-k8s.io/priority-class"] == "gpuplane-critical"
    assert view.annotations["serving.kserve.io/deploymentMode"] == "Standard"
    assert predictor["model"]["storageUri"] == CHAT.storage_uri
    assert predictor["model"]["image"] == CHAT.image
    assert predictor["nodeSelector"] == {"gpuplane.dev/pool": "h100"}
    assert predictor["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Equal", "value": "present", "effect": "NoSchedule"}]


def test_gpus_are_asked_for_in_equal_requests_and_limits() -> None:
    resources = _predictor(CHAT)["model"]["resources"]

    assert resources["requests"] == resources["limits"] == {"cpu": "16", "memory": "128Gi", "nvidia.com/gpu": "4"}


@pytest.mark.parametrize(("low", "high", "scaler"), [(1, 3, "hpa"), (2, 2, "none")])
def test_the_autoscaler_is_there_only_where_there_is_room_to_scale(low: int, high: int, scaler: str) -> None:
    found = manifest(replace(CHAT, min_replicas=low, max_replicas=high))

    assert found["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] == scaler
    assert ("scaleMetric" in found["spec"]["predictor"]) is (scaler == "hpa")


def test_the_startup_probe_waits_as_long_as_loading_may_take() -> None:
    probe = _predictor(replace(CHAT, startup_seconds=901))["model"]["startupProbe"]

    assert probe["periodSeconds"] * probe["failureThreshold"] >= 901


def test_payloads_are_logged_only_where_it_is_asked_for_and_then_with_a_mode() -> None:
    assert "logger" not in _predictor(CHAT)
    assert _predictor(replace(CHAT, logger=LoggerArgs("request", "http://sink")))["logger"] == {"mode": "request", "url": "http://sink"}


def test_nothing_empty_is_written() -> None:
    def empties(value: Any, path: str = "") -> list[str]:
        if isinstance(value, dict):
            return [found for key, item in value.items() for found in empties(item, f"{path}.{key}")]
        if isinstance(value, list):
            return [found for index, item in enumerate(value) for found in empties(item, f"{path}[{index}]")]
        return [path] if value in ("", None) else []

    assert empties(manifest(CHAT)) == []


def test_pods_satisfy_the_restricted_standard() -> None:
    context = _predictor(CHAT)["securityContext"]

    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] > 0
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
