"""PII-05: what travels in the clear is read by whoever is on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gpuplane.graph.data_stores import BUCKETS, bucket_policies, statements
from gpuplane.graph.gateways import listeners
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, mapping
from gpuplane.graph.tenancy import owed
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_OLD = ("1.0", "1.1", "TLSv1_0", "TLSv1_1", "TLSV1_0", "TLSV1_1")


class ClearTextTransport(Rule):
    """Every class of data is owed TLS: on the way in, between the pods of a mesh, and to the store.

    A listener of plain HTTP may only send callers on to HTTPS.
    """

    id = "PII-05"
    title = "Data travels by TLS 1.2 or later: to gateways, in meshes and to buckets"
    severity = "critical"
    remedy = ("Give the listener or Ingress TLS for all its hosts, the mesh the mode STRICT, and the bucket a policy that denies what "
              "comes without aws:SecureTransport.")
    references = ("GDPR Art. 32", "NIST SP 800-122 §4.3")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for listener in listeners(graph):
            if listener.protocol == "HTTP" and not _only_redirects(graph, listener.gateway, listener.name):
                yield self.fail(graph, listener.gateway, f"{listener} takes requests in the clear.", listener.path)
        for view in graph.kubernetes:
            yield from self._object(graph, view)
        for bucket in (view for view in graph.resources if view.type in BUCKETS and owed(graph, view).tls):
            policies = bucket_policies(graph, bucket)
            if any(isinstance(policy.get("policy"), Unknown) for policy in policies):
                yield self.unknown(graph, bucket, f"The policy of bucket {bucket.name} is only known after apply.", "policy")
            elif not any(_denies_clear_text(one) for policy in policies for one in statements(policy.get("policy"))):
                yield self.fail(graph, bucket, f"Bucket {bucket.name} answers requests without TLS.", "")

    def _object(self, graph: PlannedGraph, view: ResourceView) -> Iterator[Finding]:
        for path, why in _CLEAR.get((view.group, view.kind), _nothing)(view):
            yield self.fail(graph, view, f"{view} {why}.", path)

    PASSES = (
        Example("an Ingress with TLS, a mesh that insists on it, a listener that sends on to HTTPS", """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: chat, namespace: support}
spec: {tls: [{hosts: [chat.example.com], secretName: chat}], rules: [{host: chat.example.com}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: support}
spec: {mtls: {mode: STRICT}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: gateway}
spec: {gatewayClassName: any, listeners: [{name: http, port: 80, protocol: HTTP}, {name: https, port: 443, protocol: HTTPS}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: on, namespace: gateway}
spec:
  parentRefs: [{name: edge, sectionName: http}]
  rules: [{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}]
"""),
    )
    FAILS = (
        Example("an Ingress without TLS", """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: chat, namespace: support}
spec: {tls: [{hosts: [other.example.com]}], rules: [{host: chat.example.com}]}
""", "no TLS for spec.rules[0]"),
        Example("a plain listener", """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: gateway}
