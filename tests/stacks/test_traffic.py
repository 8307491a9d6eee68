"""What the traffic blocks change in the objects: one field, one place."""

from __future__ import annotations

from typing import Any

import pytest

from gpuplane.catalog import default_catalog
from gpuplane.delivery.offline_engine import render
from gpuplane.graph.resource_view import ResourceView, lookup
from gpuplane.planning import plan
from tests.planning.traffic_wish import GATEWAY, OIDC, reached
from tests.planning.wish import AS_OF, Wish

CHAT = "services/acme/chat spec.traffic"
TRITON = {"model": {"uri": "oci://registry.example.com/resnet@sha256:" + "a" * 64, "format": "onnx"},
          "triton": {"image": "nvcr.io/nvidia/tritonserver@sha256:" + "b" * 64, "version": "26.07"}}


def _views(wish: Wish) -> list[ResourceView]:
    spec = wish.spec()
    return [view for view in render(spec, plan(spec, default_catalog(), AS_OF)) if view.is_kubernetes]


def _one(wish: Wish, kind: str, name: str) -> dict[str, Any]:
    found = [view for view in _views(wish) if (view.kind, view.name) == (kind, name)]
    assert len(found) == 1, [str(view) for view in found]
    return dict(found[0].props)


def _spec(wish: Wish, kind: str, name: str) -> Any:
    return _one(wish, kind, name)["spec"]


def test_each_tenant_with_callers_has_a_listener_that_its_namespace_alone_may_use() -> None:
    listeners = _spec(reached(), "Gateway", "tenants")["listeners"]

    assert [(one["name"], one["hostname"], one["port"], one["protocol"]) for one in listeners] == [
        ("acme", "acme.llm.example.com", 443, "HTTPS")]
    assert listeners[0]["allowedRoutes"]["namespaces"] == {
        "from": "Selector", "selector": {"matchLabels": {"kubernetes.io/metadata.name": "acme"}}}
    assert listeners[0]["tls"]["certificateRefs"] == [{"group": "", "kind": "Secret", "name": "llm-certificate"}]


def test_the_gateway_denies_what_no_route_allows_and_takes_its_own_headers_off_requests() -> None:
    deny, clients = _spec(reached(), "SecurityPolicy", "deny-all"), _spec(reached(), "ClientTrafficPolicy", "tenants")

    assert deny == {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "tenants"}],
                    "authorization": {"defaultAction": "Deny"}}
    removed = clients["headers"]["earlyRequestHeaders"]["remove"]
    assert removed[:2] == ["x-gpuplane-caller", "x-ai-eg-model"]
    assert {"x-gateway-destination-endpoint", "x-prefiller-host-port"} <= set(removed)  # an endpoint picker's own
    assert clients["tls"] == {"minVersion": "1.2"}


def test_without_a_gateway_or_callers_nobody_outside_the_namespace_reaches_a_model() -> None:
    beta = [view for view in _views(reached()) if view.namespace == "beta"]

    assert not [view for view in beta if view.name == "allow-gateway" or "gateway" in view.group]


def test_only_the_gateways_proxies_may_call_serving_ports() -> None:
    policy = _spec(reached(), "NetworkPolicy", "allow-gateway")

    assert policy["ingress"][0]["from"] == [{
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "envoy-gateway-system"}},
        "podSelector": {"matchLabels": {"gateway.envoyproxy.io/owning-gateway-name": "tenants",
                                        "gateway.envoyproxy.io/owning-gateway-namespace": "gateway-system"}}}]


def test_a_model_is_called_by_its_name_on_its_tenants_listener() -> None:
    route = _spec(reached().put(f"{CHAT}.model_name", "small"), "AIGatewayRoute", "chat")

    assert lookup(route, "parentRefs", 0, "sectionName") == "acme"
    assert route["hostnames"] == ["acme.llm.example.com"]
    assert lookup(route, "rules", 0, "matches", 0, "headers", 0) == {"type": "Exact", "name": "x-ai-eg-model", "value": "small"}
    assert lookup(route, "rules", 0, "backendRefs") == [{"name": "chat", "priority": 0, "weight": 1, "modelNameOverride": "chat"}]
    assert lookup(_spec(reached(), "AIGatewayRoute", "chat"), "rules", 0, "backendRefs") == [{"name": "chat", "priority": 0, "weight": 1}]
    assert lookup(_spec(reached(), "Backend", "chat"), "endpoints") == [
        {"fqdn": {"hostname": "chat-predictor.acme.svc.cluster.local", "port": 80}}]


def test_an_engine_without_the_openai_api_is_called_under_a_path() -> None:
    wish = reached().put("services/acme/chat spec.release", TRITON).put(CHAT, {"stream_idle_seconds": 7})
    route = _spec(wish, "HTTPRoute", "chat")

    assert lookup(route, "rules", 0, "matches") == [{"path": {"type": "PathPrefix", "value": "/chat"}}]
    assert lookup(route, "rules", 0, "backendRefs") == [
        {"group": "", "kind": "Service", "name": "chat-predictor", "port": 80, "weight": 1}]
    assert lookup(_spec(wish, "BackendTrafficPolicy", "chat"), "timeout", "http", "streamIdleTimeout") == "7s"


