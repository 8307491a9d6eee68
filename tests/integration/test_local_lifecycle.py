"""``up local`` from nothing on a real API server with real Kueue and KServe, to ``destroy`` with nothing left.

One lifecycle, told in order: each test builds on the one before it, so the module runs as one group.
"""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from tests.integration.cluster import Cluster, admitted, wait_for
from tests.integration.work import Work

pytestmark = pytest.mark.integration

SERVICES = {("support", "chat"), ("support", "assistant-70b"), ("search", "embeddings"), ("research", "resnet50")}
QUEUE = "kueue.x-k8s.io/queue-name"


def test_before_the_first_up_the_upper_layer_is_previewed_offline_only(work: Work) -> None:
    said = work.gpuplane("preview", "local", "--engine", "pulumi").stdout

    assert "local-platform: create ResourceFlavor h100" in said
    assert "local-tenants: offline only, until local-platform is applied" in said


@pytest.fixture(scope="module")
def up(work: Work) -> Work:
    """The local environment, applied."""
    work.gpuplane("up", "local")
    return work


def _gpu_template(gpus: int, labels: dict[str, str]) -> dict[str, Any]:
    amounts = {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": str(gpus)}
    secure = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True, "runAsUser": 1000,
              "seccompProfile": {"type": "RuntimeDefault"}}
    return {"metadata": {"labels": labels}, "spec": {"restartPolicy": "Always", "containers": [{
        "name": "main", "image": "example.com/train@sha256:" + "a" * 64, "securityContext": secure,
        "resources": {"requests": amounts, "limits": amounts}}]}}


def test_every_planned_object_exists(up: Work) -> None:
    planned = up.planned()

    missing = [f"{one['kind']} {one['metadata']['name']}" for one in planned if not up.exists(one)]

    assert len(planned) > 50
    assert missing == []


def test_the_models_are_admitted_by_kueue_and_run_on_gpu_nodes(up: Work, cluster: Cluster) -> None:
    def running() -> set[tuple[str, str]]:
        found = set()
        for namespace in {tenant for tenant, _ in SERVICES}:
            for pod in cluster.core.list_namespaced_pod(namespace).items:
                if pod.status.phase == "Running" and pod.spec.node_name:
                    found.add((namespace, pod.metadata.labels["serving.kserve.io/inferenceservice"]))
        return found

    wait_for(lambda: running() >= SERVICES, f"all of {sorted(SERVICES)} run, not only {sorted(running())}", 120)

    workloads = [one for tenant in ("support", "search", "research") for one in cluster.workloads(tenant)]
    nodes = {node.metadata.name: node.metadata.labels["nvidia.com/gpu.product"] for node in cluster.core.list_node().items
             if "nvidia.com/gpu.product" in node.metadata.labels}
    embedding = next(pod for pod in cluster.core.list_namespaced_pod("search").items if "embeddings" in pod.metadata.name)
    assert workloads
    assert all(admitted(one) for one in workloads)
    assert nodes[embedding.spec.node_name] == "NVIDIA-A100-SXM4-80GB"


def test_a_second_up_changes_nothing(up: Work) -> None:
    done = up.gpuplane("up", "local")

    assert "created" not in done.stderr
    assert "updated" not in done.stderr
    assert "unchanged" in done.stderr


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_what_is_over_the_quota_waits_in_the_queue(up: Work, cluster: Cluster, kind: str) -> None:
    labels = {"app": "greedy", QUEUE: "gpu"}
    template = _gpu_template(8, labels if kind == "Deployment" else {"app": "greedy"})
    if kind == "Deployment":
        body = {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "greedy", "namespace": "support", "labels": labels},
                "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "greedy"}}, "template": template}}
    else:
        template["spec"]["restartPolicy"] = "Never"
        body = {"apiVersion": "batch/v1", "kind": kind, "metadata": {"name": "greedy", "namespace": "support", "labels": labels},
                "spec": {"parallelism": 3, "completions": 3, "template": template}}

    cluster.create(body)
    try:
        wait_for(lambda: any("greedy" in one["metadata"]["name"] for one in cluster.workloads("support")), "a workload is there")
        pending = [one for one in cluster.workloads("support") if "greedy" in one["metadata"]["name"] and not admitted(one)]

        assert pending
    finally:
        cluster.delete(body)


def test_a_local_queue_on_another_tenants_cluster_queue_admits_nothing(up: Work, cluster: Cluster) -> None:
    queue = {"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "LocalQueue", "metadata": {"name": "stolen", "namespace": "research"},
             "spec": {"clusterQueue": "support"}}
    template = _gpu_template(1, {})
    template["spec"]["restartPolicy"] = "Never"
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "thief", "namespace": "research", "labels": {QUEUE: "stolen"}},
           "spec": {"template": template}}

    cluster.create(queue)
    cluster.create(job)
    try:
        wait_for(lambda: any("thief" in one["metadata"]["name"] for one in cluster.workloads("research")), "a workload is there")

        def refused() -> bool:
            thief = next(one for one in cluster.workloads("research") if "thief" in one["metadata"]["name"])
            conditions = (thief.get("status") or {}).get("conditions") or []
            return any("namespace" in one.get("message", "").lower() for one in conditions) and not admitted(thief)

        wait_for(refused, "Kueue says that the namespace does not match")
    finally:
        cluster.delete(job)
        cluster.delete(queue)


