"""What a canary changes in the planned objects: a second predictor, a second autoscaler, and the weights of the route."""

from __future__ import annotations

from typing import Any

import pytest

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import pod_templates
from gpuplane.graph.replicas import scale_of
from tests.planning.canary_wish import trying, trying_scaled
from tests.planning.wish import Wish
from tests.stacks.test_queue_objects import names, props, views


def _service(wish: Wish) -> dict[str, Any]:
    return dict(props(views(wish), "InferenceService", "chat", "acme")["spec"])


def test_the_new_release_stands_beside_the_old_one() -> None:
    spec = _service(trying())
    canary = spec["canary"][0]

    assert (canary["trafficPercent"], canary["predictor"]["name"], canary["predictor"]["minReplicas"]) == (25, "canary", 1)
    assert canary["predictor"]["model"]["storageUri"] == "hf://Qwen/Qwen3-8B:abcdef012345"
    assert spec["predictor"]["model"]["storageUri"] == "hf://Qwen/Qwen3-8B:0123456789ab"
    assert not {"maxReplicas", "scaleMetric", "scaleTarget", "autoScaling", "deploymentStrategy"} & set(canary["predictor"])
    assert canary["predictor"]["model"]["resources"]["limits"]["nvidia.com/gpu"] == "1"


@pytest.mark.parametrize(("percent", "weights"), [(0, (100, 0)), (5, (95, 5)), (50, (50, 50))])
def test_the_gateway_shares_requests_out_by_weight(percent: int, weights: tuple[int, int]) -> None:
    found = views(trying(traffic_percent=percent))
    rule = props(found, "AIGatewayRoute", "chat", "acme")["spec"]["rules"][0]

    assert [(ref["name"], ref["priority"], ref["weight"]) for ref in rule["backendRefs"]] == [
        ("chat", 0, weights[0]), ("chat-canary", 0, weights[1])]
    hosts = [endpoint["fqdn"]["hostname"] for endpoint in props(found, "Backend", "chat-canary", "acme")["spec"]["endpoints"]]
    assert hosts == ["chat-canary-predictor.acme.svc.cluster.local"]


def test_under_keda_it_has_an_autoscaler_of_its_own_pods() -> None:
    found = views(trying_scaled())
    stable, canary = (props(found, "ScaledObject", name, "acme")["spec"] for name in ("chat", "chat-canary"))

    assert canary["scaleTargetRef"]["name"] == "chat-canary-predictor"
    assert (canary["minReplicaCount"], canary["maxReplicaCount"]) == (1, 1)
    assert (stable["minReplicaCount"], stable["maxReplicaCount"]) == (2, 4)
    assert 'pod=~"chat-predictor-[a-z0-9]+-[a-z0-9]+"' in stable["triggers"][0]["metadata"]["query"]
    assert 'service="chat",pod=~"chat-canary-predictor-[a-z0-9]+-[a-z0-9]+"' in canary["triggers"][0]["metadata"]["query"]
    assert "minReplicas" not in props(found, "InferenceService", "chat", "acme")["spec"]["canary"][0]["predictor"]


def test_rules_count_its_pods_by_its_own_autoscaler() -> None:
    graph = PlannedGraph(tuple(views(trying_scaled(traffic_percent=50))))
    service = next(view for view in graph.objects("InferenceService") if view.name == "chat")

    assert {each.path: (scale_of(graph, service, each).minimum, scale_of(graph, service, each).maximum) for each in pod_templates(service)} == {
        "spec.predictor": (2, 4), "spec.canary[0].predictor": (1, 2)}


def test_what_was_rolled_back_is_in_no_object() -> None:
    found = views(trying(traffic_percent=0, rolled_back="errors"))

    assert "canary" not in props(found, "InferenceService", "chat", "acme")["spec"]
    assert "chat-canary" not in names(found, "Backend")
    assert [ref["name"] for ref in props(found, "AIGatewayRoute", "chat", "acme")["spec"]["rules"][0]["backendRefs"]] == ["chat"]
