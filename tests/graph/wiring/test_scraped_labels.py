"""Labels that a monitor's relabelings give series: an expression finds the engines that it asks for, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.wiring.links import Link, Relation, State
from gpuplane.graph.wiring.proof import links

NAMESPACE = {"sourceLabels": ["__meta_kubernetes_namespace"], "targetLabel": "tenant"}
SERVICE = {"sourceLabels": ["__meta_kubernetes_pod_label_serving_kserve_io_inferenceservice"], "targetLabel": "service"}
WHOLE = ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "acme"}}, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "beta"}})


def service(namespace: str, name: str) -> dict[str, Any]:
    container = {"name": "vllm", "image": "docker.io/vllm/vllm-openai:v1", "args": ["--port=8080"], "ports": [{"containerPort": 8080}]}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace}, "spec": {
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name, "serving.kserve.io/inferenceservice": name}}, "spec": {"containers": [container]}}}}


def monitor(*relabelings: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": {"name": "m", "namespace": "monitoring"}, "spec": {
        "namespaceSelector": {"any": True}, "selector": {},
        "podMetricsEndpoints": [{"portNumber": 8080, "relabelings": list(relabelings)}]}}


def asked(expression: str, *objects: dict[str, Any], relabelings: tuple[dict[str, Any], ...] = (NAMESPACE, SERVICE)) -> Link:
    rule = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": {"name": "r", "namespace": "monitoring"},
            "spec": {"groups": [{"name": "g", "rules": [{"alert": "A", "expr": expression}]}]}}
    found = [*objects, service("acme", "chat"), service("acme", "rank"), service("beta", "chat"), monitor(*relabelings), rule]
    views = [ResourceView(urn=f"#{number}", api_version=item["apiVersion"], kind=item["kind"], name=item["metadata"]["name"],
                          namespace=item["metadata"].get("namespace", ""), props=item) for number, item in enumerate(found)]
    return next(link for link in links(PlannedGraph(views), Relation.ALERT) if link.target.startswith("metric "))


@pytest.mark.parametrize(("matchers", "count"), [
    ('tenant="acme",service="chat"', 1), ('tenant="acme"', 2), ('service="chat"', 2), ('tenant=~"acme|beta"', 3), ('tenant!="acme"', 1),
    ('tenant="acme",service!="chat"', 1), ('tenant="$tenant"', 3), ('namespace="beta"', 1), ('pod="x"', 3), ("", 3)])
def test_an_expression_hangs_by_the_pods_that_it_asks_for(matchers: str, count: int) -> None:
    link = asked(f"max(vllm:num_requests_waiting{{{matchers}}}) > 1", *WHOLE)

    assert (link.state, len(link.workloads)) == (State.FOUND, count)


def test_a_tenant_or_service_that_is_not_there_is_a_broken_link() -> None:
    link = asked('vllm:num_requests_waiting{tenant="acme",service="chats"} > 1', *WHOLE)

    assert (link.state, link.why) == (State.DANGLING, "no engine of label tenant acme, label service chats exports it")


def test_where_the_objects_are_a_part_of_a_platform_nothing_is_broken() -> None:
    assert asked('vllm:num_requests_waiting{tenant="other"} > 1').state == State.OUTSIDE


@pytest.mark.parametrize("relabelings", [
    (), ({**NAMESPACE, "regex": "team-(.+)"},), ({**NAMESPACE, "replacement": "x"},), ({**NAMESPACE, "action": "lowercase"},),
    ({"action": "labelmap", "regex": "__meta_kubernetes_pod_label_(.+)"},), ({"sourceLabels": ["a", "b"], "targetLabel": "tenant"},),
    (NAMESPACE, {"replacement": "x", "targetLabel": "tenant"}), ({"sourceLabels": ["__meta_kubernetes_pod_label_team"], "targetLabel": "tenant"},)],
    ids=["none", "part of it", "a constant", "another case", "all labels", "two labels", "overwritten", "a label that pods lack"])
def test_a_label_that_nobody_can_tell_excludes_no_pods(relabelings: tuple[dict[str, Any], ...]) -> None:
    link = asked('vllm:num_requests_waiting{tenant="anybody"} > 1', *WHOLE, relabelings=relabelings)

    assert (link.state, len(link.workloads)) == (State.FOUND, 3)


def test_who_is_kept_or_dropped_changes_no_label() -> None:
    dropped = {"sourceLabels": ["__meta_kubernetes_pod_annotation_x"], "regex": "1", "action": "drop"}

    assert len(asked('vllm:num_requests_waiting{tenant="beta"} > 1', *WHOLE, relabelings=(dropped, NAMESPACE)).workloads) == 1
