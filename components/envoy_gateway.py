"""Envoy Gateway and Envoy AI Gateway as pinned Helm releases, wired to each other and to the Redis that counts limits.

The values are those that Envoy AI Gateway asks for (``ai-gateway@v1.1.0:manifests/envoy-gateway-values.yaml`` and its addons): the Backend
API, its hooks into the proxies' configuration, and Redis for global rate limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from gpuplane.components.helm_release import ChartArgs, helm_release, with_further
from gpuplane.components.kubernetes_object import child_options

CHARTS = "oci://docker.io/envoyproxy"
AI_NAMESPACE = "envoy-ai-gateway-system"


@dataclass(frozen=True)
class EnvoyGatewayArgs:
    """What is installed.

    Attributes:
        version, ai_version: chart versions, with their ``v``; None for the one that is there already.
        namespace: of Envoy Gateway and of the proxies.
        redis: ``HOST:PORT``.
        further, ai_further: further values of the charts ``gateway-helm`` and ``ai-gateway-helm``.
        routes_to_pools: routes lead to InferencePools, whose CRD is there; Envoy Gateway would not start without it.
    """

    version: str | None
    ai_version: str | None
    namespace: str
    redis: str
    routes_to_pools: bool = False
    further: Mapping[str, Any] = field(default_factory=dict)
    ai_further: Mapping[str, Any] = field(default_factory=dict)


class EnvoyGateway(pulumi.ComponentResource):
    """The AI Gateway's CRDs and controller, then Envoy Gateway, which calls that controller."""

    def __init__(self, name: str, args: EnvoyGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:EnvoyGateway", name, {"version": args.version, "aiVersion": args.ai_version}, opts)
        child, before = child_options(self, opts), list[pulumi.Resource]()
        if args.ai_version is not None:
            crds = helm_release("ai-gateway-crds", ChartArgs(f"{CHARTS}/ai-gateway-crds-helm", args.ai_version, AI_NAMESPACE), {}, child)
            before.append(helm_release("ai-gateway", ChartArgs(
                f"{CHARTS}/ai-gateway-helm", args.ai_version, AI_NAMESPACE, create_namespace=False), args.ai_further,
                _after(child, [crds])))
        if args.version is not None:
            helm_release("envoy-gateway", ChartArgs(f"{CHARTS}/gateway-helm", args.version, args.namespace),
                         with_further(values(args.redis, args.routes_to_pools), args.further), _after(child, before))
        self.register_outputs({})


def _after(child: pulumi.ResourceOptions, resources: list[pulumi.Resource]) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=resources))


def values(redis: str, routes_to_pools: bool = False) -> dict[str, Any]:
    """Values of the chart ``gateway-helm``."""
    everything = {"includeAll": True}
    pools = {"backendResources": [{"group": "inference.networking.k8s.io", "kind": "InferencePool", "version": "v1"}]}
    return {"config": {"envoyGateway": {
        "extensionApis": {"enableBackend": True},
        "extensionManager": {
            **(pools if routes_to_pools else {}),
            "hooks": {"xdsTranslator": {
                "translation": dict.fromkeys(("listener", "route", "cluster", "secret"), everything),
                "post": ["Translation", "Cluster", "Route"]}},
            "service": {"fqdn": {"hostname": f"ai-gateway-controller.{AI_NAMESPACE}.svc.cluster.local", "port": 1063}}},
        "rateLimit": {"backend": {"type": "Redis", "redis": {"url": redis}}}}}}
