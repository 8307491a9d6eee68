"""What scaling, traffic, canaries, promises and graphs of an LLMInferenceService become, and whether it is wired end to end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gpuplane.catalog.overlay import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import pod_templates
from gpuplane.graph.replicas import scale_of
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.wiring.links import Link, Relation, State
from gpuplane.graph.wiring.proof import chain, dangling
from gpuplane.planning import plan
from gpuplane.planning.canary_measures import questions, ready_query
from tests.observation.promql import known_series, problems
from tests.spec.wish import IMAGE, Wish
from tests.stacks.llm_shapes import FILE, PROXY, llm_wish
from tests.stacks.test_llm_manifests import AS_OF, _planned

GATEWAY = """\
  monitoring: {prometheus_url: "http://prometheus.monitoring.svc:9090"}
  keda: {install: external, version: 2.20.2}
  gateway:
    envoy_gateway: {install: release, version: v1.9.0}
    envoy_ai_gateway: {install: external, version: v1.1.0}
    hostname_template: "{tenant}.llm.example.com"
    certificate_secret: llm-certificate
    rate_limit_redis: redis.redis:6379
  cohorts:
"""
ACCESS = "  access: {models: {api_keys: {secret: hub}, limits: [{requests: 600, per: minute}]}}\n  secrets:\n"
SCALED = "max_replicas: 3\n    triggers: {waiting_requests: 4}"
CANARY = f"""\
  canary:
    traffic_percent: 25
    max_error_percent: 1
    release:
      model: {{uri: "hf://Qwen/Qwen2.5-7B-Instruct", revision: a09a35458c702b33eeacc393d103063234e8bc28}}
      vllm: {{image: "{IMAGE}", version: 0.31.0, arguments: {{max_model_len: 4096}}}}
