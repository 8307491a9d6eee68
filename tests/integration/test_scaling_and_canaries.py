"""KEDA's objects, disruption budgets, scale to zero and canaries on the real API server with real Kueue and KServe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, dynamic
from kubernetes.client.exceptions import ApiException

from gpuplane.catalog import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.planning import plan
from tests.integration.cluster import Cluster, admitted, wait_for
from tests.integration.extra_crds import install_crds, is_served
from tests.planning.canary_wish import trying, trying_scaled
from tests.planning.scaling_wish import asleep
from tests.planning.wish import AS_OF, EXISTING, Wish

pytestmark = pytest.mark.integration
ORDER = ("Namespace", "ServiceAccount", "ResourceFlavor", "Cohort", "ClusterQueue", "LocalQueue", "WorkloadPriorityClass",
         "ClusterStorageContainer", "ClusterServingRuntime", "InferenceService", "PodDisruptionBudget")
NODES = {**EXISTING, "node_selector": {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}, "max_nodes": 2}
DEPLOYMENT = ("apps/v1", "Deployment")


def _bodies(wish: Wish, *kinds: str) -> list[dict[str, Any]]:
    """Objects of these kinds, on the cluster's own nodes, in the tenant acme alone."""
    wish.pool("h100", "H100-SXM-80GB", existing_nodes=NODES)
    spec = wish.spec()
    views = [view for view in render(spec, plan(spec, catalog_of(spec), AS_OF), lambda _: None) if view.is_kubernetes and view.custom]
    return [dict(view.props) for kind in kinds for view in views if view.kind == kind]


def _apply(cluster: Cluster, body: dict[str, Any], dry_run: bool = False) -> None:
    metadata = body["metadata"]
    cluster.kind(body["apiVersion"], body["kind"]).server_side_apply(
        body=body, name=metadata["name"], field_manager="gpuplane-test", force_conflicts=True, field_validation="Strict",
        **({"namespace": metadata["namespace"]} if metadata.get("namespace") else {}), **({"dry_run": "All"} if dry_run else {}))


@pytest.fixture(scope="module")
def applied(cluster: Cluster) -> Iterator[Cluster]:
    """The platform of the wish, with acme's service ``chat`` under KEDA's hand and a canary beside it."""
    bodies = [body for body in _bodies(trying_scaled(), *ORDER)
              if body["kind"] != "InferenceService" or body["metadata"]["name"] == "chat"]
    for body in bodies:
        _apply(cluster, body)
    yield cluster
    for body in reversed(bodies):
        if cluster.get(body["apiVersion"], body["kind"], body["metadata"]["name"], body["metadata"].get("namespace", "")) is not None:
            cluster.delete(body)


def _replicas(cluster: Cluster, name: str) -> int:
    found = cluster.get(*DEPLOYMENT, name, "acme")
    return -1 if found is None else int(found["spec"]["replicas"])


def _pods(cluster: Cluster, deployment: str) -> list[Any]:
    return list(cluster.core.list_namespaced_pod("acme", label_selector=f"app=isvc.{deployment}").items)


def _running(cluster: Cluster, deployment: str) -> int:
    return sum(pod.status.phase == "Running" and pod.metadata.deletion_timestamp is None for pod in _pods(cluster, deployment))


def _scale(cluster: Cluster, name: str, replicas: int) -> None:
    client.AppsV1Api(cluster.api).patch_namespaced_deployment_scale(name, "acme", {"spec": {"replicas": replicas}})


def test_a_service_goes_down_to_none_and_back_and_kserve_lets_it(applied: Cluster) -> None:
    name = "chat-predictor"
    wait_for(lambda: _running(applied, name) == 1, "KServe starts one", 90)
    _scale(applied, name, 0)
    wait_for(lambda: not _pods(applied, name), "the last pod is gone", 90)

    service = applied.kind("serving.kserve.io/v1beta1", "InferenceService")
    service.patch(name="chat", namespace="acme", body={"spec": {"predictor": {"timeout": 299}}}, content_type="application/merge-patch+json")
    wait_for(lambda: (applied.get(*DEPLOYMENT, name, "acme") or {})["status"].get("observedGeneration") is not None, "it was looked at")
    assert _replicas(applied, name) == 0

    _scale(applied, name, 2)
    wait_for(lambda: _running(applied, name) == 2, "two run again", 90)
    names = {pod.metadata.name for pod in _pods(applied, name)}
    owned = [workload for workload in applied.workloads("acme") if any(pod in workload["metadata"]["name"] for pod in names)]
    assert len(owned) == 2
    assert all(admitted(workload) for workload in owned)
    _scale(applied, name, 1)


