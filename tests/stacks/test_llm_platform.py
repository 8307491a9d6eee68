"""What the platform adds to LLMInferenceServices: disruption budgets, topology, traces; and what it does not watch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gpuplane.catalog.overlay import catalog_of
from gpuplane.components.llm_inference_service import LLMInferenceServiceArgs, WorkloadArgs, manifest
from gpuplane.delivery.offline_engine import render
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.wiring.kserve_objects import llm_pod_labels
from gpuplane.planning import plan
from tests.spec.wish import Wish
from tests.stacks.llm_shapes import FILE, llm_wish
from tests.stacks.test_llm_manifests import AS_OF

SETTINGS = "  cohorts:\n"
RACKS = "{install: external, version: 0.19.2, topologies: {racks: {levels: [rack, kubernetes.io/hostname], pools: [h100]}}}"


def _views(wish: Wish) -> list[ResourceView]:
    spec = wish.load()
    return [view for view in render(spec, plan(spec, catalog_of(spec), AS_OF)) if view.custom]


def _of_kind(views: list[ResourceView], kind: str) -> list[ResourceView]:
    return [view for view in views if view.kind == kind]


@pytest.mark.parametrize(("shape", "names"), [("pipeline", {"chat"}), ("prefill", {"chat", "chat-prefill"})])
def test_a_drain_takes_one_replica_of_each_role_at_a_time(shape: str, names: set[str], tmp_path: Path) -> None:
    views = _views(llm_wish(tmp_path, shape))
    service, = _of_kind(views, "LLMInferenceService")
    budgets = {view.name: view.props["spec"] for view in _of_kind(views, "PodDisruptionBudget")}

    assert budgets.keys() == names
    for name, budget in budgets.items():
        selected = budget["selector"]["matchLabels"].items()
        is_prefill = name.endswith("-prefill")
        assert budget["maxUnavailable"] == 1
        assert selected <= llm_pod_labels(service, is_prefill).items()
        assert not selected <= llm_pod_labels(service, not is_prefill).items()


@pytest.mark.parametrize(("shape", "group"), [("tensor", None), ("pipeline", "chat")])
def test_a_topology_is_asked_of_kueue_for_leader_and_workers_together(shape: str, group: str | None, tmp_path: Path) -> None:
    wish = llm_wish(tmp_path, shape).change("environment.yaml", "{install: external, version: 0.19.2}", RACKS)
    service, = _of_kind(_views(wish.change(FILE, "    pool: h100\n", "    pool: h100\n    topology: {required: rack}\n")), "LLMInferenceService")

    assert service.annotations["kueue.x-k8s.io/podset-required-topology"] == "rack"
    assert service.annotations.get("kueue.x-k8s.io/podset-group-name") == group


def test_no_topology_leaves_no_annotation_of_kueue() -> None:
    made = manifest(LLMInferenceServiceArgs("chat", "acme", "hf://a/b:c", "vllm@sha256:" + "a" * 64, WorkloadArgs(1, 1, 4, 16),
                                            "nvidia.com/gpu"))

    assert "annotations" not in made["metadata"]


def _engine(service: ResourceView) -> dict[str, Any]:
    found: dict[str, Any] = service.props["spec"]["template"]["containers"][0]
    return found


def test_an_engine_that_can_is_told_where_traces_go(tmp_path: Path) -> None:
    wish = llm_wish(tmp_path, "tensor").change("environment.yaml", SETTINGS, "  tracing: {namespace: observability}\n" + SETTINGS)
    engine = _engine(_of_kind(_views(wish), "LLMInferenceService")[0])

    assert "--otlp-traces-endpoint=http://otel-collector.observability.svc:4317" in str(engine)
    assert {"name": "OTEL_RESOURCE_ATTRIBUTES", "value": "service.namespace=acme,service.instance.id=chat"} in engine["env"]
