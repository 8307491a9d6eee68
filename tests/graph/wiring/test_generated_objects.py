"""KServe's own naming: what it makes is found under its name, and nothing is found under another."""

import pytest

from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.wiring import Relation, State, links
from gpuplane.graph.wiring.index import index_of

SERVICE = """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, labels: {team: a}}
spec:
  predictor: {model: {modelFormat: {name: vLLM}}}
  transformer: {containers: [{name: kserve-container, image: x, ports: [{name: http, containerPort: 9000}]}]}
"""
LLM = """
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {name: qwen, namespace: support}
spec:
  model: {uri: "hf://Qwen/Qwen3-8B", name: Qwen/Qwen3-8B, lora: {adapters: [{name: sql, uri: "hf://x/y"}]}}
  router: {route: {}, gateway: {}, scheduler: {}}
  labels: {tier: gold}
  prefill: {replicas: 1}
"""
ROUTE = """
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: route, namespace: support}
spec:
  rules:
    - matches: [{headers: [{name: X-Gateway-Model-Name, value: %s}]}]
      backendRefs: [{%s}]
"""
POOL = "group: inference.networking.k8s.io, kind: InferencePool, name: qwen-inference-pool"


def test_pods_of_an_inference_service_bear_what_kserve_puts_on_them() -> None:
    index = index_of(PlannedGraph(views_of_text(SERVICE)))

    predictor, transformer = index.pods
    assert predictor.labels == {"team": "a", "serving.kserve.io/inferenceservice": "chat", "component": "predictor",
                                "app": "isvc.chat-predictor"}
    assert (transformer.name, transformer.ports) == ("chat-transformer", ((9000, "http"),))
    assert [(port.number, port.target) for port in index.services["support", "chat-transformer"].ports] == [(80, 9000)]
    assert [(port.number, port.target) for port in index.services["support", "chat-predictor"].ports] == [(80, 8080)]


def test_an_llm_service_makes_pool_service_route_and_two_workloads() -> None:
    index = index_of(PlannedGraph(views_of_text(LLM)))

    assert set(index.generated) == {(kind, "support", name) for kind, name in (
        ("InferencePool", "qwen-inference-pool"), ("HTTPRoute", "qwen-kserve-route"), ("Deployment", "qwen-kserve"),
        ("Deployment", "qwen-kserve-prefill"))}
    assert {name for _, name in index.services} == {"qwen-kserve-workload-svc", "qwen-epp-service"}
    assert [pods.labels.get("llm-d.ai/role", "picks") for pods in index.pods] == ["decode", "prefill", "picks"]
    assert index.pods[0].labels["tier"] == "gold"


@pytest.mark.parametrize(("model", "backend", "state"), [
    ("Qwen/Qwen3-8B", POOL, State.FOUND), ("sql", POOL, State.FOUND), ("publishers/support/models/Qwen/Qwen3-8B", POOL, State.FOUND),
    ("qwen", POOL, State.DANGLING), ("sql", "name: qwen-kserve-workload-svc, port: 8000", State.FOUND)])
def test_names_that_an_llm_service_answers_to(model: str, backend: str, state: State) -> None:
    graph = PlannedGraph(views_of_text(LLM + ROUTE % (model, backend)))

    assert [link.state for link in links(graph, Relation.MODEL)] == [state]
    assert [link.state for link in links(graph, Relation.BACKEND)] == [State.FOUND]


@pytest.mark.parametrize("name", ["qwen-pool", "qwen"])
def test_a_pool_of_another_name_is_not_there(name: str) -> None:
    graph = PlannedGraph(views_of_text(LLM + ROUTE % ("sql", f"kind: InferencePool, name: {name}")))

    assert [link.state for link in links(graph, Relation.BACKEND)] == [State.DANGLING]


def test_a_name_that_kserve_would_shorten_is_not_guessed() -> None:
    index = index_of(PlannedGraph(views_of_text(LLM.replace("name: qwen,", f"name: {'q' * 60},"))))

    assert all(not name for _, _, name in index.generated)
