"""An InferenceGraph with KServe's real controller: its router starts in a restricted namespace, without GPU and without a queue."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from kubernetes import dynamic

from gpuplane.catalog.overlay import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.planning import plan
from tests.integration.cluster import Cluster, wait_for
from tests.stacks.graph_wish import graph_wish

pytestmark = pytest.mark.integration
ORDER = ("Namespace", "ServiceAccount", "ResourceFlavor", "Cohort", "ClusterQueue", "LocalQueue", "WorkloadPriorityClass", "ResourceQuota",
         "ClusterStorageContainer", "ClusterServingRuntime", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "InferenceService",
         "InferenceGraph")


def _apply(cluster: Cluster, body: dict[str, Any]) -> None:
    metadata = body["metadata"]
    namespaced = {"namespace": metadata["namespace"]} if metadata.get("namespace") else {}
    cluster.kind(body["apiVersion"], body["kind"]).server_side_apply(
        body=body, name=metadata["name"], field_manager="gpuplane-test", force_conflicts=True, field_validation="Strict", **namespaced)


def test_a_graph_routes_between_services_that_run(cluster: Cluster, tmp_path: Path) -> None:
    wish = graph_wish(tmp_path).change("node-pools/h100.yaml", "{rack: a}", "{nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3}")
    spec = wish.load()
    planned = plan(spec, catalog_of(spec), date(2026, 11, 21))
    assert planned.refusals == ()
    views = [view for view in render(spec, planned) if view.is_kubernetes and view.custom]
    bodies = [dict(view.props) for kind in ORDER for view in views if view.kind == kind]
    try:
        for body in bodies:
            _apply(cluster, body)
        wait_for(lambda: _running(cluster), "the router runs", 60)

        pod = _routers(cluster)[0]
        assert pod.spec.security_context.seccomp_profile.type == "RuntimeDefault"
        assert pod.spec.containers[0].resources.limits == {"cpu": "500m", "memory": "512Mi"}
        assert "kueue.x-k8s.io/managed" not in pod.metadata.labels
        wrong = next(body for body in bodies if body["kind"] == "InferenceGraph")
        wrong = {**wrong, "metadata": {"name": "wrong", "namespace": "acme"}, "spec": {"nodes": {"start": {"routerType": "Sequence", "steps": []}}}}
        with pytest.raises(dynamic.exceptions.DynamicApiError):
            _apply(cluster, wrong)
    finally:
        for body in reversed(bodies):
            if cluster.get(body["apiVersion"], body["kind"], body["metadata"]["name"], body["metadata"].get("namespace", "")) is not None:
                cluster.delete(body)


def _routers(cluster: Cluster) -> list[Any]:
    return list(cluster.core.list_namespaced_pod("acme", label_selector="serving.kserve.io/inferencegraph=answer").items)


def _running(cluster: Cluster) -> bool:
    return any(pod.status.phase == "Running" for pod in _routers(cluster))
