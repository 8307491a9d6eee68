"""What each shape of an LLMInferenceService becomes: golden manifests, and what holds for all of them."""

from __future__ import annotations

import os
import shlex
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from gpuplane.catalog.overlay import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.planning import plan
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.policies.registry import judge
from gpuplane.spec.policies import Policies
from gpuplane.spec.vocabulary import QUEUE_NAME
from tests.spec.wish import Wish
from tests.stacks.llm_shapes import FILE, SHAPES, llm_wish

GOLDEN = Path(__file__).parents[1] / "golden" / "llm"
AS_OF = date(2026, 11, 21)
KINDS = ("LLMInferenceService", "LLMInferenceServiceConfig")


def _planned(wish: Wish) -> EnvironmentPlan:
    spec = wish.load()
    return plan(spec, catalog_of(spec), AS_OF)


def objects_of(wish: Wish) -> list[dict[str, Any]]:
    """The objects that the service makes."""
    spec = wish.load()
    planned = plan(spec, catalog_of(spec), AS_OF)
    assert planned.refusals == ()
    return [dict(view.props) for view in render(spec, planned) if view.custom and view.kind in KINDS]


def _service(wish: Wish) -> dict[str, Any]:
    return next(found for found in objects_of(wish) if found["kind"] == "LLMInferenceService")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_becomes_what_its_golden_manifest_says(shape: str, tmp_path: Path) -> None:
    found = sorted(objects_of(llm_wish(tmp_path, shape)), key=lambda one: (one["kind"], one["metadata"]["name"]))
    text = yaml.safe_dump_all(found, sort_keys=True, width=120)
    golden = GOLDEN / f"{shape}.yaml"
    if os.environ.get("GPUPLANE_WRITE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)

    assert golden.read_text() == text


@pytest.mark.parametrize("shape", SHAPES)
def test_pods_of_every_shape_are_confined_queued_and_pinned(shape: str, tmp_path: Path) -> None:
    service = _service(llm_wish(tmp_path, shape))
    spec = service["spec"]
    pods = [part[name] for part in (spec, spec.get("prefill", {})) for name in ("template", "worker") if name in part]

    assert service["metadata"]["labels"][QUEUE_NAME] == "gpu"
    assert "route" not in spec.get("router", {})
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["terminationGracePeriodSeconds"] >= 300
        assert pod["nodeSelector"] == {"rack": "a"}
        assert "@sha256:" in pod["containers"][0]["image"]
        assert pod["containers"][0]["resources"]["limits"] == pod["containers"][0]["resources"]["requests"]


@pytest.mark.parametrize("shape", sorted(SHAPES.keys() - {"adapters"}))
def test_no_rule_finds_fault_with_a_shape(shape: str, tmp_path: Path) -> None:
    assert _faults(llm_wish(tmp_path, shape)) == set()


def test_an_adapter_from_a_source_that_is_not_allowed_and_that_no_role_may_read_is_found(tmp_path: Path) -> None:
    assert _faults(llm_wish(tmp_path, "adapters")) == {"SC-05", "SC-08", "WI-12"}


def _faults(wish: Wish) -> set[str]:
    """Rules that find fault with the service's own objects."""
    spec = wish.load()
    catalog = catalog_of(spec)
    graph = PlannedGraph(tuple(render(spec, plan(spec, catalog, AS_OF))), catalog=catalog, parameters=Policies(development=False))
    judged = judge(graph, (), AS_OF)
    return {found.rule for found in judged.findings if ":LLM" in found.urn.split("::")[2]}


@pytest.mark.parametrize(("shape", "devices", "pods"), [
    ("tensor", 2, 1), ("pipeline", 2, 2), ("data", 4, 2), ("data-in-one-pod", 2, 1), ("prefill", 1, 1), ("adapters", 1, 1)])
def test_a_replica_is_planned_over_its_pods(shape: str, devices: int, pods: int, tmp_path: Path) -> None:
    wish = llm_wish(tmp_path, shape)
    found = next(service for service in _planned(wish).tenants["acme"].services if service.name == "chat")
    spec = wish.load().services["acme/chat"].document.spec

    assert (found.devices_per_replica, spec.pods_per_replica, spec.devices_per_pod) == (devices, pods, devices // pods)


def test_pods_that_read_prompts_count_against_the_quota_like_a_service(tmp_path: Path) -> None:
    planned = _planned(llm_wish(tmp_path, "prefill"))

    assert [(one.name, one.min_replicas, one.devices_per_replica) for one in planned.tenants["acme"].services] == [
        ("chat", 1, 1), ("chat-prefill", 2, 1)]
    assert planned.tenants["acme"].quotas["h100"].committed == 3


def test_a_rollout_surges_by_what_kubernetes_does_when_nobody_says(tmp_path: Path) -> None:
    alone, groups = (_planned(llm_wish(tmp_path / shape, shape)).tenants["acme"].services[0] for shape in ("tensor", "pipeline"))

    assert (alone.surge, groups.surge) == (1, 0)


def test_a_refusal_of_pods_that_read_prompts_names_the_field_that_says_them(tmp_path: Path) -> None:
    wish = llm_wish(tmp_path, "prefill").change(FILE, "    replicas: 2\n", "    replicas: 12\n")
    line = wish.line(FILE, "    replicas: 12")

    assert {(one.path, one.line) for one in _planned(wish).refusals if "quota" in one.claim} >= {("spec.prefill.replicas", line)}


def test_more_gpus_than_a_node_has_in_one_pod_are_refused_with_a_way_out(tmp_path: Path) -> None:
    wish = llm_wish(tmp_path, "tensor").change(FILE, "{tensor: 2}", "{tensor: 14}").change("tenants/acme.yaml", "    h100: 8\n", "    h100: 16\n")
    found = next(one for one in _planned(wish).refusals if one.path == "spec.parallelism")

    assert "14 GPUs (tensor × data_local) in one pod" in found.claim
    assert "pipeline" in found.remedy


def test_host_memory_holds_what_leaves_the_gpu(tmp_path: Path) -> None:
    found = _planned(llm_wish(tmp_path, "offloading").change(FILE, "cpu_gib: 16", "cpu_gib: 63")).refusals

    assert [one.path for one in found] == ["spec.resources.memory_gib"]
    assert "63 of them for the KV cache" in found[0].claim


def test_arguments_survive_the_shell_that_reads_them(tmp_path: Path) -> None:
    arguments = _service(llm_wish(tmp_path, "speculative"))["spec"]["template"]["containers"][0]["args"]

    assert '--speculative-config={"method":"ngram","num_speculative_tokens":4}' in shlex.split(" ".join(arguments))


def test_both_roles_hand_over_the_kv_cache(tmp_path: Path) -> None:
    spec = _service(llm_wish(tmp_path, "prefill"))["spec"]
    said = [[text for text in part["template"]["containers"][0]["args"] if "NixlConnector" in text] for part in (spec, spec["prefill"])]

    assert [len(texts) for texts in said] == [1, 1]
    assert spec["prefill"]["template"]["automountServiceAccountToken"] is False
    assert "automountServiceAccountToken" not in spec["template"]
