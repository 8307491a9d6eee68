"""A tenant's borders: nothing in, nothing out, except DNS and what is listed by name.

Kubernetes NetworkPolicies only add permissions, so the default deny comes first and each way through
is a policy of its own that a reviewer can read alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, child_options, metadata

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""Label that the API server itself puts on every namespace (Kubernetes 1.22 and later)."""


@dataclass(frozen=True)
class EgressArgs:
    """One destination: either ``cidr`` or ``namespace``; ``ports`` are TCP, ``pod_labels`` of the pods that may go there (empty: all)."""

    name: str
    ports: tuple[int, ...]
    cidr: str | None = None
    namespace: str | None = None
    pod_labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TenantNetworkArgs:
    """What may cross the border.

    Attributes:
        gateway_namespace: the gateway's proxies run there and may call the serving port; None: nobody outside may.
        gateway_labels: labels of these proxies; empty for every pod of that namespace.
        monitoring_namespace: pods there may scrape the metrics ports.
        serving_ports: ports of the model servers.
        metrics_ports: ports metrics are on.
        dns_cidr: address of a node-local DNS cache, besides the cluster's DNS.
        egress: allow-listed destinations.
    """

    gateway_namespace: str | None = None
    gateway_labels: Mapping[str, str] = field(default_factory=dict)
    monitoring_namespace: str | None = None
    serving_ports: tuple[int, ...] = (8080, 9000)
    metrics_ports: tuple[int, ...] = (8002, 8080)
    dns_cidr: str | None = None
    egress: tuple[EgressArgs, ...] = ()


class TenantNetwork(pulumi.ComponentResource):
    """Default deny in both directions and the allow-list of one namespace."""

    def __init__(self, name: str, namespace: str, args: TenantNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:TenantNetwork", name, {"namespace": namespace}, opts)
        self._namespace = namespace
        self._opts = child_options(self, opts)
        self._policy("default-deny", ["Ingress", "Egress"])
        self._policy("allow-dns", ["Egress"], egress=dns_egress(args.dns_cidr))
        self._policy("allow-own-namespace", ["Ingress", "Egress"],
                     ingress=[{"from": [{"podSelector": {}}]}], egress=[{"to": [{"podSelector": {}}]}])
        for policy, source, labels, ports in (("allow-gateway", args.gateway_namespace, args.gateway_labels, args.serving_ports),
                                              ("allow-monitoring", args.monitoring_namespace, {}, args.metrics_ports)):
            if source is not None:
                peer = {**_namespace_peer(source), **({"podSelector": {"matchLabels": dict(labels)}} if labels else {})}
                self._policy(policy, ["Ingress"], ingress=[{"from": [peer], "ports": _tcp(ports)}])
        for rule in args.egress:
            peer = {"ipBlock": {"cidr": rule.cidr}} if rule.cidr else _namespace_peer(str(rule.namespace))
            pods = {"podSelector": {"matchLabels": dict(rule.pod_labels)}} if rule.pod_labels else {}
            self._policy(f"egress-{rule.name}", ["Egress"], **pods, egress=[{"to": [peer], "ports": _tcp(rule.ports)}])
        self.register_outputs({})

    def _policy(self, name: str, types: list[str], **rules: Any) -> None:
        KubernetesObject(f"{self._namespace}-{name}", {
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata(name, self._namespace),
            "spec": {"podSelector": {}, "policyTypes": types, **rules}}, self._opts)


def _namespace_peer(namespace: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: namespace}}}


def _tcp(ports: tuple[int, ...]) -> list[dict[str, Any]]:
    return [{"port": port, "protocol": "TCP"} for port in sorted(ports)]


def dns_egress(cidr: str | None) -> list[dict[str, Any]]:
    """Egress rules that let pods ask the cluster's DNS and, where there is one, the node-local cache at ``cidr``."""
    cluster_dns = {**_namespace_peer("kube-system"), "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    to = [cluster_dns, *([{"ipBlock": {"cidr": cidr}}] if cidr else [])]
    return [{"to": to, "ports": [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}]
