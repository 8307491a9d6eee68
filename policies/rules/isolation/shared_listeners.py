"""TI-19: who may attach a route to another tenant's host can take its requests."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.gateways import Listener, admitted_namespaces, listeners
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.tenancy import tenants_of_namespaces
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule


class SharedListeners(Rule):
    """A route of any admitted namespace may claim the listener's host, so a shared listener lets one tenant answer for another."""

    id = "TI-19"
    title = "Every listener admits routes of one tenant only, on a host of its own"
    severity = "high"
    remedy = "Give each tenant a listener with its own hostname, and admit its namespace by the label kubernetes.io/metadata.name."
    references = ("OWASP LLM10:2025", "ISO/IEC 27001:2022 A.8.22")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.objects("Gateway"):
            yield from self.hidden(graph, view, "A listener", "spec.listeners")
        hosts: dict[tuple[str, object], Listener] = {}
        for listener in listeners(graph):
            tenants = _tenants(graph, listener)
            if tenants is None:
                yield self.fail(graph, listener.gateway, f"{listener} admits routes of every namespace.",
                                f"{listener.path}.allowedRoutes")
            elif len(tenants) > 1:
                yield self.fail(graph, listener.gateway, f"{listener} admits routes of tenants {', '.join(tenants)}.",
                                f"{listener.path}.allowedRoutes")
            other = hosts.setdefault((listener.hostname.lower(), listener.port), listener)
            if other is not listener and tenants and _tenants(graph, other) not in (None, [], tenants):
                yield self.fail(graph, listener.gateway, f"{listener} has the host of {other}, which admits another "
                                                         "tenant.", f"{listener.path}.hostname")

    PASSES = (
        Example("a listener for each tenant, by the name that the API server puts on its namespace", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: v1
kind: Namespace
metadata: {name: search, labels: {gpuplane.dev/tenant: search}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: tenants, namespace: gateway-system}
spec:
  gatewayClassName: gpuplane
  listeners:
    - name: support
      hostname: support.llm.example.com
      port: 443
      protocol: HTTPS
      allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: support}}}}
    - name: search
      hostname: search.llm.example.com
      port: 443
      protocol: HTTPS
      allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: search}}}}
"""),
        Example("a Gateway of a namespace's own", """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: own, namespace: support}
spec: {gatewayClassName: any, listeners: [{name: https, port: 443, protocol: HTTPS}]}
"""),
    )
    FAILS = (
        Example("routes of every namespace", """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: gateway-system}
spec: {gatewayClassName: any, listeners: [{name: https, port: 443, protocol: HTTPS, allowedRoutes: {namespaces: {from: All}}}]}
""", "listener https of Gateway gateway-system/public admits routes of every namespace"),
        Example("a selector that two tenants match", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support, exposed: "true"}}
---
apiVersion: v1
kind: Namespace
metadata: {name: search, labels: {gpuplane.dev/tenant: search, exposed: "true"}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: gateway-system}
spec:
  gatewayClassName: any
  listeners:
    - name: https
      port: 443
      protocol: HTTPS
      allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {exposed: "true"}}}}
""", "admits routes of tenants search, support"),
        Example("two tenants on one host", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: v1
kind: Namespace
metadata: {name: search, labels: {gpuplane.dev/tenant: search}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: first, namespace: gateway-system}
spec:
  gatewayClassName: any
  listeners:
    - name: support
      hostname: llm.example.com
      port: 443
      protocol: HTTPS
      allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: support}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: second, namespace: gateway-system}
spec:
  gatewayClassName: any
  listeners:
    - name: search
      hostname: LLM.example.com
      port: 443
      protocol: HTTPS
      allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: search}}}}
""", "has the host of listener support of Gateway gateway-system/first"),
    )


def _tenants(graph: PlannedGraph, listener: Listener) -> list[str] | None:
    namespaces = admitted_namespaces(graph, listener)
    known = tenants_of_namespaces(graph)
    return None if namespaces is None else sorted({known[name] for name in namespaces if name in known})