"""


def _wish(folder: Path, shape: str, *more: str) -> Wish:
    """On the gateway, watched and scaled as far as ``more``, further fields of the service, says."""
    wish = llm_wish(folder, shape).change("environment.yaml", "  cohorts:\n", GATEWAY).change("tenants/acme.yaml", "  secrets:\n", ACCESS)
    wish.files[FILE] += "".join(more)
    return wish


def _views(wish: Wish) -> list[ResourceView]:
    spec = wish.load()
    planned = plan(spec, catalog_of(spec), AS_OF)
    assert planned.refusals == ()
    return [view for view in render(spec, planned) if view.custom]


def _one(views: list[ResourceView], kind: str, name: str) -> dict[str, Any]:
    return next(dict(view.props) for view in views if (view.kind, view.name) == (kind, name))


@pytest.mark.parametrize(("shape", "target"), [("tensor", ("apps/v1", "Deployment", "chat-kserve")),
                                               ("pipeline", ("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", "chat-kserve-mn"))])
def test_keda_moves_what_runs_the_pods_and_kserve_leaves_it_alone(shape: str, target: tuple[str, str, str], tmp_path: Path) -> None:
    views = _views(_wish(tmp_path, shape).change(FILE, "max_replicas: 1", SCALED))
    scaler = _one(views, "ScaledObject", "chat")

    assert scaler["spec"]["scaleTargetRef"] == dict(zip(("apiVersion", "kind", "name"), target, strict=True))
    assert (scaler["spec"]["minReplicaCount"], scaler["spec"]["maxReplicaCount"]) == (1, 3)
    assert scaler["metadata"]["annotations"] == {"gpuplane.dev/source": FILE}
    assert not {"replicas", "scaling"} & set(_one(views, "LLMInferenceService", "chat")["spec"])


def test_pods_that_read_prompts_follow_their_own_load(tmp_path: Path) -> None:
    wish = _wish(tmp_path, "prefill").change(FILE, "    replicas: 2\n", f"    scaling: {{{SCALED.replace(chr(10), ',')}}}\n")
    views = _views(wish)
    scaler = _one(views, "ScaledObject", "chat-prefill")["spec"]

    assert scaler["scaleTargetRef"]["name"] == "chat-kserve-prefill"
    assert scaler["triggers"][0]["metadata"]["query"] == 'sum(vllm:num_requests_waiting{tenant="acme",service="chat-prefill"})'
    assert "replicas" not in _one(views, "LLMInferenceService", "chat")["spec"]["prefill"]


def test_the_ceiling_counts_both_roles_at_their_maximum(tmp_path: Path) -> None:
    wish = _wish(tmp_path, "prefill").change(FILE, "    replicas: 2\n", "    scaling: {max_replicas: 7, triggers: {waiting_requests: 4}}\n")
    quota = _planned(wish).tenants["acme"].quotas["h100"]
    refused = [one for one in _planned(wish).refusals if one.path.startswith("spec.prefill.scaling")]

    assert quota.peak == 1 + 7
    assert quota.peak_with_surge == 1 + 1 + 7 + 2
    assert refused
    assert wish.line(FILE, "    scaling: {max_replicas: 7") in {one.line for one in refused}


def test_rules_see_the_bounds_of_the_scaled_object(tmp_path: Path) -> None:
    graph = PlannedGraph(tuple(_views(_wish(tmp_path, "pipeline").change(FILE, "max_replicas: 1", SCALED))))
    service, = graph.objects("LLMInferenceService")
    scales = {template.steps[-1]: scale_of(graph, service, template) for template in pod_templates(service)}

    assert {part: (scale.minimum, scale.maximum) for part, scale in scales.items()} == {"template": (1, 3), "worker": (1, 3)}


def test_replicas_of_one_pod_are_spread_over_nodes_those_of_several_are_not(tmp_path: Path) -> None:
    alone, parted, groups = (_one(_views(_wish(tmp_path / shape, shape)), "LLMInferenceService", "chat")["spec"]
                             for shape in ("tensor", "prefill", "pipeline"))

    zones, nodes = parted["prefill"]["template"]["topologySpreadConstraints"]
    assert (nodes["topologyKey"], zones["topologyKey"]) == ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
    assert {one["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] for one in (nodes, zones)} == {
        "llminferenceservice-workload-prefill"}
    assert alone["template"]["topologySpreadConstraints"][0]["whenUnsatisfiable"] == "ScheduleAnyway"
    assert "topologySpreadConstraints" not in groups["template"]


@pytest.mark.parametrize(("replicas", "pods"), [(0, 0), (1, 1), (2, 3)])
def test_a_drain_of_replicas_of_two_pods_counts_those_that_start_anew(replicas: int, pods: int, tmp_path: Path) -> None:
    wish = llm_wish(tmp_path, "pipeline").change(FILE, "  parallelism", f"  disruption: {{max_unavailable: {replicas}}}\n  parallelism")
    budget = _one(_views(wish), "PodDisruptionBudget", "chat")

    assert budget["spec"]["maxUnavailable"] == pods
    assert budget["spec"]["selector"] == {"matchLabels": {"leaderworkerset.sigs.k8s.io/name": "chat-kserve-mn"}}
    assert budget["metadata"]["annotations"] == {"gpuplane.dev/source": FILE}


def test_a_route_leads_to_the_endpoint_picker_where_there_is_one(tmp_path: Path) -> None:
    views = _views(_wish(tmp_path, "prefill", "  traffic: {model_name: qwen}\n"))
    rule, = _one(views, "AIGatewayRoute", "chat")["spec"]["rules"]
    release = next(view for view in views if view.name == "envoy-gateway" and view.type.endswith("Release"))

    assert rule["backendRefs"] == [{"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": "chat-inference-pool",
                                    "modelNameOverride": "chat"}]
    assert not [view for view in views if view.kind in ("AIServiceBackend", "Backend")]
    assert release.get("values", "config", "envoyGateway", "extensionManager", "backendResources")[0]["kind"] == "InferencePool"


def test_a_route_leads_to_the_service_where_there_is_none(tmp_path: Path) -> None:
    views = _views(_wish(tmp_path, "tensor", "  traffic: {}\n"))

    assert _one(views, "AIGatewayRoute", "chat")["spec"]["rules"][0]["backendRefs"] == [{"name": "chat", "priority": 0, "weight": 1}]
    assert _one(views, "Backend", "chat")["spec"]["endpoints"] == [
        {"fqdn": {"hostname": "chat-kserve-workload-svc.acme.svc.cluster.local", "port": 8000}}]


def test_the_way_is_open_for_requests_metrics_and_the_endpoint_picker(tmp_path: Path) -> None:
    views = _views(_wish(tmp_path, "prefill", "  traffic: {}\n"))
    ports = {name: [item["port"] for item in _one(views, "NetworkPolicy", name)["spec"]["ingress"][0]["ports"]]
             for name in ("allow-gateway", "allow-monitoring")}
    way = _one(views, "NetworkPolicy", "egress-platform.api-server-0")["spec"]

    assert {8000, 9002} <= set(ports["allow-gateway"])
    assert 8000 in ports["allow-monitoring"]
    assert way["podSelector"] == {"matchLabels": {"app.kubernetes.io/part-of": "llminferenceservice"}}
    assert way["egress"] == [{"to": [{"ipBlock": {"cidr": "10.0.0.10/32"}}],
                              "ports": [{"port": 443, "protocol": "TCP"}, {"port": 6443, "protocol": "TCP"}]}]


@pytest.mark.parametrize("shape", ["tensor", "pipeline", "prefill"])
def test_every_link_from_the_route_to_the_rules_is_found(shape: str, tmp_path: Path) -> None:
    promise = "  objectives: {requests_per_second: 1, time_per_output_token_ms: {p95: 100}, availability_percent: 99}\n"
    found = chain(PlannedGraph(tuple(_views(_wish(tmp_path, shape, "  traffic: {}\n", promise).change(
        FILE, "max_replicas: 1", SCALED)))), "acme", "chat")

    assert {Relation.GATEWAY, Relation.BACKEND, Relation.MODEL, Relation.NETWORK, Relation.TARGET, Relation.QUERY, Relation.MONITOR,
            Relation.ALERT} <= {link.relation for link in found}
    assert [link.sentence for link in found if link.state is State.DANGLING] == []


MUTATIONS = {
    "another pool": ("prefill", "AIGatewayRoute", '"chat-inference-pool"', '"chat-pool"', Relation.BACKEND),
    "another Service": ("tensor", "Backend", "chat-kserve-workload-svc", "chat-predictor", Relation.BACKEND),
    "another workload": ("tensor", "ScaledObject", '"chat-kserve"', '"chat-predictor"', Relation.TARGET),
    "a metric of another engine": ("tensor", "ScaledObject", "vllm:num_requests_waiting", "tgi_queue_size", Relation.QUERY),
    "the way closed": ("tensor", "NetworkPolicy", "8000", "8001", Relation.NETWORK),
    "another port of metrics": ("tensor", "PodMonitor", "8000", "8001", Relation.MONITOR)}


@pytest.mark.parametrize("case", MUTATIONS)
def test_one_changed_object_breaks_the_chain(case: str, tmp_path: Path) -> None:
    shape, kind, old, new, relation = MUTATIONS[case]
    views = _views(_wish(tmp_path, shape, "  traffic: {}\n").change(FILE, "max_replicas: 1", SCALED))
    changed = [_changed(view, old, new) if view.kind == kind else view for view in views]
    broken = _dangling(changed)

    assert _dangling(views) == []
    assert relation in {link.relation for link in broken}, [link.sentence for link in broken]


def _changed(view: ResourceView, old: str, new: str) -> ResourceView:
    return replace(view, props=json.loads(json.dumps(view.props).replace(old, new)))


def _dangling(views: list[ResourceView]) -> list[Link]:
    return list(dangling(PlannedGraph(tuple(views)), *Relation))


def test_what_is_promised_counted_and_paid_is_recorded_once(tmp_path: Path) -> None:
    promise = "  objectives: {requests_per_second: 1, time_per_output_token_ms: {p95: 100}}\n"
    views = _views(_wish(tmp_path, "prefill", promise))
    rules = {view.name: {rule["record"]: rule for group in view.props["spec"]["groups"] for rule in group["rules"] if "record" in rule}
             for view in views if view.kind == "PrometheusRule" and view.namespace == "acme"}

    assert rules["gpuplane-chat"]["gpuplane:slo_budget:ratio"]["labels"]["objective"] == "time_per_output_token_p95"
    assert 'service="chat-prefill"' in rules["gpuplane-chat-prefill"]["gpuplane:service_usd_per_hour:sum"]["expr"]
    assert "gpuplane:service_prompt_tokens:rate5m" in rules["gpuplane-chat"]
    assert "gpuplane:service_prompt_tokens:rate5m" not in rules["gpuplane-chat-prefill"]


PROMISE = ("  objectives: {requests_per_second: 1, ttft_ms: {p95: 1000}, latency_ms: {p99: 60000}, time_per_output_token_ms: {p95: 100}, "
           "error_percent: 1}\n")


def _bad(views: list[ResourceView]) -> dict[str, str]:
    """What is counted as bad, by objective."""
    rules = _one(views, "PrometheusRule", "gpuplane-chat")["spec"]["groups"]
    return {rule["labels"]["objective"]: rule["expr"] for group in rules for rule in group["rules"]
            if rule.get("record") == "gpuplane:slo_bad:rate5m"}


def test_what_begins_with_the_prompt_is_measured_where_prompt_and_answer_are_seen(tmp_path: Path) -> None:
    alone, parted = (_bad(_views(_wish(tmp_path / shape, shape, PROMISE))) for shape in ("tensor", "prefill"))
    picked, of = 'llm_d_epp_request_ttft_seconds', 'tenant="acme",picker="chat"'

    assert "vllm:time_to_first_token_seconds" in alone["ttft_p95"]
    assert parted["ttft_p95"] == (f'sum(rate({picked}_count{{{of},streaming="true"}}[5m])) - '
                                  f'sum(rate({picked}_bucket{{{of},le="1.0",streaming="true"}}[5m]))')
    assert f"llm_d_epp_request_duration_seconds_count{{{of}}}" in parted["latency_p99"]
    assert parted["time_per_output_token_p95"] == alone["time_per_output_token_p95"]
    assert 'service="chat-prefill"' in parted["errors"]  # what fails there never comes to those that write the answer
    assert 'service="chat-prefill"' not in alone["errors"]
    assert [problem for text in parted.values() for problem in problems(text, known_series())] == []


def test_endpoint_pickers_are_scraped_where_they_measure_a_promise_and_count_as_no_replica(tmp_path: Path) -> None:
    views = _views(_wish(tmp_path, "prefill", PROMISE, "  traffic: {}\n"))
    monitor = _one(views, "PodMonitor", "gpuplane-endpoint-pickers")["spec"]

    picker, = _one(views, "LLMInferenceService", "chat")["spec"]["router"]["scheduler"]["template"]["containers"]
    assert (picker["name"], picker["args"]) == ("main", ["--metrics-endpoint-auth=false"])
    assert {item["targetLabel"] for item in monitor["podMetricsEndpoints"][0]["relabelings"]} == {"tenant", "picker"}
    assert _dangling(views) == []
    for kind, old, new, relation in (("PodMonitor", "llminferenceservice-router-scheduler", "another", Relation.ALERT),
                                     ("PodMonitor", "9090", "9091", Relation.ALERT), ("NetworkPolicy", "9090", "9091", Relation.NETWORK)):
        changed = [_changed(view, old, new) if view.kind == kind else view for view in views]
        assert relation in {link.relation for link in _dangling(changed)}, (kind, new)
    assert not [view for view in _views(_wish(tmp_path / "tensor", "tensor", PROMISE)) if view.name == "gpuplane-endpoint-pickers"]


def test_a_canary_is_a_service_of_its_own_that_the_route_shares_requests_with(tmp_path: Path) -> None:
    wish = _wish(tmp_path, "tensor", "  traffic: {}\n", CANARY).change(FILE, "max_replicas: 1", SCALED).change(FILE, "{tensor: 2}", "{}")
    views, entry = _views(wish), wish.load().services["acme/chat"]
    canary = _one(views, "LLMInferenceService", "chat-canary")["spec"]

    assert canary["model"]["name"] == "chat"
    assert "--max-model-len=4096" in canary["template"]["containers"][0]["args"]
    assert _one(views, "AIGatewayRoute", "chat")["spec"]["rules"][0]["backendRefs"] == [
        {"name": "chat", "priority": 0, "weight": 75}, {"name": "chat-canary", "priority": 0, "weight": 25}]
    assert _one(views, "ScaledObject", "chat-canary")["spec"]["scaleTargetRef"]["name"] == "chat-canary-kserve"
    assert _one(views, "PodDisruptionBudget", "chat-canary")["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] == "chat-canary"
    assert entry.document.spec.canary is not None
    assert 'service="chat-canary",pod=~"chat-canary-kserve-[a-z0-9]+-[a-z0-9]+"' in ready_query(entry, entry.document.spec.canary)
    assert 'service="chat-canary"' in questions(entry, entry.document.spec.canary, 300)[0].query


def test_the_gpus_of_a_canary_count_against_the_quota(tmp_path: Path) -> None:
    alone, with_canary = (_planned(_wish(tmp_path / name, "tensor", "  traffic: {}\n", more)).tenants["acme"].quotas["h100"].peak
                          for name, more in (("a", ""), ("b", CANARY)))

    assert (alone, with_canary) == (2, 4)


GRAPH = """\
apiVersion: gpuplane/v1
kind: InferenceGraph
metadata: {name: answer}
spec: {nodes: {root: {router_type: Sequence, steps: [{service: chat}]}}}
"""


def test_a_graph_calls_the_service_of_an_llm(tmp_path: Path) -> None:
    wish = llm_wish(tmp_path, "tensor")
    wish.files["services/acme/answer.yaml"] = GRAPH
    views = _views(wish)
    step, = _one(views, "InferenceGraph", "answer")["spec"]["nodes"]["root"]["steps"]
    url = "http://chat-kserve-workload-svc.acme.svc.cluster.local:8000/v1/chat/completions"

    assert step == {"name": "chat", "serviceUrl": url}
    assert _dangling(views) == []
    assert Relation.REFERENCE in {link.relation for link in _dangling(
        [_changed(view, "chat-kserve-workload-svc", "chat-svc") if view.kind == "InferenceGraph" else view for view in views])}


def test_a_graph_does_not_lead_round_an_endpoint_picker(tmp_path: Path) -> None:
    wish = llm_wish(tmp_path, "prefill")
    wish.files["services/acme/answer.yaml"] = GRAPH

    assert "endpoint picker" in wish.error().message


@pytest.mark.parametrize(("shape", "says"), [("tensor", None), ("prefill", "only its endpoint picker tells apart")])
def test_a_service_falls_back_to_an_llm_that_answers_by_its_service(shape: str, says: str | None, tmp_path: Path) -> None:
    wish = _wish(tmp_path, shape)
    other = llm_wish(tmp_path / "other", "tensor", "small").files["services/acme/small.yaml"]
    wish.files["services/acme/small.yaml"] = other + "  traffic: {fallback: [{service: chat}]}\n"

    if says is not None:
        assert says in wish.error().message
        return
    route = _one(_views(wish), "AIGatewayRoute", "small")["spec"]["rules"][0]
    assert [ref["name"] for ref in route["backendRefs"]] == ["small", "chat"]


def _proxied(folder: Path, shape: str, *more: str) -> Wish:
    """With a proxy before the endpoint picker."""
    return _wish(folder, shape, *more).change(FILE, "  router: {scheduler: {}}\n", PROXY).change(
        "tenants/acme.yaml", "    h100: 8\n", "    h100: 16\n")


def test_behind_a_proxy_an_endpoint_picker_is_a_backend_like_any_other(tmp_path: Path) -> None:
    views = _views(_proxied(tmp_path, "prefill", "  traffic: {}\n", CANARY, PROMISE))
    rule, = _one(views, "AIGatewayRoute", "chat")["spec"]["rules"]
    hosts = {view.name: view.get("spec", "endpoints", 0, "fqdn") for view in views if view.kind == "Backend"}

    assert rule["backendRefs"] == [{"name": "chat", "priority": 0, "weight": 75}, {"name": "chat-canary", "priority": 0, "weight": 25}]
    assert hosts == {name: {"hostname": f"{name}-picker-proxy.acme.svc.cluster.local", "port": 8081} for name in ("chat", "chat-canary")}
    assert {view.name for view in views if view.kind == "Deployment"} == {"chat-picker-proxy", "chat-canary-picker-proxy"}
    assert _dangling(views) == []


def test_the_canary_of_a_service_with_prefill_reads_its_own_prompts_and_is_judged_where_both_are_seen(tmp_path: Path) -> None:
    judged = CANARY.replace("    max_error_percent: 1\n", "    max_error_percent: 1\n    objectives: [ttft_ms]\n")
    wish = _proxied(tmp_path, "prefill", "  traffic: {}\n", judged, PROMISE)
    views, entry = _views(wish), wish.load().services["acme/chat"]
    canary = _one(views, "LLMInferenceService", "chat-canary")["spec"]
    assert entry.document.spec.canary is not None
    errors, first = questions(entry, entry.document.spec.canary, 300)

    assert (canary["replicas"], canary["prefill"]["replicas"]) == (1, 1)
    assert _planned(wish).tenants["acme"].quotas["h100"].peak == (1 + 2) + (1 + 1)
    assert {view.name for view in views if view.kind == "PodDisruptionBudget"} >= {"chat-canary", "chat-canary-prefill"}
    assert 'picker="chat-canary",streaming="true"' in first.query
    assert 'picker="chat",streaming="true"' in first.of_service[0]
    assert 'service="chat-canary-prefill",pod=~"chat-canary-kserve-prefill-' in errors.query
    assert 'service="chat-prefill",pod=~"chat-kserve-prefill-' in errors.of_service[1]


def test_a_provider_answers_where_a_picked_replica_does_not_and_graphs_are_picked_for(tmp_path: Path) -> None:
    wish = _proxied(tmp_path, "prefill", "  traffic: {fallback: [{service: small}]}\n")
    wish.files["services/acme/small.yaml"] = llm_wish(tmp_path / "other", "tensor", "small").files["services/acme/small.yaml"]
    wish.files["services/acme/answer.yaml"] = GRAPH
    views = _views(wish)

    assert [(ref["name"], ref["priority"]) for ref in _one(views, "AIGatewayRoute", "chat")["spec"]["rules"][0]["backendRefs"]] == [
        ("chat", 0), ("small", 1)]
    step, = _one(views, "InferenceGraph", "answer")["spec"]["nodes"]["root"]["steps"]
    assert step["serviceUrl"] == "http://chat-picker-proxy.acme.svc.cluster.local:8081/v1/chat/completions"
    assert _dangling(views) == []


@pytest.mark.parametrize(("kind", "old", "new", "relation"), [
    ("ConfigMap", "chat-epp-service", "chat-epp", Relation.BACKEND), ("ConfigMap", "9002", "9003", Relation.BACKEND),
    ("Service", "picker-proxy", "picker", Relation.SELECTOR), ("Backend", "8081", "8080", Relation.BACKEND),
    ("Deployment", '"containerPort": 8081', '"containerPort": 8082', Relation.PORT),
    ("AIGatewayRoute", '"value": "chat"', '"value": "coder"', Relation.MODEL), ("NetworkPolicy", "8081", "8082", Relation.NETWORK)])
def test_the_chain_leads_through_the_proxy_to_the_pods(kind: str, old: str, new: str, relation: Relation, tmp_path: Path) -> None:
    views = _views(_proxied(tmp_path, "prefill", "  traffic: {}\n"))
    changed = [_changed(view, old, new) if view.kind == kind else view for view in views]

    assert {Relation.GATEWAY, Relation.BACKEND, Relation.MODEL, Relation.NETWORK} <= {
        link.relation for link in chain(PlannedGraph(tuple(views)), "acme", "chat")}
    assert relation in {link.relation for link in _dangling(changed)}, [link.sentence for link in _dangling(changed)]


def test_an_endpoint_picker_needs_the_way_to_the_api_server(tmp_path: Path) -> None:
    error = llm_wish(tmp_path, "prefill").change("environment.yaml", "    api_server_cidrs: [10.0.0.10/32]\n", "").error()

    assert (error.path, error.remedy) == ("spec.router", "Add cluster.api_server_cidrs to environment.yaml.")
