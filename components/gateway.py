"""The Gateway of the platform: TLS, one listener a tenant, nothing open, and no way out for its proxies but to what is named.

A listener admits routes of its tenant's namespace alone, chosen by the label that the API server itself sets. Routes, backends and
Secrets stay in that namespace and the certificate in the Gateway's, so no ReferenceGrant is needed, and none is made. The policy on
the Gateway denies every request; a route's own SecurityPolicy takes its place, so a route without one answers nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from gpuplane.components.cert_manager import API_VERSION as CERTIFICATE
from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata
from gpuplane.components.picker_proxy import PICKERS_OWN
from gpuplane.components.route_policies import LimitArgs, rate_limit, target
from gpuplane.components.tenant_network import NAMESPACE_NAME, dns_egress
from gpuplane.spec.vocabulary import CALLER_HEADER, ENVOY_GATEWAY, GATEWAY, GATEWAY_API, MODEL_HEADER

CLASS = "gpuplane"
HTTPS_PORT = 443
_CONTROL_PLANE_PORTS = (8081, 18000)
"""Envoy Gateway's rate limit service and its xDS server."""


@dataclass(frozen=True)
class ListenerArgs:
    """A tenant's place on the Gateway: the host of its models, and what all of them together may be asked for."""

    tenant: str
    hostname: str
    limits: tuple[LimitArgs, ...] = ()


@dataclass(frozen=True)
class OutsideArgs:
    """Addresses that the proxies may connect to by TLS, under a name that reviewers know."""

    name: str
    cidrs: tuple[str, ...]
    port: int = HTTPS_PORT


@dataclass(frozen=True)
class GatewayArgs:
    """The Gateway.

    Attributes:
        namespace: of the Gateway and its certificate.
        proxy_namespace: where Envoy Gateway runs the proxies.
        certificate_secret: TLS Secret for every listener.
        issuer_kind, issuer: cert-manager's issuer that signs it; no issuer: the Secret is there already.
        listeners: at least one, sorted by tenant.
        serving_ports: ports of model servers.
        outside: what the proxies reach outside the cluster.
        dns_cidr: address of a node-local DNS cache, besides the cluster's DNS.
    """

    namespace: str
    proxy_namespace: str
    certificate_secret: str
    listeners: tuple[ListenerArgs, ...]
    serving_ports: tuple[int, ...] = (8080,)
    outside: tuple[OutsideArgs, ...] = ()
    dns_cidr: str | None = None
    issuer_kind: str = "ClusterIssuer"
    issuer: str | None = None


class Gateway(pulumi.ComponentResource):
    """GatewayClass, Gateway, its policies, and the borders of its proxies."""

    def __init__(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:Gateway", name, {"namespace": args.namespace}, opts)
        child = child_options(self, opts)
        for manifest in manifests(args):
            place = f"{manifest['metadata'].get('namespace', '')}-{manifest['metadata']['name']}".lstrip("-")
            KubernetesObject(place, manifest, child)
        self.register_outputs({"name": GATEWAY})


def proxy_labels(namespace: str) -> dict[str, str]:
    """Labels that Envoy Gateway sets on the proxies of our Gateway (``gateway.envoyproxy.io/owning-gateway-…``)."""
    return {"gateway.envoyproxy.io/owning-gateway-name": GATEWAY, "gateway.envoyproxy.io/owning-gateway-namespace": namespace}


def manifests(args: GatewayArgs) -> list[Manifest]:
    """Everything, as the APIs take it."""
    return [*([_certificate(args)] if args.issuer is not None else []), _class(), _gateway(args), _clients(args), _deny(args),
            *(_limits(args, listener) for listener in args.listeners if listener.limits), *_borders(args)]


def _certificate(args: GatewayArgs) -> Manifest:
    """One certificate for all tenants' hosts; its key changes with each renewal."""
    return {"apiVersion": CERTIFICATE, "kind": "Certificate", "metadata": metadata(args.certificate_secret, args.namespace), "spec": {
        "secretName": args.certificate_secret, "dnsNames": sorted(listener.hostname for listener in args.listeners),
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"}, "usages": ["digital signature", "server auth"],
        "issuerRef": {"group": "cert-manager.io", "kind": args.issuer_kind, "name": args.issuer}}}


def _class() -> Manifest:
    return {"apiVersion": GATEWAY_API, "kind": "GatewayClass", "metadata": metadata(CLASS),
            "spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"}}


