"""What a route on the gateway is held to, as Envoy Gateway's policies: authentication, limits, retries, circuit breaking.

Requests are authenticated before their body is read, so before the model is known: Envoy takes the authentication of whichever of
the host's routes matches without a model. All routes of a tenant therefore carry the same one. What a caller may call is judged
after the model is known, by the route's own authorization.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gpuplane.components.kubernetes_object import Manifest, metadata
from gpuplane.spec.vocabulary import CALLER_HEADER, ENVOY_GATEWAY

GROUP = "gateway.networking.k8s.io"
TOKEN_COSTS: Mapping[str, str] = {"input_tokens": "InputToken", "output_tokens": "OutputToken", "total_tokens": "TotalToken"}
"""What a limit counts to Envoy AI Gateway's request cost; the cost's metadata key is ``llm_`` and the measure."""
_METADATA = "io.envoy.ai_gateway"
_BEFORE_WORK = ("connect-failure", "refused-stream", "reset-before-request", "retriable-status-codes")
_BEFORE_ANSWER = ("connect-failure", "gateway-error", "refused-stream", "reset", "retriable-status-codes")


@dataclass(frozen=True)
class LimitArgs:
    """A ceiling: ``measure`` is ``requests`` or a key of :data:`TOKEN_COSTS`, ``per`` is ``minute``, ``hour`` or ``day``."""

    measure: str
    amount: int
    per: str
    each_caller: bool = False


@dataclass(frozen=True)
class AuthenticationArgs:
    """How callers of a tenant prove who they are: by the keys of a Secret, or by tokens of an issuer.

    Attributes:
        api_key_secret: Secret in the route's namespace; its keys are callers' names.
        api_key_callers: these names.
        issuer, audiences, jwks_uri, caller_claim: of the tokens.
    """

    api_key_secret: str | None = None
    api_key_callers: tuple[str, ...] = ()
    issuer: str = ""
    audiences: tuple[str, ...] = ()
    jwks_uri: str = ""
    caller_claim: str = "sub"


@dataclass(frozen=True)
class ProtectionArgs:
    """Limits, retries and circuit breaking of one route.

    Attributes:
        limits: the route's own, besides the tenant's.
        attempts: further tries on each backend.
        retry_budget_percent: of the requests in flight, the share that may be retries.
        most_in_flight: requests that each proxy lets in at once; None for Envoy's default of 1024.
        fallbacks: backends that follow the first one.
        stream_idle_seconds: longest silence, where the route itself cannot say it.
    """

    limits: tuple[LimitArgs, ...] = ()
    attempts: int = 1
    retry_budget_percent: int = 20
    most_in_flight: int | None = None
    fallbacks: int = 0
    stream_idle_seconds: int | None = None


def target(kind: Literal["Gateway", "HTTPRoute"], name: str, section: str | None = None) -> list[dict[str, str]]:
    """``targetRefs`` of a policy."""
    return [{"group": GROUP, "kind": kind, "name": name, **({"sectionName": section} if section else {})}]


def rate_limit(limits: tuple[LimitArgs, ...], *, shared: bool = False) -> dict[str, Any]:
    """``rateLimit`` of a BackendTrafficPolicy; ``shared`` limits count over all routes that the policy covers."""
    return {"type": "Global", "global": {"rules": [_rule(limit, shared) for limit in limits]}}


def _rule(limit: LimitArgs, shared: bool) -> dict[str, Any]:
    rule: dict[str, Any] = {"limit": {"requests": limit.amount, "unit": limit.per.capitalize()}}
    if limit.each_caller:
        rule["clientSelectors"] = [{"headers": [{"name": CALLER_HEADER, "type": "Distinct"}]}]
    if limit.measure != "requests":  # nothing is taken when a request comes in; what it used is taken when its answer ends
        rule["cost"] = {"request": {"from": "Number", "number": 0},
                        "response": {"from": "Metadata", "metadata": {"namespace": _METADATA, "key": f"llm_{limit.measure}"}}}
    if shared:
        rule["shared"] = True
    return rule


def security_policy(name: str, namespace: str, args: AuthenticationArgs, callers: tuple[str, ...]) -> Manifest:
    """The SecurityPolicy of a route: who proves to be one of ``callers`` (all of them where it is empty), and nobody else."""
    spec: dict[str, Any] = {"targetRefs": target("HTTPRoute", name)}
    if args.api_key_secret is not None:
        allowed = sorted(callers or args.api_key_callers)
        spec["apiKeyAuth"] = {
            "credentialRefs": [{"group": "", "kind": "Secret", "name": args.api_key_secret}],
            "extractFrom": [{"headers": ["Authorization"]}], "forwardClientIDHeader": CALLER_HEADER, "sanitize": True}
        spec["authorization"] = _only({"headers": [{"name": CALLER_HEADER, "values": allowed}]})
    else:
        spec["jwt"] = {"providers": [{
            "name": "callers", "issuer": args.issuer, "audiences": list(args.audiences), "remoteJWKS": {"uri": args.jwks_uri},
            "claimToHeaders": [{"claim": args.caller_claim, "header": CALLER_HEADER}]}]}
        if callers:
            spec["authorization"] = _only({"jwt": {
                "provider": "callers", "claims": [{"name": args.caller_claim, "values": sorted(callers)}]}})
    return {"apiVersion": ENVOY_GATEWAY, "kind": "SecurityPolicy", "metadata": metadata(name, namespace), "spec": spec}


def _only(principal: dict[str, Any]) -> dict[str, Any]:
    return {"defaultAction": "Deny", "rules": [{"name": "callers", "action": "Allow", "principal": principal}]}


def traffic_policy(name: str, namespace: str, args: ProtectionArgs) -> Manifest:
    """The BackendTrafficPolicy of a route; merged with that of its listener, so that the tenant's limits hold beside its own."""
    spec: dict[str, Any] = {"targetRefs": target("HTTPRoute", name), "mergeType": "StrategicMerge",
                            "retry": _retry(args), "circuitBreaker": _circuit_breaker(args)}
    if args.limits:
        spec["rateLimit"] = rate_limit(args.limits)
    if args.fallbacks:  # a backend is one name: it is ejected whole, and the next one answers until it is back
        spec["healthCheck"] = {"panicThreshold": 0, "passive": {
            "consecutive5XxErrors": 5, "consecutiveGatewayErrors": 3, "interval": "5s", "baseEjectionTime": "30s",
            "maxEjectionPercent": 100}}
    if args.stream_idle_seconds is not None:
        spec["timeout"] = {"http": {"streamIdleTimeout": f"{args.stream_idle_seconds}s"}}
    return {"apiVersion": ENVOY_GATEWAY, "kind": "BackendTrafficPolicy", "metadata": metadata(name, namespace), "spec": spec}