def test_times_bound_the_whole_answer_and_each_silence() -> None:
    wish = reached().put("services/acme/chat spec.request_timeout_seconds", 120).put(f"{CHAT}.stream_idle_seconds", 9)
    rule = lookup(_spec(wish, "AIGatewayRoute", "chat"), "rules", 0)

    assert rule["timeouts"] == {"request": "120s"}
    assert rule["streamIdleTimeout"] == "9s"


def test_keys_prove_who_calls_and_only_named_callers_may() -> None:
    everybody = _spec(reached(), "SecurityPolicy", "chat")
    few = _spec(reached().put(f"{CHAT}.callers", ["web"]), "SecurityPolicy", "chat")

    assert everybody["apiKeyAuth"] == {
        "credentialRefs": [{"group": "", "kind": "Secret", "name": "callers"}], "extractFrom": [{"headers": ["Authorization"]}],
        "forwardClientIDHeader": "x-gpuplane-caller", "sanitize": True}
    assert [lookup(policy, "authorization", "rules", 0, "principal", "headers", 0, "values") for policy in (everybody, few)] == [
        ["batch", "web"], ["web"]]
    assert everybody["authorization"]["defaultAction"] == "Deny"


def test_tokens_prove_who_calls_and_the_claim_names_the_caller() -> None:
    wish = reached().put("tenants/acme spec.access.models", {
        "oidc": {**OIDC, "caller_claim": "client_id"}, "limits": [{"requests": 1, "per": "day"}]}).put(f"{CHAT}.callers", ["desk"])
    policy = _spec(wish, "SecurityPolicy", "chat")

    assert policy["jwt"]["providers"] == [{
        "name": "callers", "issuer": "https://login.example.com", "audiences": ["models"],
        "remoteJWKS": {"uri": "https://login.example.com/keys"}, "claimToHeaders": [{"claim": "client_id", "header": "x-gpuplane-caller"}]}]
    assert lookup(policy, "authorization", "rules", 0, "principal", "jwt") == {
        "provider": "callers", "claims": [{"name": "client_id", "values": ["desk"]}]}
    assert lookup(_spec(wish, "NetworkPolicy", "gateway-to-issuer-of-acme"), "egress", 0, "to") == [{"ipBlock": {"cidr": "10.50.0.0/28"}}]


def test_every_route_of_a_tenant_authenticates_alike() -> None:
    wish = reached().put(f"{CHAT}.callers", ["web"]).put("services/acme/embed spec.traffic", {"callers": ["batch"]})

    assert _spec(wish, "SecurityPolicy", "chat")["apiKeyAuth"] == _spec(wish, "SecurityPolicy", "embed")["apiKeyAuth"]


