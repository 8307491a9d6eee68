"""TI-02: one policy that opens too wide undoes the default deny for everything it selects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from gpuplane.graph.label_selectors import selects
from gpuplane.graph.network_policies import Peer, network_policies
from gpuplane.graph.open_peers import too_wide
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.queues import namespace_labels
from gpuplane.graph.reachability import Medium
from gpuplane.graph.reachability.declarations import is_declared
from gpuplane.graph.resource_view import items, lookup, mapping, unknowns
from gpuplane.graph.tenancy import tenants_of_namespaces
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule


class OpenNetworkPeers(Rule):
    """A peer that is everybody, or another tenant, opens the border that the default deny had closed."""

    id = "TI-02"
    title = "No network policy opens to everybody or to another tenant"
    severity = "critical"
    remedy = "Name the one namespace (kubernetes.io/metadata.name) or network that is meant; never another tenant's."
    references = ("NIST SP 800-190 §4.3.3", "ISO/IEC 27001:2022 A.8.22")
    scope = "platform"
    looks_at = "outlines"

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
                wide = too_wide(peer)
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
        if tenant is not None and tenant != own and not _declared(graph, peer, own, str(tenant)):
            return f"tenant {tenant}"
    for tenant, name in _tenants_selected(graph, selector):
        if tenant != own and not _declared(graph, peer, own, tenant):
            return f"tenant {tenant} (namespace {name})"
    return None


@lru_cache(maxsize=4)
def _selected(_: PlannedGraph) -> dict[str, tuple[tuple[str, str], ...]]:
    """What :func:`_tenants_selected` has found, by selector: policies of many tenants select alike."""
    return {}


def _tenants_selected(graph: PlannedGraph, selector: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Tenants and namespaces that a selector takes in, sorted by namespace."""
    key, known, tenants = repr(selector), _selected(graph), tenants_of_namespaces(graph)
    if key not in known:
        known[key] = tuple((tenants[name], name) for name, namespace in sorted(graph.namespaces.items())
                           if name in tenants and selects(selector, namespace_labels(namespace)))
    return known[key]


def _declared(graph: PlannedGraph, peer: Peer, own: str, other: str) -> bool:
    """Whether the tenant that is reached has declared it (``reachable_from``)."""
    source, target = (other, own) if peer.direction == "Ingress" else (own, other)
    return is_declared(graph, source, target, Medium.NETWORK)
