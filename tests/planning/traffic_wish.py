"""A wish with a gateway, a tenant with callers and a service on it, to be changed one field at a time."""

from __future__ import annotations

from typing import Any

from tests.planning.wish import Wish, valid

GATEWAY: dict[str, Any] = {
    "envoy_gateway": {"install": "external", "version": "v1.9.0"}, "envoy_ai_gateway": {"install": "external", "version": "v1.1.0"},
    "hostname_template": "{tenant}.llm.example.com", "certificate_secret": "llm-certificate", "rate_limit_redis": "redis.redis:6379",
    "providers": {
        "bedrock": {"api": "AWSBedrock", "hostname": "bedrock-runtime.us-east-1.amazonaws.com", "region": "us-east-1",
                    "approved_for": "internal", "cidrs": ["10.40.0.0/24"]},
        "hub": {"api": "OpenAI", "hostname": "api.example.com", "region": "eu-west-1", "approved_for": "pii", "cidrs": ["10.41.0.0/24"]}}}
MODELS: dict[str, Any] = {"api_keys": {"secret": "callers"}, "limits": [{"requests": 600, "per": "minute"}]}
OIDC: dict[str, Any] = {"issuer": "https://login.example.com", "audiences": ["models"], "jwks_uri": "https://login.example.com/keys",
                        "jwks_cidrs": ["10.50.0.0/28"]}
STORE = {"aws_secrets_manager": {"region": "us-east-1", "role_arn_template": "arn:aws:iam::123456789012:role/{tenant}"}}
SECRETS: list[dict[str, Any]] = [
    {"name": "callers", "store": "aws", "data": {"web": {"key": "acme/web"}, "batch": {"key": "acme/batch"}}},
    {"name": "hub", "store": "aws", "data": {"apiKey": {"key": "acme/hub"}}}]


def reached() -> Wish:
    """acme's two services on the gateway, beta's one not."""
    wish = valid().put("environment spec.gateway", GATEWAY).put("environment spec.secret_stores", {"aws": STORE})
    wish.put("tenants/acme spec.secrets", SECRETS).put("tenants/acme spec.access", {"models": MODELS})
    for name in ("chat", "embed"):
        wish.put(f"services/acme/{name} spec.traffic", {})
        wish.put(f"services/acme/{name} spec.release.vllm.arguments.max_num_seqs", 64)
    return wish