spec: {gatewayClassName: any, listeners: [{name: http, port: 80, protocol: HTTP}]}
""", "listener http of Gateway gateway/edge takes requests in the clear"),
        Example("a mesh that does not insist", """
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: support}
spec: {mtls: {mode: PERMISSIVE}}
""", "mTLS is PERMISSIVE"),
    )


def _open_hosts(ingress: ResourceView) -> list[int]:
    """Indices of an Ingress's rules whose host has no TLS; TLS without hosts holds for all, and so does a default backend's."""
    tls = items(ingress.get("spec", "tls"))
    hosts = [str(host) for one in tls for host in items(lookup(one, "hosts"))]
    every = any(not items(lookup(one, "hosts")) for one in tls)
    rules = items(ingress.get("spec", "rules")) or [{}]
    found = []
    for index, rule in enumerate(rules):
        host = lookup(rule, "host")
        covered = bool(tls) if host is None else every or any(_matches(pattern, str(host)) for pattern in hosts)
        if not covered:
            found.append(index)
    return found


def _matches(pattern: str, host: str) -> bool:
    return pattern == host or (pattern.startswith("*.") and host.partition(".")[2] == pattern[2:])


def _only_redirects(graph: PlannedGraph, gateway: ResourceView, section: str) -> bool:
    """Whether every route of a listener does nothing but send on to HTTPS, and there is one."""
    attached = [view for view in graph.objects("HTTPRoute") for ref in items(view.get("spec", "parentRefs"))
                if lookup(ref, "name") == gateway.name and (lookup(ref, "namespace") or view.namespace) == gateway.namespace
                and lookup(ref, "sectionName") in (None, section)]
    named = [view for view in attached if any(lookup(ref, "sectionName") == section for ref in items(view.get("spec", "parentRefs")))]
    return bool(named) and all(_redirects(rule) for view in attached for rule in items(view.get("spec", "rules")) or [{}])


def _redirects(rule: Any) -> bool:
    return any(lookup(each, "requestRedirect", "scheme") == "https" for each in items(lookup(rule, "filters")))


def _modes(view: ResourceView) -> Iterator[tuple[str, Any]]:
    yield "spec.mtls.mode", view.get("spec", "mtls", "mode")
    for port, one in mapping(view.get("spec", "portLevelMtls")).items():
        yield f"spec.portLevelMtls.{port}.mode", lookup(one, "mode")


def _ingress(view: ResourceView) -> Iterator[tuple[str, str]]:
    for index in _open_hosts(view):
        yield f"spec.rules[{index}]", f"takes requests in the clear: no TLS for spec.rules[{index}]"


def _peer_authentication(view: ResourceView) -> Iterator[tuple[str, str]]:
    for path, mode in _modes(view):
        if mode in ("PERMISSIVE", "DISABLE"):
            yield path, f"lets pods talk in the clear: mTLS is {mode}"


def _destination_rule(view: ResourceView) -> Iterator[tuple[str, str]]:
    for path, policy in _traffic_policies(view):
        if lookup(policy, "tls", "mode") == "DISABLE":
            yield f"{path}.tls.mode", "sends requests in the clear: TLS is off"


def _client_traffic(view: ResourceView) -> Iterator[tuple[str, str]]:
    version = view.get("spec", "tls", "minVersion")
    if str(version) in _OLD:
        yield "spec.tls.minVersion", f"accepts TLS {version}"


def _istio_gateway(view: ResourceView) -> Iterator[tuple[str, str]]:
    for index, server in enumerate(items(view.get("spec", "servers"))):
        plain = lookup(server, "port", "protocol") in ("HTTP", "HTTP2", "GRPC")
        if plain and lookup(server, "tls", "httpsRedirect") is not True:
            yield f"spec.servers[{index}]", "takes requests in the clear"
        if lookup(server, "tls", "minProtocolVersion") in _OLD:
            yield f"spec.servers[{index}].tls.minProtocolVersion", "accepts old versions of TLS"


def _nothing(_: ResourceView) -> Iterator[tuple[str, str]]:
    yield from ()


_CLEAR: Mapping[tuple[str, str], Callable[[ResourceView], Iterator[tuple[str, str]]]] = {
    ("networking.k8s.io", "Ingress"): _ingress, ("extensions", "Ingress"): _ingress,
    ("security.istio.io", "PeerAuthentication"): _peer_authentication, ("networking.istio.io", "DestinationRule"): _destination_rule,
    ("gateway.envoyproxy.io", "ClientTrafficPolicy"): _client_traffic, ("networking.istio.io", "Gateway"): _istio_gateway}
"""What of an object lets data travel in the clear, by its group and kind: the field and the rest of a sentence."""


def _traffic_policies(view: ResourceView) -> Iterator[tuple[str, Any]]:
    policies = [("spec.trafficPolicy", view.get("spec", "trafficPolicy"))]
    policies += [(f"spec.subsets[{index}].trafficPolicy", lookup(one, "trafficPolicy"))
                 for index, one in enumerate(items(view.get("spec", "subsets")))]
    for path, policy in policies:
        yield path, policy
        for index, port in enumerate(items(lookup(policy, "portLevelSettings"))):
            yield f"{path}.portLevelSettings[{index}]", port


def _denies_clear_text(statement: Any) -> bool:
    said = lookup(statement, "Condition", "Bool", "aws:SecureTransport")
    return lookup(statement, "Effect") == "Deny" and said is not None and str(said).lower() in ("false", "['false']")
