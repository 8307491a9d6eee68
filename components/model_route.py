"""A service on its tenant's listener: language models under their name, others under a path, each with its policies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata
from gpuplane.components.route_policies import (
    TOKEN_COSTS,
    AuthenticationArgs,
    ProtectionArgs,
    security_policy,
    traffic_policy,
)
from gpuplane.spec.kserve_names import PREDICTOR_PORT
from gpuplane.spec.vocabulary import AI_GATEWAY, GATEWAY, GATEWAY_API, MODEL_HEADER, SOURCE

POOL_GROUP = "inference.networking.k8s.io"


@dataclass(frozen=True)
class BackendArgs:
    """A ModelBackend by its name, and what it calls the model.

    ``priority``: 0 is asked first; those of one priority share requests by ``weight``. ``is_pool``: it is no ModelBackend but an
    InferencePool, whose endpoint picker chooses a replica; there is no other backend then.
    """

    name: str
    model: str
    priority: int = 0
    weight: int = 1
    is_pool: bool = False


@dataclass(frozen=True)
class ModelRouteArgs:
    """One route.

    Attributes:
        name, namespace: of the service, and of the route's objects.
        hostname: the tenant's host.
        gateway_namespace: of the Gateway.
        model_name: what callers write as ``model``; None: the service is called under the path ``/NAME``.
        backends: in the order they are asked; empty where there is no model_name.
        services: where there is no model_name, the services that share requests, with their weights; empty: itself alone.
        request_seconds: longest time from request to the end of the answer.
        stream_idle_seconds: longest silence.
        authentication, callers: who may call it; no callers: everybody whom the authentication lets in.
        protection: limits, retries, circuit breaking.
        source: document that asked for it, for reports.
    """

    name: str
    namespace: str
    hostname: str
    gateway_namespace: str
    model_name: str | None
    backends: tuple[BackendArgs, ...]
    request_seconds: int
    stream_idle_seconds: int
    authentication: AuthenticationArgs
    callers: tuple[str, ...] = ()
    protection: ProtectionArgs = field(default_factory=ProtectionArgs)
    source: str = ""
    services: tuple[tuple[str, int], ...] = ()


class ModelRoute(pulumi.ComponentResource):
    """The route (AIGatewayRoute or HTTPRoute), its SecurityPolicy and its BackendTrafficPolicy.

    The policies come first: a route is never there without them.
    """

    def __init__(self, name: str, args: ModelRouteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:ModelRoute", name, {"name": args.name, "namespace": args.namespace}, opts)
        child, place = child_options(self, opts), f"{args.namespace}-{args.name}"
        policies = [KubernetesObject(place, manifest, child) for manifest in (
            security_policy(args.name, args.namespace, args.authentication, args.callers),
            traffic_policy(args.name, args.namespace, args.protection))]
        KubernetesObject(place, route(args), pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=policies)))
        self.register_outputs({"hostname": args.hostname})


def route(args: ModelRouteArgs) -> Manifest:
    """The route as its API takes it."""
    by_name = args.model_name is not None
    spec = {"parentRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": GATEWAY,
                            "namespace": args.gateway_namespace, "sectionName": args.namespace}],
            "hostnames": [args.hostname], **(_by_model(args) if by_name else _by_path(args))}
    return {"apiVersion": AI_GATEWAY if by_name else GATEWAY_API, "kind": "AIGatewayRoute" if by_name else "HTTPRoute",
            "metadata": metadata(args.name, args.namespace, annotations={SOURCE: args.source} if args.source else None), "spec": spec}


def _by_model(args: ModelRouteArgs) -> dict[str, Any]:
    rule = {"name": "model", "matches": [{"headers": [{"type": "Exact", "name": MODEL_HEADER, "value": args.model_name}]}],
            "backendRefs": [_reference(args, backend) for backend in args.backends],
            "timeouts": {"request": f"{args.request_seconds}s"}, "streamIdleTimeout": f"{args.stream_idle_seconds}s",
            "modelsOwnedBy": args.namespace}
    # All three are counted on every route: the tenant's limits may be in any of them.
    return {"rules": [rule], "llmRequestCosts": [{"metadataKey": f"llm_{measure}", "type": cost} for measure, cost in TOKEN_COSTS.items()]}


def _reference(args: ModelRouteArgs, backend: BackendArgs) -> dict[str, Any]:
    renamed = {"modelNameOverride": backend.model} if backend.model != args.model_name else {}
    if backend.is_pool:
        return {"group": POOL_GROUP, "kind": "InferencePool", "name": backend.name, **renamed}
    return {"name": backend.name, "priority": backend.priority, "weight": backend.weight, **renamed}


def _by_path(args: ModelRouteArgs) -> dict[str, Any]:
    return {"rules": [{
        "matches": [{"path": {"type": "PathPrefix", "value": f"/{args.name}"}}],
        "filters": [{"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}],
        "backendRefs": [{"group": "", "kind": "Service", "name": f"{name}-predictor", "port": PREDICTOR_PORT, "weight": weight}
                        for name, weight in args.services or ((args.name, 1),)],
        "timeouts": {"request": f"{args.request_seconds}s"}}]}