def _gateway(args: GatewayArgs) -> Manifest:
    return {"apiVersion": GATEWAY_API, "kind": "Gateway", "metadata": metadata(GATEWAY, args.namespace),
            "spec": {"gatewayClassName": CLASS, "listeners": [_listener(args, listener) for listener in args.listeners]}}


def _listener(args: GatewayArgs, listener: ListenerArgs) -> dict[str, Any]:
    return {
        "name": listener.tenant, "hostname": listener.hostname, "port": HTTPS_PORT, "protocol": "HTTPS",
        "tls": {"mode": "Terminate", "certificateRefs": [{"group": "", "kind": "Secret", "name": args.certificate_secret}]},
        "allowedRoutes": {
            "kinds": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute"}],
            "namespaces": {"from": "Selector", "selector": {"matchLabels": {NAMESPACE_NAME: listener.tenant}}}}}


def _clients(args: GatewayArgs) -> Manifest:
    """TLS 1.2 at least; headers that the gateway itself or an endpoint picker sets are taken off requests before anything reads them."""
    return {"apiVersion": ENVOY_GATEWAY, "kind": "ClientTrafficPolicy", "metadata": metadata(GATEWAY, args.namespace), "spec": {
        "targetRefs": target("Gateway", GATEWAY), "tls": {"minVersion": "1.2"},
        "headers": {"earlyRequestHeaders": {"remove": [CALLER_HEADER, MODEL_HEADER, *PICKERS_OWN]}}}}


def _deny(args: GatewayArgs) -> Manifest:
    return {"apiVersion": ENVOY_GATEWAY, "kind": "SecurityPolicy", "metadata": metadata("deny-all", args.namespace),
            "spec": {"targetRefs": target("Gateway", GATEWAY), "authorization": {"defaultAction": "Deny"}}}


def _limits(args: GatewayArgs, listener: ListenerArgs) -> Manifest:
    return {"apiVersion": ENVOY_GATEWAY, "kind": "BackendTrafficPolicy", "metadata": metadata(
        f"{listener.tenant}-limits", args.namespace), "spec": {
        "targetRefs": target("Gateway", GATEWAY, listener.tenant), "rateLimit": rate_limit(listener.limits, shared=True)}}


def _borders(args: GatewayArgs) -> list[Manifest]:
    """NetworkPolicies of the proxies: DNS, the control plane, tenants' serving ports, and each place outside by its name."""
    tenants = [listener.tenant for listener in args.listeners]
    inside = [
        *dns_egress(args.dns_cidr), {"to": [{"podSelector": {}}], "ports": _tcp(_CONTROL_PLANE_PORTS)},
        {"to": [{"namespaceSelector": {"matchExpressions": [{"key": NAMESPACE_NAME, "operator": "In", "values": tenants}]}}],
         "ports": _tcp(args.serving_ports)}]
    return [_border(args, "gateway-proxies", inside), *(
        _border(args, f"gateway-to-{place.name}", [
            {"to": [{"ipBlock": {"cidr": cidr}} for cidr in sorted(place.cidrs)], "ports": _tcp((place.port,))}])
        for place in args.outside)]


def _border(args: GatewayArgs, name: str, egress: list[dict[str, Any]]) -> Manifest:
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata(name, args.proxy_namespace), "spec": {
        "podSelector": {"matchLabels": proxy_labels(args.namespace)}, "policyTypes": ["Egress"], "egress": egress}}


def _tcp(ports: tuple[int, ...]) -> list[dict[str, Any]]:
    return [{"port": port, "protocol": "TCP"} for port in sorted(ports)]