def test_a_gpu_pod_without_a_queue_is_refused(up: Work, cluster: Cluster) -> None:
    template = _gpu_template(1, {"app": "free-rider"})
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "free-rider", "namespace": "research"}, "spec": template["spec"]}

    with pytest.raises(ApiException) as refused:
        cluster.create(body)

    assert refused.value.status == 403
    assert "set the label kueue.x-k8s.io/queue-name" in str(refused.value.body)


def test_a_pod_that_claims_an_owner_is_refused(up: Work, cluster: Cluster) -> None:
    template = _gpu_template(1, {})
    template["spec"]["restartPolicy"] = "Never"
    job = {"apiVersion": "batch/v1", "kind": "Job", "spec": {"suspend": True, "template": template},
           "metadata": {"name": "small", "namespace": "research", "labels": {QUEUE: "nowhere"}}}
    cluster.create(job)
    uid = (cluster.get("batch/v1", "Job", "small", "research") or {})["metadata"]["uid"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "small", "uid": uid, "controller": True}
    body = {"apiVersion": "v1", "kind": "Pod", "spec": template["spec"], "metadata": {
        "name": "adopted", "namespace": "research", "labels": {QUEUE: "gpu"}, "ownerReferences": [owner]}}

    try:
        with pytest.raises(ApiException) as refused:
            cluster.create(body)
        assert "Only controllers own GPU workloads" in str(refused.value.body)
    finally:
        cluster.delete(job)


def test_a_suspended_job_cannot_lose_its_queue(up: Work, cluster: Cluster) -> None:
    template = _gpu_template(1, {})
    template["spec"]["restartPolicy"] = "Never"
    job = {"apiVersion": "batch/v1", "kind": "Job", "spec": {"suspend": True, "template": template},
           "metadata": {"name": "patient", "namespace": "support", "labels": {QUEUE: "nowhere"}}}
    cluster.create(job)

    try:
        with pytest.raises(ApiException) as refused:
            cluster.kind("batch/v1", "Job").patch(name="patient", namespace="support", body={"metadata": {"labels": {QUEUE: None}}},
                                                  content_type="application/merge-patch+json")
        assert "set the label kueue.x-k8s.io/queue-name" in str(refused.value.body)
    finally:
        cluster.delete(job)


@pytest.mark.parametrize(("spec", "message"), [
    ({"ports": [{"port": 80}], "externalIPs": ["192.0.2.10"]}, "externalIPs"),
    ({"type": "ExternalName", "externalName": "example.com"}, "ExternalName"),
    ({"type": "NodePort", "ports": [{"port": 80}]}, "exceeded quota"),
], ids=["external-ips", "external-name", "node-port"])
def test_a_service_does_not_lead_out_of_the_tenant(up: Work, cluster: Cluster, spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiException) as refused:
        cluster.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "out", "namespace": "research"}, "spec": spec})

    assert message in str(refused.value.body)


def test_one_edited_quota_changes_exactly_that_object(up: Work, cluster: Cluster) -> None:
    before = cluster.get("kueue.x-k8s.io/v1beta2", "ClusterQueue", "research")
    flavors = before["spec"]["resourceGroups"][0]["flavors"]  # type: ignore[index]
    old = next(int(one["borrowingLimit"]) for flavor in flavors for one in flavor["resources"] if one["name"] == "nvidia.com/gpu"
               and flavor["name"] == "h100")
    up.edit("tenants/research.yaml", f"borrowing_limit: {old}", f"borrowing_limit: {old - 1}")

    done = up.gpuplane("up", "local")

    updated = [line.strip() for line in done.stderr.splitlines() if line.strip().startswith("~")]
    assert updated == ["~ ClusterQueue research updated"]


def test_drift_reports_a_change_made_by_hand(up: Work, cluster: Cluster) -> None:
    assert "no drift" in up.gpuplane("drift", "local").stdout
    cluster.kind("kueue.x-k8s.io/v1beta2", "ClusterQueue").patch(
        name="research", body={"spec": {"stopPolicy": "Hold"}}, content_type="application/merge-patch+json")
    cluster.core.patch_namespaced_resource_quota("tenant", "search", {"spec": {"hard": {"pods": "7"}}})

    done = up.gpuplane("drift", "local", status=1)

    assert "ResourceQuota search-quota differs: spec.hard.pods" in done.stdout
    assert "ClusterQueue research differs: spec.stopPolicy" in done.stdout
    assert done.stdout.count("differs") == 2


def test_a_tenant_without_a_document_goes_only_by_name(up: Work, cluster: Cluster) -> None:
    (up.environments / "local" / "tenants" / "research.yaml").unlink()
    shutil.rmtree(up.environments / "local" / "services" / "research")

    refused = up.gpuplane("up", "local", status=1)
    there = cluster.get("v1", "Namespace", "research")
    up.gpuplane("up", "local", "--offboard", "research")

    assert "no document describes research any more" in refused.stderr
    assert there is not None
    assert cluster.get("v1", "Namespace", "research") is None
    assert cluster.get("kueue.x-k8s.io/v1beta2", "ClusterQueue", "research") is None


def test_destroy_leaves_nothing_behind(up: Work) -> None:
    planned = up.planned()

    up.gpuplane("destroy", "local", "--yes")

    assert [f"{one['kind']} {one['metadata']['name']}" for one in planned if up.exists(one)] == []
    assert up.state_resources() == 0
    assert json.loads(up.pulumi("stack", "ls", "--json", "--all", project=up.folder).stdout) == []
