"""TI-03: what may leave is named; the rest, DNS servers of others and the node's credentials included, may not."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from gpuplane.graph.network_policies import NetworkRules, network_policies, sandbox_peers
from gpuplane.graph.open_peers import too_wide
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import TEMPLATE_KINDS
from gpuplane.graph.resource_view import ResourceView, items, lookup, told
from gpuplane.graph.tenancy import SYSTEM_NAMESPACES, home
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_SANDBOX = "SandboxTemplate"
_DNS = (53, 5353, "53", "dns", "domain")


class OpenEgress(Rule):
    """Data leaves by any way that is open: to a server of the attacker, in questions to a DNS server, or with the node's credentials."""

    id = "TI-03"
    title = "Egress is an allow-list of names and networks; DNS goes to the cluster's servers"
    severity = "high"
    remedy = "List each destination by network or name in `egress:` of the tenant, and ask the cluster's DNS alone."
    references = ("NIST SP 800-190 §4.4.2", "ISO/IEC 27001:2022 A.8.23",
                  "Amazon EKS Best Practices Guide: Restrict access to the instance profile assigned to the worker node")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.objects("NetworkPolicy", "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", _SANDBOX):
            yield from self.hidden(graph, view, "The egress", *(("specs",) if view.get("specs") is not None else ()), "spec.egress")
        for rules in network_policies(graph):
            for peer in rules.peers:
                if peer.direction == "Egress" and (wide := too_wide(peer)) is not None:
                    yield self.fail(graph, rules.view, f"{rules.view} lets out to {wide}.", peer.path)
            yield from self._dns(graph, rules.view)
        for view in graph.objects(_SANDBOX):
            for peer in sandbox_peers(view):
                if peer.direction == "Egress" and (wide := too_wide(peer)) is not None:
                    yield self.fail(graph, view, f"Sandboxes of {view} are let out to {wide}.", peer.path)
        yield from self._unguarded(graph)

    def _dns(self, graph: PlannedGraph, view: ResourceView) -> Iterator[Finding]:
        for index, rule in enumerate(items(view.get("spec", "egress"))):
            ports = [told(port, "port") for port in items(told(rule, "ports"))]
            for place, peer in enumerate(items(told(rule, "to"))) if any(port in _DNS for port in ports) else ():
                if server := _foreign_dns(peer):
                    yield self.fail(graph, view, f"{view} lets pods ask {server}, which is no DNS of the cluster.",
                                    f"spec.egress[{index}].to[{place}]")

    def _unguarded(self, graph: PlannedGraph) -> Iterator[Finding]:
        """Pods that no policy selects may go anywhere."""
        found: dict[str, list[ResourceView]] = defaultdict(list)
        closing: dict[str, list[NetworkRules]] = defaultdict(list)
        for rules in network_policies(graph):
            if "Egress" in rules.isolates:
                closing[rules.namespace].append(rules)
        for view, templates in graph.pods:
            for template in templates if view.kind not in TEMPLATE_KINDS else ():
                near = (*closing.get(home(view), ()), *closing.get("", ()))
                guarded = any(rules.covers(home(view), template.labels) for rules in near) or told(template.spec, "hostNetwork") is True
                if not guarded and home(view) not in SYSTEM_NAMESPACES and view not in found[home(view)]:
                    found[home(view)].append(view)
        for namespace, views in sorted(found.items()):
            if views:
                more = f" and {len(views) - 1} more" if len(views) > 1 else ""
                yield self.fail(graph, views[0], f"No network policy holds back what leaves the pods of {views[0]}{more} in namespace "
                                                 f"{namespace}.")

    PASSES = (
        Example("a destination by network, and the cluster's DNS", """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: egress, namespace: support}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
    - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {k8s-app: kube-dns}}}]
      ports: [{port: 53, protocol: UDP}]
    - to: [{ipBlock: {cidr: 10.40.0.0/24}}]
      ports: [{port: 443}]
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: support}
spec: {containers: [{name: server, image: server}]}
"""),
        Example("a destination by name", """
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: hub, namespace: support}
spec: {endpointSelector: {}, egress: [{toFQDNs: [{matchName: huggingface.co}]}]}
"""),
    )
    FAILS = (
        Example("the whole internet", """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: hub, namespace: support}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}], ports: [{port: 443}]}]}
""", "lets out to the network 0.0.0.0/0"),
        Example("the address at which nodes get their credentials", """
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: metadata, namespace: support}
spec: {endpointSelector: {}, egress: [{toCIDR: [169.254.169.254/32]}]}
""", "where nodes get their cloud credentials"),
        Example("a DNS server of somebody else's", """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: dns, namespace: support}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 8.8.8.8/32}}], ports: [{port: 53, protocol: UDP}]}]}
""", "lets pods ask 8.8.8.8/32"),
        Example("every name", """
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: names, namespace: support}
spec: {endpointSelector: {}, egress: [{toFQDNs: [{matchPattern: "*"}]}]}
""", "lets out to every name"),
        Example("a pod that a policy for ingress leaves free to call anybody", """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ingress, namespace: support}
spec: {podSelector: {}, policyTypes: [Ingress]}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: support}
spec: {containers: [{name: server, image: server}]}
""", "No network policy holds back what leaves the pods of Pod support/server"),
    )


def _foreign_dns(peer: Any) -> str:
    """A DNS server that is not the cluster's own, in words; empty for none."""
    cidr = told(peer, "ipBlock", "cidr")
    if isinstance(cidr, str):
        try:
            return "" if ipaddress.ip_network(cidr, strict=False).is_private else cidr
        except ValueError:
            return cidr
    selector = lookup(peer, "namespaceSelector")
    name = told(selector, "matchLabels", "kubernetes.io/metadata.name")
    return f"pods of namespace {name}" if isinstance(selector, Mapping) and name is not None and name not in SYSTEM_NAMESPACES else ""
