"""A service of every runtime, on the real API server with real Kueue and KServe: it reaches its pods on the fake GPU nodes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from kubernetes import dynamic

from gpuplane.catalog.overlay import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.planning import plan
from tests.integration.cluster import Cluster, admitted, wait_for
from tests.spec.wish import Wish
from tests.stacks.runtime_services import SERVERS, wish_of

pytestmark = pytest.mark.integration
CLAIM = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "models", "namespace": "acme"},
         "spec": {"accessModes": ["ReadOnlyMany"], "resources": {"requests": {"storage": "10Gi"}}}}


def _wish(folder: Path) -> Wish:
    """One environment with a service of each runtime, named after it."""
    whole = wish_of(folder, "vllm")
    del whole.files["services/acme/chat.yaml"]
    for runtime in SERVERS:
        service = wish_of(folder, runtime).files["services/acme/chat.yaml"]
        whole.files[f"services/acme/{runtime}.yaml"] = service.replace("  name: chat\n", f"  name: {runtime}\n").replace(
            "max_replicas: 2", "max_replicas: 1")
    whole.change("node-pools/h100.yaml", "{rack: a}", "{nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3}")
    return whole.change("tenants/acme.yaml", "    h100: 8\n", "    h100: 16\n")


@pytest.fixture(scope="module")
def applied(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """Every object that the cluster knows the kind of; InferenceServices by name."""
    spec = _wish(tmp_path_factory.mktemp("runtimes")).load()
    planned = plan(spec, catalog_of(spec), date(2026, 11, 21))
    assert planned.refusals == ()
    views = [view for view in render(spec, planned) if view.is_kubernetes and view.custom]
    order = ("Namespace", "ServiceAccount", "ResourceFlavor", "Cohort", "ClusterQueue", "LocalQueue", "WorkloadPriorityClass",
             "ClusterStorageContainer", "ClusterServingRuntime", "ResourceQuota", "ConfigMap", "InferenceService")
    bodies = [dict(view.props) for kind in order for view in views if view.kind == kind]
    bodies.insert(1, CLAIM)
    for body in bodies:
        _apply(cluster, body)
    yield {body["metadata"]["name"]: body for body in bodies if body["kind"] == "InferenceService"}
    for body in reversed(bodies):
        if cluster.get(body["apiVersion"], body["kind"], body["metadata"]["name"], body["metadata"].get("namespace", "")) is not None:
            cluster.delete(body)


def _apply(cluster: Cluster, body: dict[str, Any]) -> None:
    metadata = body["metadata"]
    namespaced = {"namespace": metadata["namespace"]} if metadata.get("namespace") else {}
    cluster.kind(body["apiVersion"], body["kind"]).server_side_apply(
        body=body, name=metadata["name"], field_manager="gpuplane-test", force_conflicts=True, field_validation="Strict", **namespaced)


def _pod(cluster: Cluster, service: str) -> Any:
    found = cluster.core.list_namespaced_pod("acme", label_selector=f"serving.kserve.io/inferenceservice={service}").items
    return found[0] if found else None


@pytest.mark.parametrize("runtime", SERVERS)
def test_a_service_reaches_its_pods(runtime: str, applied: dict[str, dict[str, Any]], cluster: Cluster) -> None:
    def running() -> bool:
        pod = _pod(cluster, runtime)
        return pod is not None and pod.status.phase == "Running"

    wait_for(running, f"a pod of {runtime} runs", 90)

    pod, asked = _pod(cluster, runtime), applied[runtime]["spec"]["predictor"]
    container = next(one for one in pod.spec.containers if one.name == "kserve-container")
    assert pod.spec.node_name.startswith("gpuplane-h100-")
    assert container.image == asked["model"]["image"]
    said = asked["model"].get("args", [])
    assert (container.args or [])[-len(said):] == said if said else True
    assert container.resources.limits["nvidia.com/gpu"] == asked["model"]["resources"]["limits"]["nvidia.com/gpu"]
    assert container.security_context.run_as_non_root is True
    assert container.lifecycle.pre_stop.sleep.seconds == asked["model"]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod.spec.termination_grace_period_seconds == asked["terminationGracePeriodSeconds"]
    assert {"/mnt/models", "/dev/shm"} <= {mount.mount_path for mount in container.volume_mounts}
    # KServe's own containers (downloads) have to satisfy the tenant's restricted namespace as well: the pod is there.
    assert all(one.security_context.allow_privilege_escalation is False for one in pod.spec.init_containers or [])


def test_all_of_them_are_admitted_by_kueue(applied: dict[str, dict[str, Any]], cluster: Cluster) -> None:
    workloads = cluster.workloads("acme")

    assert len(workloads) >= len(applied)
    assert all(admitted(workload) for workload in workloads)


def test_triton_gets_its_model_settings(applied: dict[str, dict[str, Any]], cluster: Cluster) -> None:
    pod = _pod(cluster, "triton")
    volumes = {volume.name: volume for volume in pod.spec.volumes}
    settings = cluster.core.read_namespaced_config_map(volumes["model-settings"].config_map.name, "acme")
    container = next(one for one in pod.spec.containers if one.name == "kserve-container")

    assert set(settings.data) == {"resnet50.pbtxt", "detector.pbtxt"}
    assert container.command[:2] == ["/bin/sh", "-c"]
    assert "--model-repository=/var/lib/triton/models" in container.args
    assert not any(argument.startswith("--model-repository=/mnt") for argument in container.args)


def test_a_volume_is_mounted_at_its_revision(applied: dict[str, dict[str, Any]], cluster: Cluster) -> None:
    container = next(one for one in _pod(cluster, "onnxruntime").spec.containers if one.name == "kserve-container")
    mount = next(one for one in container.volume_mounts if one.mount_path == "/mnt/models")

    assert (mount.sub_path, mount.read_only) == ("resnet50/3f9b51c0d2aa47e8", True)


def test_the_api_server_would_refuse_a_field_that_no_runtime_has(applied: dict[str, dict[str, Any]], cluster: Cluster) -> None:
    body = dict(applied["vllm"], metadata={"name": "wrong", "namespace": "acme"}, spec={"predictor": {"model": {"modelFormats": {}}}})

    with pytest.raises(dynamic.exceptions.DynamicApiError):
        _apply(cluster, body)
