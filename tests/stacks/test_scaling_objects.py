"""What the fields of scaling and disruption change in the planned objects."""

from __future__ import annotations

from typing import Any

import pytest

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import pod_templates
from gpuplane.graph.replicas import scale_of
from tests.planning.scaling_wish import HOURS, URL, asleep, scaled
from tests.planning.wish import Wish, valid
from tests.stacks.test_queue_objects import names, props, views

CHAT, SCALING = "services/acme/chat spec", "services/acme/chat spec.scaling"


def _scaled_object(wish: Wish) -> dict[str, Any]:
    return dict(props(views(wish), "ScaledObject", "chat", "acme")["spec"])


def test_keda_moves_the_deployment_and_kserve_leaves_it_alone() -> None:
    found = views(scaled())
    scaler, service = props(found, "ScaledObject", "chat", "acme")["spec"], props(found, "InferenceService", "chat", "acme")

    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat-predictor"}
    assert (scaler["minReplicaCount"], scaler["maxReplicaCount"]) == (1, 2)
    assert service["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] == "external"
    assert not {"minReplicas", "maxReplicas", "scaleMetric", "scaleTarget"} & set(service["spec"]["predictor"])
    assert names(found, "ScaledObject") == ["chat"]  # embed is KServe's own to scale


@pytest.mark.parametrize(("trigger", "value", "query"), [
    ("waiting_requests", 4, 'sum(vllm:num_requests_waiting{tenant="acme",service="chat"})'),
    ("running_requests", 32, 'sum(vllm:num_requests_running{tenant="acme",service="chat"})'),
    ("output_tokens_per_second", 900, 'sum(rate(vllm:generation_tokens_total{tenant="acme",service="chat"}[2m]))'),
    ("kv_cache_percent", 80, '100 * sum(vllm:kv_cache_usage_perc{tenant="acme",service="chat"})')])
def test_a_trigger_asks_for_the_load_of_all_replicas(trigger: str, value: int, query: str) -> None:
    found = _scaled_object(scaled().put(f"{SCALING}.triggers", {trigger: value}))

    assert found["triggers"] == [{"type": "prometheus", "name": trigger, "metricType": "AverageValue", "metadata": {
        "serverAddress": URL, "query": query, "threshold": str(value), "ignoreNullValues": "false"}}]
    assert found["fallback"] == {"failureThreshold": 4, "replicas": 1, "behavior": "currentReplicasIfHigher"}


def test_down_to_none_and_back_by_the_clock() -> None:
    found = _scaled_object(asleep())

    assert (found["minReplicaCount"], found["cooldownPeriod"]) == (0, 900)
    assert found["triggers"][1] == {"type": "cron", "name": "wake", "metadata": {**HOURS, "desiredReplicas": "1"}}
    assert found["triggers"][0]["metadata"]["ignoreNullValues"] == "true"
    assert "fallback" not in found


def test_down_to_none_and_back_by_a_query_that_never_asks_for_a_second_one() -> None:
    sleeps = {"min_replicas": 0, "max_replicas": 1, "scale_to_zero": {"wake_query": "sum(asked)"}, "scale_down_seconds": 60}
    found = _scaled_object(scaled().put(SCALING, sleeps))

    assert found["triggers"][0]["metadata"] | {"serverAddress": ""} == {
        "serverAddress": "", "query": "sum(asked)", "threshold": "1000000", "activationThreshold": "0", "ignoreNullValues": "true"}
    behavior = found["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] == 60


def test_rules_see_the_bounds_of_the_scaled_object() -> None:
    graph = PlannedGraph(tuple(views(asleep())))
    service = next(view for view in graph.objects("InferenceService") if view.name == "chat")
    scale = scale_of(graph, service, pod_templates(service)[0])

    assert (scale.minimum, scale.maximum) == (0, 2)


def test_each_service_has_a_disruption_budget_over_kserves_pods() -> None:
    found = views(valid().put(f"{CHAT}.disruption", {"max_unavailable": 2}))

    assert props(found, "PodDisruptionBudget", "chat", "acme")["spec"] == {
        "maxUnavailable": 2, "selector": {"matchLabels": {"serving.kserve.io/inferenceservice": "chat"}},
        "unhealthyPodEvictionPolicy": "AlwaysAllow"}
    assert names(found, "PodDisruptionBudget") == ["chat", "embed", "rank"]


def test_replicas_are_spread_where_there_is_room() -> None:
    both = views(valid().put(f"{CHAT}.disruption", {"spread": ["node", "zone"]}))
    none = views(valid().put(f"{CHAT}.disruption", {"spread": []}))

    spread = props(both, "InferenceService", "chat", "acme")["spec"]["predictor"]["topologySpreadConstraints"]
    assert [(one["topologyKey"], one["whenUnsatisfiable"], one["maxSkew"]) for one in spread] == [
        ("kubernetes.io/hostname", "ScheduleAnyway", 1), ("topology.kubernetes.io/zone", "ScheduleAnyway", 1)]
    assert spread[0]["labelSelector"] == {"matchLabels": {"serving.kserve.io/inferenceservice": "chat"}}
    assert "topologySpreadConstraints" not in props(none, "InferenceService", "chat", "acme")["spec"]["predictor"]


def test_keda_is_a_release_that_reads_no_secrets_and_is_watched() -> None:
    found = views(scaled().put("environment spec.monitoring.labels", {"release": "kps"}))
    release = next(view for view in found if view.custom and view.props.get("chart") == "keda").props

    assert (release["version"], release["namespace"]) == ("2.20.2", "keda")
    assert release["values"]["permissions"]["operator"]["restrict"]["secret"] is True
    assert release["values"]["operator"]["replicaCount"] == 2
    assert release["values"]["prometheus"]["operator"]["serviceMonitor"]["additionalLabels"] == {"release": "kps"}
    external = views(scaled().put("environment spec.keda", {"install": "external", "version": "2.20.2"}))
    assert not [view for view in external if view.props.get("chart") == "keda"]


def test_a_value_that_gpuplane_sets_itself_is_refused() -> None:
    refusals = scaled().put("environment spec.keda.values", {"watchNamespace": "acme"}).plan().refusals

    assert [(one.rule, one.path) for one in refusals] == [("CL-01", "spec.keda.values.watchNamespace")]
