"""Topology-aware scheduling with the objects that components write: a gang stands in one rack, or waits; a service's wish reaches its Workload."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gpuplane.components.gpu_quotas import FlavorArgs, GpuQuotasArgs, flavor, topology
from gpuplane.components.inference_service import InferenceServiceArgs, manifest
from gpuplane.spec.vocabulary import PRIORITY_CLASS, TOPOLOGY_REQUEST
from tests.integration.cluster import Cluster, admitted, wait_for

pytestmark = pytest.mark.integration

KUEUE, NAMESPACE, RACK, LABEL = "kueue.x-k8s.io/v1beta2", "racks", "example.com/rack", "kueue.x-k8s.io/queue-name"
H100 = {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}
NODES = {"gpuplane-h100-0": "r1", "gpuplane-h100-1": "r2"}
ARGS = GpuQuotasArgs({"racks": FlavorArgs(H100, topology="racks")}, topologies={"racks": (RACK, "kubernetes.io/hostname")})
QUOTA = [{"name": "cpu", "nominalQuota": "64"}, {"name": "memory", "nominalQuota": "512Gi"}, {"name": "nvidia.com/gpu", "nominalQuota": "16"}]


@pytest.fixture(scope="module")
def racks(cluster: Cluster) -> Iterator[Cluster]:
    """Two racks of one node of eight GPUs each, and a queue on both."""
    for node, rack in NODES.items():
        cluster.core.patch_node(node, {"metadata": {"labels": {RACK: rack}}})
    group = {"coveredResources": [one["name"] for one in QUOTA], "flavors": [{"name": "racks", "resources": QUOTA}]}
    bodies: list[dict[str, Any]] = [
        dict(topology("racks", ARGS.topologies["racks"])), dict(flavor("racks", ARGS.flavors["racks"])),
        {"apiVersion": KUEUE, "kind": "ClusterQueue", "metadata": {"name": "racks"}, "spec": {"namespaceSelector": {}, "resourceGroups": [group]}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": KUEUE, "kind": "LocalQueue", "metadata": {"name": "gpu", "namespace": NAMESPACE}, "spec": {"clusterQueue": "racks"}}]
    for body in bodies:
        cluster.create(body)
    yield cluster
    for body in reversed(bodies):
        cluster.delete(body)
    for node in NODES:
        cluster.core.patch_node(node, {"metadata": {"labels": {RACK: None}}})


def _job(name: str, pods: int) -> dict[str, Any]:
    """So many pods of four GPUs that must stand in one rack."""
    notes = {TOPOLOGY_REQUEST.format(how="required"): RACK, "pod-complete.stage.kwok.x-k8s.io/delay": "1h"}
    amounts = {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "4"}
    container = {"name": "main", "image": "example.com/a", "resources": {"requests": amounts, "limits": amounts}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": NAMESPACE, "labels": {LABEL: "gpu"}},
            "spec": {"suspend": True, "parallelism": pods, "completions": pods, "template": {
                "metadata": {"annotations": notes}, "spec": {"restartPolicy": "Never", "containers": [container]}}}}


def _workload(cluster: Cluster, name: str) -> dict[str, Any]:
    return next((one for one in cluster.workloads(NAMESPACE) if name in one["metadata"]["name"]), {"status": {}})


def test_a_gang_stands_in_one_rack_or_waits(racks: Cluster) -> None:
    wide, fits = _job("wide", 3), _job("fits", 2)
    racks.create(wide)
    racks.create(fits)
    try:
        wait_for(lambda: admitted(_workload(racks, "fits")), "the gang that fits a rack is admitted")
        wait_for(lambda: len(_nodes(racks)) == 2, "its pods are bound")
        assert len(set(_nodes(racks))) == 1
        assert not admitted(_workload(racks, "wide"))  # 12 of 16 GPUs are its quota, but no rack has more than 8
    finally:
        racks.delete(fits)
        racks.delete(wide)


def _nodes(cluster: Cluster) -> list[str]:
    return [pod.spec.node_name for pod in cluster.core.list_namespaced_pod(NAMESPACE).items if pod.spec.node_name]


def test_a_services_wish_reaches_its_workload(racks: Cluster) -> None:
    body = dict(manifest(InferenceServiceArgs(
        name="near", namespace=NAMESPACE, runtime="none", model_format="vLLM", storage_uri="hf://a/b:c", image="example.com/a@sha256:" + "a" * 64,
        device="nvidia.com/gpu", devices=2, cpu=1, memory_gib=4, min_replicas=1, max_replicas=1, queue_name="gpu",
        pod_annotations={TOPOLOGY_REQUEST.format(how="required"): RACK})))
    body["metadata"]["labels"].pop(PRIORITY_CLASS)  # there are no WorkloadPriorityClasses here
    body["spec"]["predictor"].pop("model")
    amounts = {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "2"}
    body["spec"]["predictor"] |= {"containers": [{"name": "kserve-container", "image": "example.com/a@sha256:" + "a" * 64,
                                                  "resources": {"requests": amounts, "limits": amounts}}], "serviceAccountName": "default"}
    racks.create(body)
    try:
        wait_for(lambda: admitted(_workload(racks, "near")), "the service is admitted")
        assert _workload(racks, "near")["spec"]["podSets"][0]["topologyRequest"]["required"] == RACK
    finally:
        racks.delete(body)
