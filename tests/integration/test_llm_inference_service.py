"""Every shape of an LLMInferenceService with KServe's real controller and Kueue: it reaches its pods on the fake GPU nodes, whole or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from kubernetes import dynamic

from gpuplane.catalog.overlay import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.planning import plan
from gpuplane.spec.errors import InvalidSpec
from gpuplane.spec.kserve_names import (
    PICKER_COMPONENT,
    PICKER_METRICS_PORT,
    PICKER_PORT,
    PICKER_SERVICE_SUFFIX,
    PICKER_SUFFIX,
    PROXY_SUFFIX,
)
from gpuplane.spec.vocabulary import KSERVE_LLM
from tests.integration.cluster import Cluster, admitted, wait_for
from tests.stacks.llm_shapes import FILE, PROXY, SHAPES, llm_wish

pytestmark = pytest.mark.integration
ORDER = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "Namespace", "ServiceAccount", "ResourceFlavor", "Cohort", "ClusterQueue", "LocalQueue", "WorkloadPriorityClass",
         "ResourceQuota", "LLMInferenceServiceConfig", "LLMInferenceService", "ConfigMap", "Service", "Deployment")
PODS = {"pipeline": (2, 0), "data": (2, 0), "prefill": (1, 2)}
"""Pods that write answers and pods that read prompts, where they are not one and none."""
BUDGETS: dict[str, dict[str, Any]] = {}
"""Disruption budgets by their service, once the fixture has rendered them."""
LWS = "leaderworkerset.x-k8s.io/v1"


@pytest.fixture(scope="module")
def applied(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, dict[str, Any]]]:
    """A service of each shape in one namespace, by shape."""
    try:
        cluster.kind(KSERVE_LLM, "LLMInferenceService")
    except dynamic.exceptions.ResourceNotFoundError:
        pytest.skip("the cluster has no LLMInferenceService: its CRD is not installed")
    bodies: dict[tuple[str, str], dict[str, Any]] = {}
    for shape in SHAPES:
        wish = llm_wish(tmp_path_factory.mktemp(shape), shape, name=shape)
        wish.change("node-pools/h100.yaml", "{rack: a}", "{nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3}")
        if shape == "prefill":  # watched, and with a proxy before its picker
            wish.change(f"services/acme/{shape}.yaml", "  router: {scheduler: {}}\n", PROXY).change(
                "environment.yaml", "  cohorts:\n", "  monitoring: {}\n  cohorts:\n")
        spec = wish.change("tenants/acme.yaml", "    h100: 8\n", "    h100: 16\n").load()
        planned = plan(spec, catalog_of(spec), date(2026, 11, 21))
        assert planned.refusals == ()
        views = [view for view in render(spec, planned) if view.is_kubernetes and view.custom]
        BUDGETS[shape] = next(dict(view.props) for view in views if (view.kind, view.name) == ("PodDisruptionBudget", shape))
        bodies |= {(view.kind, view.name): dict(view.props) for view in views if view.namespace in ("", "acme")}
    wanted = [body for kind in ORDER for (found, _), body in bodies.items() if found == kind]
    for body in wanted:
        _apply(cluster, body)
    yield {body["metadata"]["name"]: body for body in wanted if body["kind"] == "LLMInferenceService"}
    for body in reversed(wanted):
        if cluster.get(body["apiVersion"], body["kind"], body["metadata"]["name"], body["metadata"].get("namespace", "")) is not None:
            cluster.delete(body)


def _apply(cluster: Cluster, body: dict[str, Any]) -> None:
    metadata = body["metadata"]
    namespaced = {"namespace": metadata["namespace"]} if metadata.get("namespace") else {}
    cluster.kind(body["apiVersion"], body["kind"]).server_side_apply(
        body=body, name=metadata["name"], field_manager="gpuplane-test", force_conflicts=True, field_validation="Strict", **namespaced)


def _pods(cluster: Cluster, shape: str, reads_prompts: bool) -> list[Any]:
    found = cluster.core.list_namespaced_pod("acme", label_selector=f"app.kubernetes.io/name={shape}").items
    engines = [pod for pod in found if "router-scheduler" not in pod.metadata.labels.get("app.kubernetes.io/component", "")]
    return [pod for pod in engines if ("prefill" in pod.metadata.labels.get("app.kubernetes.io/component", "")) is reads_prompts]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_reaches_its_pods(shape: str, applied: Mapping[str, dict[str, Any]], cluster: Cluster) -> None:
    answer, read = PODS.get(shape, (1, 0))

    def running() -> bool:
        groups = (_pods(cluster, shape, reads_prompts=False), answer), (_pods(cluster, shape, reads_prompts=True), read)
        return all(len(pods) == count and all(pod.status.phase == "Running" for pod in pods) for pods, count in groups)

    wait_for(running, f"{answer + read} pods of {shape} run", 45)

    spec = applied[shape]["spec"]
    for pod in _pods(cluster, shape, reads_prompts=False):
        container, wanted = next(one for one in pod.spec.containers if one.name == "main"), spec["template"]["containers"][0]
        assert pod.spec.node_name.startswith("gpuplane-h100-")
        assert container.image == wanted["image"]
        assert container.resources.limits["nvidia.com/gpu"] == wanted["resources"]["limits"]["nvidia.com/gpu"]
        assert container.security_context.capabilities.add in (None, [])
        assert pod.spec.termination_grace_period_seconds == spec["template"]["terminationGracePeriodSeconds"]
        assert "/dev/shm" in {mount.mount_path for mount in container.volume_mounts}
        for each in (*(pod.spec.init_containers or []), *pod.spec.containers):
            assert each.security_context.read_only_root_filesystem, each.name
            assert "/tmp" in {mount.mount_path for mount in each.volume_mounts} or each.name == "llm-d-routing-sidecar"
        if container.startup_probe is not None:
            assert container.startup_probe.http_get.scheme in ("HTTP", "HTTPS")
            assert container.startup_probe.failure_threshold == wanted["startupProbe"]["failureThreshold"]


def test_an_endpoint_picker_is_what_our_objects_take_it_for(applied: Mapping[str, dict[str, Any]], cluster: Cluster) -> None:
    """Its Service and port, which the proxy asks; its labels and port of metrics, which a PodMonitor selects; and that those are open."""
    wait_for(lambda: cluster.get("apps/v1", "Deployment", f"prefill{PICKER_SUFFIX}", "acme") is not None, "the picker is there", 45)
    picker, service = (cluster.get(version, kind, name, "acme") for version, kind, name in (
        ("apps/v1", "Deployment", f"prefill{PICKER_SUFFIX}"), ("v1", "Service", f"prefill{PICKER_SERVICE_SUFFIX}")))
    assert picker is not None
    assert service is not None
    pods = picker["spec"]["template"]
    main = next(one for one in pods["spec"]["containers"] if one["name"] == "main")

    assert pods["metadata"]["labels"].items() >= service["spec"]["selector"].items()
    assert pods["metadata"]["labels"]["app.kubernetes.io/component"] == PICKER_COMPONENT
    assert {PICKER_PORT, PICKER_METRICS_PORT} <= {port["port"] for port in service["spec"]["ports"]}
    assert {PICKER_PORT, PICKER_METRICS_PORT} <= {port["containerPort"] for port in main["ports"]}
    assert "--metrics-endpoint-auth=false" in main["args"]
    assert main["image"].startswith("ghcr.io/llm-d/llm-d-router-endpoint-picker")
    wait_for(lambda: any(pod.status.phase == "Running" for pod in cluster.core.list_namespaced_pod(
        "acme", label_selector=f"app.kubernetes.io/component={PICKER_COMPONENT},app.kubernetes.io/name=prefill").items), "the picker runs", 45)


@pytest.mark.parametrize(("account", "name", "refused"), [("prefill-epp-sa", "prefill", False), ("acme-secrets", "prefill", True),
                                                          ("other-epp-sa", "prefill", True), ("prefill-epp-sa", "", True)])
def test_only_an_endpoint_picker_runs_as_its_account(
        account: str, name: str, refused: bool, applied: Mapping[str, dict[str, Any]], cluster: Cluster) -> None:
    labels = {"app.kubernetes.io/component": PICKER_COMPONENT, "app.kubernetes.io/name": name} if name else {}
    container = {"name": "main", "image": "docker.io/vllm/vllm-openai@sha256:" + "a" * 64, "securityContext": {
        "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}}
    served = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": "acme"}}
    if cluster.get("v1", "ServiceAccount", account, "acme") is None:
        cluster.create(served)
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "wrong", "namespace": "acme", "labels": labels},
            "spec": {"serviceAccountName": account, "containers": [container]}}
    try:
        cluster.kind("v1", "Pod").create(body=body, namespace="acme", dry_run="All")
        said = ""
    except dynamic.exceptions.DynamicApiError as error:
        said = str(error.body)

    assert ("others read the tenant's secret store" in said) is refused, said


def test_the_proxy_before_an_endpoint_picker_runs_confined(applied: Mapping[str, dict[str, Any]], cluster: Cluster) -> None:
    def running() -> list[Any]:
        found = cluster.core.list_namespaced_pod("acme", label_selector=f"app.kubernetes.io/name=prefill{PROXY_SUFFIX}").items
        return [pod for pod in found if pod.status.phase == "Running"]

    wait_for(lambda: len(running()) == 2, "both pods of the proxy run", 45)
    assert "kueue.x-k8s.io/managed" not in running()[0].metadata.labels


@pytest.mark.parametrize("shape", ["pipeline", "data"])
def test_a_replica_of_several_pods_is_admitted_as_one(shape: str, applied: Mapping[str, dict[str, Any]], cluster: Cluster) -> None:
    wait_for(lambda: len(_pods(cluster, shape, reads_prompts=False)) == 2, f"both pods of {shape} are there", 45)
    mine = [one for one in cluster.workloads("acme") if one["metadata"]["name"].startswith(f"leaderworkerset-{shape}-")]

    assert [admitted(one) for one in mine] == [True]
    assert sum(part["count"] for part in mine[0]["spec"]["podSets"]) == 2


@pytest.mark.parametrize(("shape", "pods"), [("tensor", 1), ("prefill", 1), ("pipeline", 2), ("data", 2)])
def test_a_disruption_budget_finds_all_pods_of_its_replicas(
        shape: str, pods: int, applied: Mapping[str, dict[str, Any]], cluster: Cluster) -> None:
    wait_for(lambda: len(_pods(cluster, shape, reads_prompts=False)) == pods, f"the pods of {shape} are there", 45)
    selector = BUDGETS[shape]["spec"]["selector"]["matchLabels"]
    found = cluster.core.list_namespaced_pod("acme", label_selector=",".join(f"{key}={value}" for key, value in selector.items())).items

    assert {pod.metadata.name for pod in found} == {pod.metadata.name for pod in _pods(cluster, shape, reads_prompts=False)}


@pytest.mark.parametrize(("shape", "kind", "name"), [("tensor", "Deployment", "tensor-kserve"), ("pipeline", "LeaderWorkerSet", "pipeline-kserve-mn")])
def test_kserve_keeps_the_replicas_that_an_autoscaler_sets(
        shape: str, kind: str, name: str, applied: Mapping[str, dict[str, Any]], cluster: Cluster) -> None:
    version = "apps/v1" if kind == "Deployment" else LWS
    workload = cluster.kind(version, kind)
    wait_for(lambda: cluster.get(version, kind, name, "acme") is not None, f"{name} is there", 45)
    body = dict(applied[shape], spec={key: value for key, value in applied[shape]["spec"].items() if key != "replicas"})
    try:
        _apply(cluster, body)
        # Until then KServe may still write the replicas of the service as it was.
        wait_for(lambda: _observed(cluster.get(KSERVE_LLM, "LLMInferenceService", shape, "acme")), f"KServe has seen {shape}", 45)
        workload.patch(name=name, namespace="acme", body={"spec": {"replicas": 2}}, content_type="application/merge-patch+json")
        # Another field changes, so that KServe looks at it once more.
        _apply(cluster, dict(body, metadata={**body["metadata"], "annotations": {
            **body["metadata"].get("annotations", {}), "prometheus.io/scrape": "false"}}))
        wait_for(lambda: _annotated(cluster.get(version, kind, name, "acme")), f"KServe has seen the change of {name}", 45)

        found = cluster.get(version, kind, name, "acme")
        assert found is not None
        assert found["spec"]["replicas"] == 2
    finally:
        _apply(cluster, applied[shape])


def _observed(service: Mapping[str, Any] | None) -> bool:
    return service is not None and (service.get("status") or {}).get("observedGeneration") == service["metadata"]["generation"]


def _annotated(workload: Mapping[str, Any] | None) -> bool:
    return workload is not None and workload["metadata"].get("annotations", {}).get("prometheus.io/scrape") == "false"


def test_adapters_are_handed_to_the_engine(applied: Mapping[str, dict[str, Any]], cluster: Cluster) -> None:
    wait_for(lambda: len(_pods(cluster, "adapters", reads_prompts=False)) == 1, "the pod with adapters is there", 45)
    arguments = " ".join(_pods(cluster, "adapters", reads_prompts=False)[0].spec.containers[0].args)

    assert "--enable-lora" in arguments
    assert "--max-lora-rank=32" in arguments
    assert "/mnt/lora/legal" in arguments


def test_what_leaves_the_gpu_is_handed_to_the_engine(applied: Mapping[str, dict[str, Any]], cluster: Cluster) -> None:
    wait_for(lambda: len(_pods(cluster, "offloading", reads_prompts=False)) == 1, "the pod that offloads is there", 45)
    container = _pods(cluster, "offloading", reads_prompts=False)[0].spec.containers[0]

    assert str(16 * 1024**3) in " ".join(container.command)


def test_the_api_server_refuses_what_is_refused_before_it(
        applied: Mapping[str, dict[str, Any]], cluster: Cluster, tmp_path: Path) -> None:
    body = dict(applied["tensor"], metadata={"name": "wrong", "namespace": "acme"})
    body["spec"] = {**body["spec"], "parallelism": {"pipeline": 2, "data": 2, "dataLocal": 1}}

    with pytest.raises(dynamic.exceptions.DynamicApiError):
        _apply(cluster, body)
    with pytest.raises(InvalidSpec):
        llm_wish(tmp_path, "pipeline").change(FILE, "pipeline: 2}", "pipeline: 2, data: 2, data_local: 1}").load()
