"""A platform that is wired has no finding; take away, rename or change one thing, and exactly the links that hang by it break."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.wiring import State, chain
from gpuplane.policies.registry import all_rules

OBJECTS = tuple(yaml.safe_load_all(Path(__file__).with_name("platform.yaml").read_text()))
RULES = [rule for rule in all_rules() if rule.id.startswith("WI-")]

REMOVED = {
    "Namespace support": "", "Namespace gateway-system": "", "Namespace monitoring": "",  # they may be in the cluster already
    "Gateway public": "WI-01", "Gateway internal": "",
    "HTTPRoute coder": "WI-02", "BackendTrafficPolicy coder": "", "AIGatewayRoute chat": "",
    "InferencePool coder": "WI-02", "AIServiceBackend chat": "WI-02", "Backend chat": "WI-02",
    "Service coder-epp": "WI-04", "Deployment coder-epp": "WI-03", "Deployment coder": "WI-03",
    "InferenceService chat": "WI-02 WI-06 WI-08",
    "ClusterServingRuntime vllm": "WI-11", "ClusterServingRuntime triton": "",
    "ScaledObject chat": "", "Service prometheus": "WI-06", "Service grafana": "",
    "PodMonitor model-servers": "WI-06 WI-08",
    "PrometheusRule recorded": "WI-08 WI-09", "PrometheusRule alerts": "WI-09", "ConfigMap dashboard": "",
    "ConfigMap settings": "WI-11", "ConfigMap other-settings": "",
    "ServiceAccount model-server": "WI-11", "ServiceAccount secrets-reader": "WI-11",
    "PersistentVolumeClaim models": "WI-11", "PersistentVolumeClaim datasets": "",
    "SecretStore aws": "WI-11", "SecretStore vault": "WI-11",
    "ExternalSecret model-hub-token": "WI-11", "ExternalSecret other": "",
    "LocalQueue gpu": "WI-14", "LocalQueue batch": "", "ClusterQueue support": "WI-14", "ClusterQueue shared": "WI-14",
    "WorkloadPriorityClass high": "WI-14", "WorkloadPriorityClass low": "",
    "ResourceFlavor h100": "WI-14", "ResourceFlavor l4": "WI-14", "NodePool h100": "WI-14", "NodePool l4": "WI-14",
    "NetworkPolicy default-deny": "", "NetworkPolicy allow-gateway": "WI-10", "NetworkPolicy allow-monitoring": "WI-10",
}
"""Object to the rules whose links end at it; none where nothing points at it."""

RENAMED_OTHERWISE = {
    "InferenceService chat": "WI-02 WI-06 WI-08",  # served under its new name, and a Deployment of another
    "Deployment coder": "", "Deployment coder-epp": "",  # pods are found by labels
    "PodMonitor model-servers": "", "PrometheusRule recorded": "", "PrometheusRule alerts": "",
    "NetworkPolicy allow-gateway": "", "NetworkPolicy allow-monitoring": "", "NodePool h100": "", "NodePool l4": "",
    "ExternalSecret model-hub-token": "",  # the Secret that it makes keeps its name
    "Namespace support": "", "Namespace gateway-system": "", "Namespace monitoring": "",
}
"""Where a new name does something else than taking the object away."""

POD = ("spec", "template", "spec")
VLLM = (*POD, "containers", 0)
CHANGED: dict[str, tuple[str, tuple[str | int, ...], Any, str]] = {
    "listener's name": ("Gateway public", ("spec", "listeners", 0, "name"), "tenant", "WI-01"),
    "listener's hostname": ("Gateway public", ("spec", "listeners", 0, "hostname"), "*.search.example.com", "WI-01"),
    "listener's namespaces": ("Gateway public", ("spec", "listeners", 0, "allowedRoutes", "namespaces"), {"from": "Same"}, "WI-01"),
    "tenant's label": ("Namespace support", ("metadata", "labels", "gpuplane.dev/tenant"), "search", "WI-01 WI-14"),
    "pool's selector": ("InferencePool coder", ("spec", "selector", "matchLabels", "app"), "coder-v2", "WI-03"),
    "pool's port": ("InferencePool coder", ("spec", "targetPorts", 0, "number"), 8200, "WI-04 WI-10"),
    "picker's port": ("InferencePool coder", ("spec", "endpointPickerRef", "port", "number"), 9003, "WI-04"),
    "container port's name": ("Deployment coder-epp", (*VLLM, "ports", 0, "name"), "rpc", "WI-04"),
    "engine's port": ("Deployment coder", (*VLLM, "args", 0), "--port=8001", "WI-04 WI-07"),
    "pods' label": ("Deployment coder", ("spec", "template", "metadata", "labels", "app"), "code", "WI-03"),
    "backend's port": ("Backend chat", ("spec", "endpoints", 0, "fqdn", "port"), 8080, "WI-02"),
    "route's model": ("AIGatewayRoute chat", ("spec", "rules", 0, "matches", 0, "headers", 0, "value"), "chat-v2", "WI-05"),
    "served name": ("ClusterServingRuntime vllm", ("spec", "containers", 0, "args", 2), "--served-model-name=llm", "WI-05 WI-06 WI-08"),
    "runtime's format": ("ClusterServingRuntime vllm", ("spec", "supportedModelFormats", 0, "name"), "huggingface", "WI-11"),
    "query's namespace": ("ScaledObject chat", ("spec", "triggers", 0, "metadata", "query"),
                          'sum(vllm:num_requests_running{namespace="search"})', "WI-06"),
    "query's metric": ("ScaledObject chat", ("spec", "triggers", 0, "metadata", "query"), "sum(vllm:num_requests_swapped)", "WI-06"),
    "threshold": ("ScaledObject chat", ("spec", "triggers", 0, "metadata", "threshold"), "64", "WI-06"),
    "monitor's label": ("PodMonitor model-servers", ("spec", "selector", "matchLabels", "serving"), "", "WI-07"),
    "monitor's port": ("PodMonitor model-servers", ("spec", "podMetricsEndpoints", 0, "portNumber"), 9090, "WI-07"),
    "recorded name": ("PrometheusRule recorded", ("spec", "groups", 0, "rules", 0, "record"), "gpuplane:queue:sum", "WI-08 WI-09"),
    "alert's model": ("PrometheusRule alerts", ("spec", "groups", 0, "rules", 1, "expr"),
                      'vllm:num_requests_waiting{model_name="chats"} > 1', "WI-08"),
    "policy's port": ("NetworkPolicy allow-gateway", ("spec", "ingress", 0, "ports", 0, "port"), 80, "WI-10"),
    "policy's namespace": ("NetworkPolicy allow-monitoring", ("spec", "ingress", 0, "from", 0, "namespaceSelector", "matchLabels"),
                           {"kubernetes.io/metadata.name": "observability"}, "WI-10"),
    "account's role": ("ServiceAccount model-server", ("metadata", "annotations"), {}, "WI-12"),
    "node label": ("NodePool h100", ("spec", "template", "metadata", "labels", "gpuplane.dev/pool"), "h200", "WI-14"),
    "taint": ("NodePool h100", ("spec", "template", "spec", "taints", 0, "value"), "reserved", "WI-13"),
    "toleration": ("InferenceService chat", ("spec", "predictor", "tolerations"), [], "WI-13"),
    "node selector": ("InferenceService chat", ("spec", "predictor", "nodeSelector", "gpuplane.dev/pool"), "b200", "WI-13 WI-14"),
    "device": ("InferenceService chat", ("spec", "predictor", "model", "resources", "limits"), {"nvidia.com/mig-1g.12gb": "1"}, "WI-13 WI-14"),
    "queue label": ("InferenceService chat", ("metadata", "labels", "kueue.x-k8s.io/queue-name"), "serving", "WI-14"),
    "queue's resource": ("ClusterQueue support", ("spec", "resourceGroups", 0, "coveredResources"), ["cpu"], "WI-14"),
}
"""One change to the object, the field, its new value, and the rules whose links it breaks."""


def _key(item: dict[str, Any]) -> str:
    return f"{item['kind']} {item['metadata']['name']}"


def _broken(objects: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> tuple[str, list[str]]:
    views = [ResourceView(urn=f"platform.yaml#{number}", api_version=item["apiVersion"], kind=item["kind"], name=item["metadata"]["name"],
                          namespace=item["metadata"].get("namespace", ""), props=item) for number, item in enumerate(objects)]
    graph = PlannedGraph(views)
    found = [finding for rule in RULES for finding in rule.check(graph)]
    return " ".join(sorted({finding.rule for finding in found})), [finding.message for finding in found]


def _mutated(key: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    objects = copy.deepcopy(list(OBJECTS))
    return objects, next(item for item in objects if _key(item) == key)


def test_the_table_names_every_object() -> None:
    assert set(REMOVED) == {_key(item) for item in OBJECTS}


def test_nothing_is_found_where_all_is_wired() -> None:
    assert _broken(list(OBJECTS)) == ("", [])


@pytest.mark.parametrize("key", sorted(REMOVED))
def test_taking_an_object_away_breaks_what_ends_at_it(key: str) -> None:
    rules, messages = _broken([item for item in OBJECTS if _key(item) != key])

    assert rules == REMOVED[key], messages


@pytest.mark.parametrize("key", sorted(REMOVED))
def test_renaming_an_object_breaks_what_ends_at_it(key: str) -> None:
    objects, item = _mutated(key)
    item["metadata"]["name"] += "-renamed"

    rules, messages = _broken(objects)

    assert rules == RENAMED_OTHERWISE.get(key, REMOVED[key]), messages


@pytest.mark.parametrize("change", sorted(CHANGED))
def test_changing_a_field_breaks_what_hangs_by_it(change: str) -> None:
    key, path, value, expected = CHANGED[change]
    objects, item = _mutated(key)
    place: Any = item
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value

    rules, messages = _broken(objects)

    assert rules == expected, messages


def test_a_finding_names_both_ends() -> None:
    _, messages = _broken([item for item in OBJECTS if _key(item) != "InferencePool coder"])

    assert messages == ["backend of HTTPRoute support/coder points at InferencePool support/coder: there is no InferencePool coder."]


def test_a_service_knows_its_chain_from_route_to_alert() -> None:
    graph = PlannedGraph([ResourceView(urn=f"#{number}", api_version=item["apiVersion"], kind=item["kind"], name=item["metadata"]["name"],
                                       namespace=item["metadata"].get("namespace", ""), props=item) for number, item in enumerate(OBJECTS)])

    found = [(link.relation.name, link.state) for link in chain(graph, "support", "chat")]

    assert {state for _, state in found} <= {State.FOUND, State.OUTSIDE}
    assert list(dict.fromkeys(name for name, _ in found)) == [
        "GATEWAY", "BACKEND", "PORT", "MODEL", "NETWORK", "REFERENCE", "IDENTITY", "PLACEMENT", "QUEUE", "TARGET", "QUERY", "MONITOR", "ALERT"]
