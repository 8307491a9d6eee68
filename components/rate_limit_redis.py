"""A Redis in which Envoy's rate limit service counts, reachable by that service alone.

It keeps nothing on disk: after a restart every period begins anew, and limits hold again from the first request on. Where it is gone, Envoy
lets requests through (``failClosed`` is off by default), so a limit fails open, and nobody is locked out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata
from gpuplane.spec.gateway import REDIS, REDIS_PORT

_LABELS = {"app.kubernetes.io/name": REDIS}
_CLIENT = {"app.kubernetes.io/name": "envoy-ratelimit"}
"""Label of Envoy's rate limit service (Envoy Gateway v1.9, ``internal/infrastructure/kubernetes/ratelimit``)."""
RUN_AS = 999
"""User and group of the official image."""


@dataclass(frozen=True)
class RateLimitRedisArgs:
    """One Redis: the namespace of the proxies, its image by digest, and memory for counts in MiB."""

    namespace: str
    image: str
    memory_mib: int = 256


class RateLimitRedis(pulumi.ComponentResource):
    """Deployment, Service and NetworkPolicy."""

    def __init__(self, name: str, args: RateLimitRedisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:RateLimitRedis", name, {"namespace": args.namespace}, opts)
        for manifest in manifests(args):
            KubernetesObject(REDIS, manifest, child_options(self, opts))
        self.register_outputs({})


def manifests(args: RateLimitRedisArgs) -> tuple[Manifest, Manifest, Manifest]:
    """Its objects, as their APIs take them."""
    named = metadata(REDIS, args.namespace, _LABELS)
    return (
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": named, "spec": {
            "podSelector": {"matchLabels": dict(_LABELS)}, "policyTypes": ["Ingress", "Egress"], "egress": [],
            "ingress": [{"from": [{"podSelector": {"matchLabels": dict(_CLIENT)}}], "ports": [{"port": REDIS_PORT, "protocol": "TCP"}]}]}},
        {"apiVersion": "v1", "kind": "Service", "metadata": named, "spec": {
            "selector": dict(_LABELS), "ports": [{"name": "redis", "port": REDIS_PORT, "targetPort": REDIS_PORT, "protocol": "TCP"}]}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": named, "spec": {
            "replicas": 1, "strategy": {"type": "Recreate"}, "selector": {"matchLabels": dict(_LABELS)},
            "template": {"metadata": {"labels": dict(_LABELS)}, "spec": _pod(args)}}})


def _pod(args: RateLimitRedisArgs) -> dict[str, Any]:
    amounts = {"cpu": "100m", "memory": f"{args.memory_mib}Mi"}
    probe = {"tcpSocket": {"port": REDIS_PORT}, "periodSeconds": 5}
    # A quarter stays for what Redis needs besides its data; counts expire by themselves, and those that end first go first.
    arguments = ["--save", "", "--appendonly", "no", "--maxmemory", f"{args.memory_mib * 3 // 4}mb", "--maxmemory-policy", "volatile-ttl"]
    return {
        "automountServiceAccountToken": False, "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": RUN_AS, "runAsGroup": RUN_AS, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "redis", "image": args.image, "args": arguments, "ports": [{"containerPort": REDIS_PORT, "protocol": "TCP"}],
            "resources": {"requests": amounts, "limits": dict(amounts)},
            "readinessProbe": probe, "livenessProbe": {**probe, "periodSeconds": 20},
            "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}}]}
