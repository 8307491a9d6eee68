"""What the API server refuses of the gateway's objects, our documents refuse first: the same mistake in both, side by side."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from gpuplane.catalog import default_catalog
from gpuplane.delivery.offline_engine import render
from gpuplane.planning import plan
from gpuplane.spec.errors import InvalidSpec
from tests.integration.cluster import Cluster
from tests.integration.test_api_server_accepts_all import complete  # noqa: F401 the cluster with all CRDs
from tests.planning.traffic_wish import OIDC, reached
from tests.planning.wish import AS_OF, Wish

pytestmark = pytest.mark.integration

CHAT, ACME, ENV = "services/acme/chat spec.traffic", "tenants/acme spec.access.models", "environment spec.gateway"
TO_HUB = [{"provider": "hub", "model": "m", "secret": "hub"}]
WITH_TOKENS = {"oidc": OIDC, "limits": [{"requests": 1, "per": "day"}]}


def _wish() -> Wish:
    return reached().put(f"{CHAT}.fallback", TO_HUB)


def _rules(body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body["spec"]["rateLimit"]["global"]["rules"]
    return found


BOTCHED: dict[str, tuple[str, Any, str, str, Callable[[dict[str, Any]], object]]] = {
    "a limit of 2^32": (f"{ACME}.limits", [{"requests": 2**32, "per": "day"}], "BackendTrafficPolicy", "acme-limits",
                        lambda body: _rules(body)[0]["limit"].update({"requests": 2**32})),
    "a period of two weeks": (f"{ACME}.limits", [{"requests": 1, "per": "fortnight"}], "BackendTrafficPolicy", "acme-limits",
                              lambda body: _rules(body)[0]["limit"].update({"unit": "Fortnight"})),
    "a host in capitals": (f"{ENV}.hostname_template", "{tenant}.LLM.example.com", "Gateway", "tenants",
                           lambda body: body["spec"]["listeners"][0].update({"hostname": "acme.LLM.example.com"})),
    "a provider's address with its scheme": (
        f"{ENV}.providers.hub.hostname", "https://api.example.com", "Backend", "chat--hub",
        lambda body: body["spec"]["endpoints"][0]["fqdn"].update({"hostname": "https://api.example.com"})),
    "an API that nobody speaks": (f"{ENV}.providers.hub.api", "Telepathy", "AIServiceBackend", "chat--hub",
                                  lambda body: body["spec"]["schema"].update({"name": "Telepathy"})),
    "keys and AWS credentials": (f"{CHAT}.fallback", [{"service": "embed", **TO_HUB[0]}], "BackendSecurityPolicy", "chat--hub",
                                 lambda body: body["spec"].update({"awsCredentials": {"region": "us-east-1"}})),
    "silence of many hours": (f"{CHAT}.stream_idle_seconds", 100_000, "AIGatewayRoute", "chat",
                              lambda body: body["spec"]["rules"][0].update({"streamIdleTimeout": "100000s"})),
    "retries that are less than none": (f"{CHAT}.retries", {"attempts": -1}, "BackendTrafficPolicy", "chat",
                                        lambda body: body["spec"]["retry"].update({"numRetries": -1})),
    "a budget of more than all": (
        f"{CHAT}.retries", {"budget_percent": 101}, "BackendTrafficPolicy", "chat",
        lambda body: body["spec"]["circuitBreaker"]["retryBudget"]["percent"].update({"numerator": 101})),
    "nine audiences": (ACME, {**WITH_TOKENS, "oidc": {**OIDC, "audiences": list("abcdefghi")}}, "SecurityPolicy", "chat",
                       lambda body: body["spec"].update({"jwt": {"providers": [{
                           "name": "callers", "remoteJWKS": {"uri": "https://login.example.com"}, "audiences": list("abcdefghi")}]}})),
}


@pytest.fixture(scope="module")
def objects() -> dict[tuple[str, str], dict[str, Any]]:
    spec = _wish().spec()
    return {(view.kind, view.name): dict(view.props) for view in render(spec, plan(spec, default_catalog(), AS_OF)) if view.is_kubernetes}


def _apply(cluster: Cluster, body: dict[str, Any]) -> None:
    # In a namespace that is there: what is judged is the object, not where it stands.
    body = {**body, "metadata": {**body["metadata"], "namespace": "gateway-system"}}
    cluster.kind(body["apiVersion"], body["kind"]).server_side_apply(
        body=body, name=body["metadata"]["name"], namespace="gateway-system", field_manager="gpuplane-test", force_conflicts=True,
        dry_run="All", field_validation="Strict")


@pytest.mark.parametrize("name", BOTCHED)
def test_our_documents_refuse_what_the_api_server_would(
        complete: Cluster, objects: dict[tuple[str, str], dict[str, Any]], name: str) -> None:  # noqa: F811 a fixture
    path, value, kind, of, botch = BOTCHED[name]
    right = objects[kind, of]
    wrong = copy.deepcopy(right)
    botch(wrong)

    _apply(complete, right)
    with pytest.raises(ApiException) as refused:
        _apply(complete, wrong)
    assert refused.value.status in (400, 422), refused.value.body
    with pytest.raises(InvalidSpec):
        _wish().put(path, value).spec()
