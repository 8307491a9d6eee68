"""The traffic blocks: what they refuse, where, and what to do about it."""

from __future__ import annotations

from typing import Any

import pytest

from gpuplane.spec.errors import InvalidSpec
from tests.planning.traffic_wish import GATEWAY, MODELS, OIDC, SECRETS, reached

CHAT, ACME, ENV = "services/acme/chat spec.traffic", "tenants/acme spec.access.models", "environment spec.gateway"
TRITON = {"model": {"uri": "oci://registry.example.com/resnet@sha256:" + "a" * 64, "format": "onnx"},
          "triton": {"image": "nvcr.io/nvidia/tritonserver@sha256:" + "b" * 64, "version": "26.07"}}

WRONG: dict[str, tuple[str, Any, str, str, str]] = {
    "callers without authentication": (
        ACME, None, "spec.traffic", "a route without authentication", "Add access.models to tenants/acme.yaml"),
    "callers without a gateway": (ENV, None, "spec.access.models", "the environment has no gateway", "Add gateway to environment.yaml"),
    "keys in a secret that is not there": (
        f"{ACME}.api_keys.secret", "keys", "spec.access.models.api_keys.secret", 'no secret "keys"; it has: callers, hub.', "Add it"),
    "keys and tokens": (f"{ACME}.oidc", OIDC, "spec.access.models", "exactly one of api_keys, oidc", "Keep exactly one."),
    "a tenant without limits": (f"{ACME}.limits", [], "spec.access.models.limits", "too short", "Add what is missing."),
    "a limit of two things": (f"{ACME}.limits", [{"requests": 1, "total_tokens": 1, "per": "day"}], "spec.access.models.limits[0]",
                              "exactly one of requests, input_tokens, output_tokens, total_tokens", "Keep exactly one."),
    "a limit of nothing": (f"{ACME}.limits", [{"requests": 0, "per": "day"}], "spec.access.models.limits[0].requests", "at least 1", ""),
    "a limit that Envoy cannot count": (f"{ACME}.limits", [{"requests": 2**32, "per": "day"}], "spec.access.models.limits[0].requests",
                                        "at most 4294967295", "Correct"),
    "a period that Envoy does not know": (f"{ACME}.limits", [{"requests": 1, "per": "week"}], "spec.access.models.limits[0].per",
                                          "allowed: 'minute', 'hour' or 'day'", ""),
    "a caller without a key": (f"{CHAT}.callers", ["nobody"], "spec.traffic.callers[0]", 'no API key is called "nobody"', "Add the key"),
    "two models of one name": (f"{CHAT}.model_name", "embed", "spec.traffic.model_name",
                               'the model name "embed" is that of acme/chat already', "another model_name"),
    "a queue of nobody knows what": ("services/acme/chat spec.release.vllm.arguments", {}, "spec.traffic.queue_percent",
                                     "is not declared", "Set vLLM's max_num_seqs"),
    "a fallback to itself": (f"{CHAT}.fallback", [{"service": "chat"}], "spec.traffic.fallback[0].service", "cannot answer for itself", ""),
    "a fallback to another tenant's service": (f"{CHAT}.fallback", [{"service": "rank"}], "spec.traffic.fallback[0].service",
                                               'no other service "rank"; there are: embed.', "Add the service"),
    "a fallback that stands there twice": (f"{CHAT}.fallback", [{"service": "embed"}, {"service": "embed"}], "spec.traffic.fallback[1]",
                                           '"embed" stands there twice', "Keep one."),
    "a provider that nobody registered": (f"{CHAT}.fallback", [{"provider": "openai", "model": "m"}], "spec.traffic.fallback[0].provider",
                                          'no provider "openai"; there are: bedrock, hub.', "Register it"),
    "a provider without a model": (f"{CHAT}.fallback", [{"provider": "bedrock"}], "spec.traffic.fallback[0].model",
                                   "needs the model that it is asked for", "Add it."),
    "a service with a provider's model": (f"{CHAT}.fallback", [{"service": "embed", "model": "m"}], "spec.traffic.fallback[0].model",
                                          "model is of a provider", "Remove it."),
    "a provider without its key": (f"{CHAT}.fallback", [{"provider": "hub", "model": "m"}], "spec.traffic.fallback[0]",
                                   'provider "hub" needs a key', "with the key apiKey"),
    "a provider's key under another name": (
        f"{CHAT}.fallback", [{"provider": "hub", "model": "m", "secret": "callers"}], "spec.traffic.fallback[0].secret",
        'read from the key apiKey; secret "callers" of the tenant has: batch, web.', "Add the secret"),
    "a provider's key that is not there": (
        f"{CHAT}.fallback", [{"provider": "hub", "model": "m", "secret": "none"}], "spec.traffic.fallback[0].secret",
        'secret "none" of the tenant is not there', "Add the secret"),
    "addresses that are everywhere": (f"{ENV}.providers.hub.cidrs", ["0.0.0.0/0"], "spec.gateway.providers.hub.cidrs",
                                      "0.0.0.0/0 is as good as everywhere", "Correct"),
    "addresses with host bits": (f"{ENV}.providers.hub.cidrs", ["10.0.0.1/8"], "spec.gateway.providers.hub.cidrs", "host bits", ""),
    "a host that is one for all": (f"{ENV}.hostname_template", "llm.example.com", "spec.gateway.hostname_template", "is not text", ""),
    "a schema that cannot answer": (f"{ENV}.providers.hub.api", "Cohere", "spec.gateway.providers.hub.api", "allowed: 'OpenAI'", ""),
    "an issuer without TLS": (ACME, {"oidc": {**OIDC, "issuer": "http://login"}, "limits": MODELS["limits"]},
                              "spec.access.models.oidc.issuer", "is not text that matches", ""),
    "the old field": ("environment spec.gateway_namespace", "gateway-system", "spec.gateway_namespace", "is now gateway.namespace.",
                      "Move it there."),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_where_it_stands(name: str) -> None:
    path, value, where, message, remedy = WRONG[name]
    wish = reached().put(f"{CHAT}.queue_percent", 25) if "queue" in name else reached()
    wish = wish.drop(path) if value is None else wish.put(path, value)

    with pytest.raises(InvalidSpec) as caught:
        wish.spec()

    found = [error for error in caught.value.errors if error.path == where and message in error.message and remedy in error.remedy]
    assert found, str(caught.value)
    assert found[0].line > 1


TRITON_WRONG = {
    "model_name": ({"model_name": "resnet"}, "spec.traffic.model_name", "called by path"),
    "tokens": ({"limits": [{"total_tokens": 5, "per": "day"}]}, "spec.traffic.limits[0].total_tokens", "no tokens to count"),
    "fallback": ({"fallback": [{"service": "embed"}]}, "spec.traffic.fallback", "does not answer the OpenAI API"),
}


@pytest.mark.parametrize("name", TRITON_WRONG)
def test_an_engine_without_the_openai_api_has_no_names_tokens_or_fallback(name: str) -> None:
    traffic, where, message = TRITON_WRONG[name]
    wish = reached().put("services/acme/chat spec.release", TRITON).put(CHAT, traffic)

    with pytest.raises(InvalidSpec) as caught:
        wish.spec()

    assert any(error.path == where and message in error.message for error in caught.value.errors), str(caught.value)


def test_embeddings_do_not_answer_for_text() -> None:
    wish = reached().put("services/acme/embed spec.release.vllm.arguments.runner", "pooling").put(f"{CHAT}.fallback", [{"service": "embed"}])

    with pytest.raises(InvalidSpec, match='"embed" does not answer the same requests'):
        wish.spec()


def test_a_gateway_has_as_many_listeners_as_the_api_allows() -> None:
    wish = reached()
    for number in range(64):
        wish.tenant(f"t{number}", {}, secrets=SECRETS[:1], access={"models": MODELS})

    with pytest.raises(InvalidSpec, match=r"65 tenants have access\.models, and a Gateway has at most 64 listeners"):
        wish.spec()


@pytest.mark.parametrize("field", ["namespace", "proxy_namespace"])
def test_no_tenant_is_called_like_a_namespace_of_the_gateway(field: str) -> None:
    wish = reached().put(ENV, {**GATEWAY, field: "beta"})

    with pytest.raises(InvalidSpec, match='"beta" is the name of a platform namespace'):
        wish.spec()


def test_the_wish_itself_is_right() -> None:
    assert reached().spec().tenants["acme"].spec.access.models is not None