LIMITS = {
    "requests": ({"requests": 5, "per": "minute"}, {"limit": {"requests": 5, "unit": "Minute"}}),
    "tokens of answers, for each caller": (
        {"output_tokens": 7, "per": "day", "for_each": "caller"},
        {"limit": {"requests": 7, "unit": "Day"}, "clientSelectors": [{"headers": [{"name": "x-gpuplane-caller", "type": "Distinct"}]}],
         "cost": {"request": {"from": "Number", "number": 0}, "response": {
             "from": "Metadata", "metadata": {"namespace": "io.envoy.ai_gateway", "key": "llm_output_tokens"}}}}),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_a_rule_of_the_rate_limit_service(name: str) -> None:
    limit, rule = LIMITS[name]
    own = _spec(reached().put(f"{CHAT}.limits", [limit]), "BackendTrafficPolicy", "chat")
    tenants = _spec(reached().put("tenants/acme spec.access.models.limits", [limit]), "BackendTrafficPolicy", "acme-limits")

    assert own["rateLimit"] == {"type": "Global", "global": {"rules": [rule]}}
    assert own["mergeType"] == "StrategicMerge"
    assert tenants["rateLimit"] == {"type": "Global", "global": {"rules": [{**rule, "shared": True}]}}
    assert tenants["targetRefs"] == [
        {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "tenants", "sectionName": "acme"}]


def test_whatever_a_limit_counts_is_counted_on_every_model_route() -> None:
    costs = _spec(reached(), "AIGatewayRoute", "embed")["llmRequestCosts"]

    assert costs == [{"metadataKey": "llm_input_tokens", "type": "InputToken"}, {"metadataKey": "llm_output_tokens", "type": "OutputToken"},
                     {"metadataKey": "llm_total_tokens", "type": "TotalToken"}]


def test_retries_have_a_budget_and_repeat_only_what_has_not_begun() -> None:
    policy = _spec(reached().put(f"{CHAT}.retries", {"attempts": 2, "budget_percent": 10}), "BackendTrafficPolicy", "chat")

    assert policy["retry"]["numRetries"] == 2
    assert policy["retry"]["retryOn"]["httpStatusCodes"] == [503]
    assert "reset" not in policy["retry"]["retryOn"]["triggers"]
    assert "timeout" not in policy["retry"]["perRetry"]
    assert policy["circuitBreaker"]["retryBudget"] == {"percent": {"numerator": 10}, "minRetryConcurrency": 3}


def test_the_circuit_breaker_is_sized_by_what_replicas_work_on() -> None:
    breaker = _spec(reached().put(f"{CHAT}.queue_percent", 25), "BackendTrafficPolicy", "chat")["circuitBreaker"]

    assert {breaker[name] for name in ("maxConnections", "maxParallelRequests", "maxPendingRequests")} == {2 * 64 * 125 // 100}


def test_a_service_of_the_tenant_answers_where_the_first_does_not() -> None:
    wish = reached().put(f"{CHAT}.fallback", [{"service": "embed"}]).drop("services/acme/embed spec.traffic")
    policy = _spec(wish, "BackendTrafficPolicy", "chat")

    assert lookup(_spec(wish, "AIGatewayRoute", "chat"), "rules", 0, "backendRefs", 1) == {
        "name": "embed", "priority": 1, "weight": 1, "modelNameOverride": "embed"}
    assert _spec(wish, "AIServiceBackend", "embed")["backendRef"]["name"] == "embed"
    assert not [view for view in _views(wish) if (view.kind, view.name) == ("AIGatewayRoute", "embed")]
    assert (policy["retry"]["numAttemptsPerPriority"], policy["retry"]["numRetries"]) == (2, 3)
    assert policy["healthCheck"]["passive"]["maxEjectionPercent"] == 100


def test_a_provider_is_called_by_tls_with_the_tenants_key_and_says_what_it_is_approved_for() -> None:
    agreed = {**GATEWAY["providers"]["hub"], "processing_agreement": "DPA 2026-014"}
    wish = reached().put("environment spec.gateway.providers.hub", agreed)
    wish.put(f"{CHAT}.fallback", [{"provider": "hub", "model": "big-1", "secret": "hub"}])

    assert lookup(_spec(wish, "AIGatewayRoute", "chat"), "rules", 0, "backendRefs", 1) == {
        "name": "chat--hub", "priority": 1, "weight": 1, "modelNameOverride": "big-1"}
    assert _one(wish, "Backend", "chat--hub")["metadata"]["annotations"] == {
        "gpuplane.dev/approved-for": "personal", "gpuplane.dev/processing-agreement": "DPA 2026-014", "gpuplane.dev/provider-region": "eu-west-1"}
    assert _spec(wish, "Backend", "chat--hub")["endpoints"] == [{"fqdn": {"hostname": "api.example.com", "port": 443}}]
    assert _spec(wish, "BackendTLSPolicy", "chat--hub")["validation"] == {
        "wellKnownCACertificates": "System", "hostname": "api.example.com"}
    credentials = _spec(wish, "BackendSecurityPolicy", "chat--hub")
    assert (credentials["type"], credentials["apiKey"]) == ("APIKey", {"secretRef": {"group": "", "kind": "Secret", "name": "hub"}})
    assert lookup(_spec(wish, "NetworkPolicy", "gateway-to-hub"), "egress") == [
        {"to": [{"ipBlock": {"cidr": "10.41.0.0/24"}}], "ports": [{"port": 443, "protocol": "TCP"}]}]


def test_an_aws_provider_without_a_secret_uses_the_identity_of_the_proxies() -> None:
    wish = reached().put(f"{CHAT}.fallback", [{"provider": "bedrock", "model": "m"}])
    policy = _spec(wish, "BackendSecurityPolicy", "chat--bedrock")

    assert (policy["type"], policy["awsCredentials"]) == ("AWSCredentials", {"region": "us-east-1"})
    assert lookup(_spec(wish, "NetworkPolicy", "gateway-to-pod-identity"), "egress", 0, "to") == [{"ipBlock": {"cidr": "169.254.170.23/32"}}]


def test_providers_that_nobody_falls_back_to_are_not_reached() -> None:
    names = {view.name for view in _views(reached()) if view.namespace == "envoy-gateway-system"}

    assert names == {"gateway-proxies"}


def test_what_is_not_there_already_is_installed_and_wired() -> None:
    wish = reached().put("environment spec.gateway.envoy_gateway", {"install": "release", "version": "v1.9.0"})
    wish.put("environment spec.gateway.envoy_ai_gateway", {"install": "release", "version": "v1.1.0"})
    spec = wish.spec()
    releases = {view.name: view for view in render(spec, plan(spec, default_catalog(), AS_OF)) if view.kind == "Release"}

    values = lookup(releases["envoy-gateway"].props, "values", "config", "envoyGateway")
    assert values["rateLimit"] == {"backend": {"type": "Redis", "redis": {"url": "redis.redis:6379"}}}
    assert values["extensionApis"] == {"enableBackend": True}
    assert lookup(values, "extensionManager", "service", "fqdn", "hostname") == "ai-gateway-controller.envoy-ai-gateway-system.svc.cluster.local"
    assert {releases[name].props["version"] for name in ("ai-gateway", "ai-gateway-crds")} == {"v1.1.0"}
    assert any(urn.endswith("::ai-gateway") for urn in releases["envoy-gateway"].dependencies)