def _retry(args: ProtectionArgs) -> dict[str, Any]:
    """Without a fallback only what the model has not begun to work on is sent again; with one, whatever has no answer yet.

    Envoy never repeats a request whose answer has begun. There is no timeout for each try: it would cut streams.
    """
    tries = args.attempts + 1
    retry: dict[str, Any] = {"numRetries": tries * (args.fallbacks + 1) - 1,
                             "perRetry": {"backOff": {"baseInterval": "100ms", "maxInterval": "2s"}},
                             "retryOn": {"triggers": list(_BEFORE_WORK), "httpStatusCodes": [503]}}
    if args.fallbacks:
        retry |= {"numAttemptsPerPriority": tries,
                  "retryOn": {"triggers": list(_BEFORE_ANSWER), "httpStatusCodes": [429, 500, 502, 503, 504]}}
    return retry


def _circuit_breaker(args: ProtectionArgs) -> dict[str, Any]:
    breaker: dict[str, Any] = {"retryBudget": {"percent": {"numerator": args.retry_budget_percent}, "minRetryConcurrency": 3}}
    if args.most_in_flight is not None:  # engines speak HTTP/1.1: each request has a connection, and waits for it while it is made
        breaker |= dict.fromkeys(("maxConnections", "maxParallelRequests", "maxPendingRequests"), args.most_in_flight)
    return breaker
