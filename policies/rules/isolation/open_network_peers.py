"""TI-02: one policy that opens too wide undoes the default deny for everything it selects."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from gpuplane.graph.label_selectors import everything, selects
from gpuplane.graph.network_policies import Peer, network_policies
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.queues import NAMESPACE_NAME, namespace_labels
from gpuplane.graph.resource_view import items, lookup, mapping, unknowns
from gpuplane.graph.tenancy import tenants_of_namespaces
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_WIDEST_PREFIX = {4: 8, 6: 16}
"""A network that is wider than this is the internet in disguise (``0.0.0.0/1`` and ``128.0.0.0/1`` together are all of it)."""

_NODE_SERVICES = (
    (ipaddress.ip_network("169.254.0.0/16"), (ipaddress.ip_network("169.254.20.10/32"), ipaddress.ip_network("169.254.170.23/32"))),
    (ipaddress.ip_network("fd00:ec2::/32"), (ipaddress.ip_network("fd00:ec2::23/128"),)))
"""Link-local services of a node, instance metadata among them (AWS: 169.254.169.254, fd00:ec2::254), and the addresses that may be
reached: the usual one of a node-local DNS cache, and EKS's Pod Identity agent, which gives a pod its own credentials and no node's."""


class OpenNetworkPeers(Rule):
    """A peer that is everybody, or another tenant, opens the border that the default deny had closed."""

    id = "TI-02"
    title = "No network policy opens to everybody or to another tenant"
    severity = "critical"
    remedy = "Name the one namespace (kubernetes.io/metadata.name) or network that is meant; never another tenant's."
    references = ("NIST SP 800-190 §4.3.3", "ISO/IEC 27001:2022 A.8.22")
    scope = "platform"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        tenants = tenants_of_namespaces(graph)
        for policy in network_policies(graph):
            own = tenants.get(policy.namespace)
            for path, _ in unknowns(policy.view.get("spec")):
                yield self.unknown(graph, policy.view, f"A part of {policy.view} is only known after apply.", f"spec.{path}")
            for peer in policy.peers:
                # A platform namespace may well serve everybody on one port; a tenant's may not.
                if own is None and (peer.ports or policy.namespace in graph.namespaces):
                    continue
                wide = _too_wide(peer)
                other = _other_tenant(graph, peer, own) if own is not None and wide is None else None
                verb = "lets in" if peer.direction == "Ingress" else "lets out to"
                if wide is not None:
                    yield self.fail(graph, policy.view, f"{policy.view} {verb} {wide}.", peer.path)
                elif other is not None:
                    yield self.fail(graph, policy.view, f"{policy.view} of tenant {own} {verb} {other}.", peer.path)

    PASSES = (
        Example("DNS, the gateway and the own namespace are named", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: allow, namespace: support}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  ingress:
    - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: gateway-system}}}, {podSelector: {}}]
  egress:
    - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]
      ports: [{port: 53, protocol: UDP}]
    - to: [{ipBlock: {cidr: 10.20.0.0/16}}]
"""),
        Example("egress to the agent that gives a pod its own credentials", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: pod-identity, namespace: support}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 169.254.170.23/32}}], ports: [{port: 80}]}]}
"""),
    )
    FAILS = (
        Example("the cloud's instance metadata", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: metadata, namespace: support}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 169.254.169.254/32}}], ports: [{port: 80}]}]}
""", "where nodes get their cloud credentials"),
        Example("egress to the whole internet", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: hub, namespace: support}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}]}]
""", "lets out to the network 0.0.0.0/0"),
        Example("ingress from another tenant", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: v1
kind: Namespace
metadata: {name: search, labels: {gpuplane.dev/tenant: search, team: search}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: friends, namespace: support}
spec:
  podSelector: {}
  ingress: [{from: [{namespaceSelector: {matchLabels: {team: search}}}]}]
""", "lets in tenant search (namespace search)"),
        Example("pods of every namespace", """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: everyone, namespace: support}
spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}
""", "lets in the pods of every namespace"),
    )


def _too_wide(peer: Peer) -> str | None:
    """Who a peer is, if that is everybody."""
    if peer.value is None:
        return "everybody"
    if peer.form in ("from", "to"):
        if everything(lookup(peer.value, "namespaceSelector")):
            return "the pods of every namespace"
        return _wide_network(lookup(peer.value, "ipBlock", "cidr"))
    if peer.form.endswith("Entities"):
        return f"the entity {peer.value}" if peer.value in ("all", "world", "cluster") else None
    return _wide_network(lookup(peer.value, "cidr") if isinstance(peer.value, Mapping) else peer.value)


def _wide_network(cidr: Any) -> str | None:
    if not isinstance(cidr, str):
        return None
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return None
    if any(network.version == reserved.version and network.overlaps(reserved) and network not in allowed
           for reserved, allowed in _NODE_SERVICES):
        return f"the network {cidr}, where nodes get their cloud credentials"
    return f"the network {cidr}" if network.prefixlen < _WIDEST_PREFIX[network.version] else None


def _other_tenant(graph: PlannedGraph, peer: Peer, own: str) -> str | None:
    """The first other tenant that a peer's selector takes in."""
    selector = lookup(peer.value, "namespaceSelector")
    if not isinstance(selector, Mapping):
        return None
    key = graph.labels.tenant
    named = mapping(selector.get("matchLabels")).get(key)
    listed = [value for item in items(selector.get("matchExpressions"))
              if lookup(item, "key") == key and lookup(item, "operator") == "In" for value in items(lookup(item, "values"))]
    for tenant in [named, *listed]:
        if tenant is not None and tenant != own:
            return f"tenant {tenant}"
    tenants = tenants_of_namespaces(graph)
    # Most selectors name one namespace: the others need not be looked at.
    one = mapping(selector.get("matchLabels")).get(NAMESPACE_NAME)
    for name in sorted(graph.namespaces) if one is None else [str(one)] if str(one) in graph.namespaces else []:
        if tenants.get(name, own) != own and selects(selector, namespace_labels(graph.namespaces[name])):
            return f"tenant {tenants[name]} (namespace {name})"
    return None