def test_pods_bear_the_label_that_budgets_and_spread_select_by(applied: Cluster) -> None:
    wait_for(lambda: bool(_pods(applied, "chat-predictor")) and bool(_pods(applied, "chat-canary-predictor")), "both have pods", 90)
    for deployment in ("chat-predictor", "chat-canary-predictor"):
        pod = _pods(applied, deployment)[0]
        spread = pod.spec.topology_spread_constraints
        assert pod.metadata.labels["serving.kserve.io/inferenceservice"] == "chat"
        assert [(one.topology_key, one.when_unsatisfiable) for one in spread] == [
            ("topology.kubernetes.io/zone", "ScheduleAnyway"), ("kubernetes.io/hostname", "ScheduleAnyway")]
        assert all(one.label_selector.match_labels == {"serving.kserve.io/inferenceservice": "chat"} for one in spread)

    def counted() -> bool:
        budget = applied.get("policy/v1", "PodDisruptionBudget", "chat", "acme") or {}
        return bool((budget.get("status") or {}).get("expectedPods", 0) >= 2)

    wait_for(counted, "the budget counts the pods of both", 90)


def test_a_canary_has_the_arguments_of_its_own_release(applied: Cluster) -> None:
    wait_for(lambda: bool(_pods(applied, "chat-canary-predictor")), "the canary has a pod", 90)
    stable, canary = (next(one for one in _pods(applied, name)[0].spec.containers if one.name == "kserve-container")
                      for name in ("chat-predictor", "chat-canary-predictor"))

    assert "--max-num-seqs=64" in canary.args
    assert canary.resources.limits["nvidia.com/gpu"] == stable.resources.limits["nvidia.com/gpu"]


@pytest.mark.parametrize(("percent", "stable", "canary"), [(5, 1, 1), (50, 1, 1)])
def test_percentages_reach_the_objects_where_kserve_scales(applied: Cluster, percent: int, stable: int, canary: int) -> None:
    body = next(one for one in _bodies(trying(traffic_percent=percent), "InferenceService") if one["metadata"]["name"] == "chat")
    body = {**body, "metadata": {**body["metadata"], "name": "share"}}
    _apply(applied, body)
    try:
        wait_for(lambda: (_replicas(applied, "share-predictor"), _replicas(applied, "share-canary-predictor")) == (stable, canary),
                 f"{stable} and {canary} replicas at {percent} %", 90)
        found = applied.get("serving.kserve.io/v1beta1", "InferenceService", "share", "acme") or {}
        assert found["spec"]["canary"][0]["trafficPercent"] == percent
        strategy = (applied.get(*DEPLOYMENT, "share-canary-predictor", "acme") or {})["spec"]["strategy"]
        assert strategy["rollingUpdate"]["maxSurge"] == "25%"  # what the plan reckons with, whatever the service's own rollout
    finally:
        applied.delete(body)


def test_the_api_server_takes_what_keda_is_told(applied: Cluster) -> None:
    install_crds(applied, "keda.yaml")
    wait_for(lambda: is_served("keda.sh/v1alpha1", "ScaledObject"), "ScaledObjects are served")
    cluster = Cluster()
    objects = [*_bodies(trying_scaled(), "ScaledObject"), *_bodies(asleep(), "ScaledObject")]
    assert [(body["metadata"]["name"], body["spec"]["minReplicaCount"]) for body in objects] == [("chat", 2), ("chat-canary", 1), ("chat", 0)]
    for body in objects:
        _apply(cluster, body, dry_run=True)

    wrong = {**objects[0], "spec": {**objects[0]["spec"], "triggers": [{"type": "prometheus", "metadata": {"threshold": 4}}]}}
    with pytest.raises((ApiException, dynamic.exceptions.DynamicApiError)):
        _apply(cluster, wrong, dry_run=True)


