"""What an LLMInferenceService may not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spec.wish import IMAGE, Wish
from tests.stacks.llm_shapes import FILE, SHAPES, llm_wish

CANARY = f"""\
  canary:
    max_error_percent: 1
    release:
      model: {{uri: "hf://Qwen/Qwen2.5-7B-Instruct", revision: a09a35458c70}}
      vllm: {{image: "{IMAGE}", version: 0.31.0}}
"""
ASLEEP = "{min_replicas: 0, max_replicas: 1, scale_to_zero: {wake_query: asked}}"
BAD = {
    "pipeline and data": ("tensor", "{tensor: 2}", "{pipeline: 2, data: 2, data_local: 1}", "spec.parallelism.pipeline", "exclude each other"),
    "data alone": ("tensor", "{tensor: 2}", "{data: 2}", "spec.parallelism.data", "belong together"),
    "an uneven split": ("tensor", "{tensor: 2}", "{data: 4, data_local: 3}", "spec.parallelism.data_local", "does not divide"),
    "expert alone": ("tensor", "{tensor: 2}", "{expert: true}", "spec.parallelism.expert", "needs data"),
    "a range of replicas": ("tensor", "max_replicas: 1", "max_replicas: 3", "spec.scaling.triggers", "nothing moves it"),
    "a range of replicas that read prompts": ("prefill", "    replicas: 2\n", "    scaling: {max_replicas: 3}\n",
                                              "spec.prefill.scaling.triggers", "nothing moves it"),
    "prompts that nobody reads": ("prefill", "    replicas: 2\n", f"    scaling: {ASLEEP}\n", "spec.prefill.scaling.scale_to_zero",
                                  "keeps a replica"),
    "two numbers of replicas": ("prefill", "    replicas: 2\n", "    replicas: 2\n    scaling: {max_replicas: 1}\n", "spec.prefill",
                                "exactly one"),
    "the CPU": ("tensor", "max_replicas: 1", "max_replicas: 1\n    cpu_utilization_percent: 50", "spec.scaling.cpu_utilization_percent",
                "Remove it"),
    "pods of a replica apart": ("pipeline", "  parallelism", "  disruption: {spread: [node]}\n  parallelism", "spec.disruption.spread",
                                "placement.topology"),
    "a picker and a list": ("prefill", "  prefill", "  traffic: {fallback: [{service: other}]}\n  prefill", "spec.traffic.fallback",
                            "endpoint picker"),
    "a canary behind a picker": ("prefill", "  prefill", CANARY + "  prefill", "spec.canary", "endpoint pickers"),
    "prefill without scheduler": ("prefill", "  router: {scheduler: {}}\n", "", "spec.prefill", "needs router.scheduler"),
    "prefill over several pods": ("prefill", "    parallelism: {tensor: 1}\n", "    parallelism: {pipeline: 2}\n", "spec.prefill", "one pod"),
    "prefill and offloading": ("prefill", "  prefill:\n", "  kv_cache_offloading: {cpu_gib: 4}\n  prefill:\n", "spec.kv_cache_offloading",
                               "one KV connector"),
    "offloading of an old engine": ("offloading", "version: 0.31.0", "version: 0.20.1", "spec.kv_cache_offloading", "0.22.0"),
    "an adapter twice": ("adapters", "name: sales", "name: legal", "spec.lora.adapters[1].name", "there twice"),
    "an adapter from an image": ("adapters", "hf://Qwen/legal-lora", "oci://Qwen/legal-lora", "spec.lora.adapters[0].uri", "matches"),
    "an adapter that is not pinned": ("adapters", ", revision: 0123456789ab", "", "spec.lora.adapters[0].revision", "missing"),
    "tensor as an argument": ("tensor", "max_model_len: 8192", "tensor_parallel_size: 2", "spec.release.vllm.arguments.tensor_parallel_size",
                              "parallelism.tensor"),
    "a route that nobody may take": ("tensor", "  parallelism", "  traffic: {}\n  parallelism", "spec.traffic", "without authentication"),
    "an autoscaler's surge": ("tensor", "  parallelism", "  rollout: {max_surge: 1}\n  parallelism", "spec.rollout", ""),
    "a bucket of another cloud": ("tensor", "hf://Qwen/Qwen2.5", "gs://Qwen/Qwen2.5", "spec.release.model.uri", "not gs"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(case: str, tmp_path: Path) -> None:
    shape, old, new, path, says = BAD[case]
    error = llm_wish(tmp_path, shape).change(FILE, old, new).error()

    assert error.path == path
    assert says in f"{error.message} {error.remedy}"


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_loads(shape: str, tmp_path: Path) -> None:
    assert llm_wish(tmp_path, shape).errors() == ()


def test_pods_that_read_prompts_are_not_called_like_another_service(tmp_path: Path) -> None:
    wish = llm_wish(tmp_path, "prefill")
    wish.files["services/acme/chat-prefill.yaml"] = llm_wish(tmp_path, "tensor").files[FILE].replace("name: chat\n", "name: chat-prefill\n")

    assert wish.error().path == "spec.prefill"


def test_shared_memory_of_pods_that_read_prompts_is_judged_where_it_is_written(tmp_path: Path) -> None:
    wish = llm_wish(tmp_path, "prefill").change(FILE, "memory_gib: 48}", "memory_gib: 2}")

    assert wish.error().path == "spec.prefill.resources.shared_memory_gib"


def test_another_kind_has_no_place_among_services(tmp_path: Path) -> None:
    error = Wish(tmp_path).change("services/acme/chat.yaml", "kind: InferenceService", "kind: Tenant").error()

    assert "InferenceService, LLMInferenceService" in error.message
