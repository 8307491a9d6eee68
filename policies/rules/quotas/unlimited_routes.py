"""QF-11: a caller without a limit has all GPUs of the tenant, and its bill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gpuplane.graph.gateways import attachments, gateway_of, policies_above, policy_of, routes
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, items, lookup
from gpuplane.graph.tenancy import home, tenants_of_namespaces
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_TOKENS = "io.envoy.ai_gateway"
"""Where Envoy AI Gateway leaves what a request cost."""


class UnlimitedRoutes(Rule):
    """One runaway caller takes the capacity of all others; a limit on tokens that no route counts is none."""

    id = "QF-11"
    title = "Routes to tenants' workloads have request or token limits, and count what they limit"
    severity = "high"
    remedy = "Attach a BackendTrafficPolicy with rateLimit to the route or its listener, and name its costs in llmRequestCosts."
    references = ("OWASP LLM10:2025",)
    scope = "platform"
    looks_at = "outlines"
    context = ("Gateway",)

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        tenants = tenants_of_namespaces(graph)
        for route in routes(graph):
            for attachment in attachments(route) if home(route) in tenants else []:
                own = policy_of(graph, "BackendTrafficPolicy", route)
                merges = own is None or own.get("spec", "mergeType") is not None
                above = policies_above(graph, "BackendTrafficPolicy", attachment) if merges else None
                rules = [rule for policy in (own, above) if policy is not None for rule in _limits(policy)]
                counted = [rule for rule in rules if not _uncounted(route, rule)]
                if counted:
                    continue
                if rules:
                    yield self.fail(graph, route, f"{route} is limited in {', '.join(sorted({_key(rule) for rule in rules}))}, which it "
                                                  "does not count.", "spec.llmRequestCosts")
                elif merges and gateway_of(graph, attachment) is None and above is None:
                    yield self.unknown(graph, route, f"{route} has no limits of its own, and Gateway {attachment.namespace}/"
                                                     f"{attachment.gateway} is not among the objects that are judged.", "spec.parentRefs")
                else:
                    yield self.fail(graph, route, f"{route} has no limit on requests or tokens.", "spec.parentRefs")

    PASSES = (
        Example("the listener limits tokens, and the route counts them", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: chat, namespace: support}
spec:
  parentRefs: [{name: tenants, namespace: gateway-system, sectionName: support}]
  rules: []
  llmRequestCosts: [{metadataKey: llm_total_tokens, type: TotalToken}]
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: BackendTrafficPolicy
metadata: {name: support-limits, namespace: gateway-system}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: tenants, sectionName: support}]
  rateLimit:
    type: Global
    global:
      rules:
        - limit: {requests: 1000000, unit: Hour}
          cost: {response: {from: Metadata, metadata: {namespace: io.envoy.ai_gateway, key: llm_total_tokens}}}
"""),
    )
    FAILS = (
        Example("no limit", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: tenants, namespace: gateway-system}
spec: {gatewayClassName: any, listeners: [{name: https, port: 443, protocol: HTTPS}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec: {parentRefs: [{name: tenants, namespace: gateway-system}]}
""", "has no limit on requests or tokens"),
        Example("a limit on tokens that nobody counts", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: chat, namespace: support}
spec: {parentRefs: [{name: tenants, namespace: gateway-system}], rules: []}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: BackendTrafficPolicy
metadata: {name: chat, namespace: support}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: chat}]
  rateLimit:
    type: Global
    global:
      rules:
        - limit: {requests: 1000, unit: Hour}
          cost: {response: {from: Metadata, metadata: {namespace: io.envoy.ai_gateway, key: llm_tokens}}}
""", "is limited in llm_tokens, which it does not count"),
        Example("the route's policy takes the place of the limits above it", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec: {parentRefs: [{name: tenants, namespace: gateway-system}]}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: BackendTrafficPolicy
metadata: {name: chat, namespace: support}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: chat}]
  retry: {numRetries: 2}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: BackendTrafficPolicy
metadata: {name: all, namespace: gateway-system}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: tenants}]
  rateLimit: {type: Local, local: {rules: [{limit: {requests: 10, unit: Second}}]}}
""", "has no limit on requests or tokens"),
    )


def _limits(policy: ResourceView) -> list[Mapping[str, Any]]:
    """Rules of a policy that hold for every caller, or for each one: those for some callers leave the others alone."""
    rate = policy.get("spec", "rateLimit")
    found = [rule for kind in ("global", "local") for rule in items(lookup(rate, kind, "rules")) if isinstance(rule, Mapping)]
    return [rule for rule in found if not rule.get("shadowMode") and all(_everybody(one) for one in items(rule.get("clientSelectors")))]


def _everybody(selector: Any) -> bool:
    return isinstance(selector, Mapping) and set(selector) <= {"headers", "sourceCIDR"} and all(
        lookup(header, "type") == "Distinct" for header in items(selector.get("headers"))) and (
        selector.get("sourceCIDR") is None or lookup(selector, "sourceCIDR", "type") == "Distinct")


def _key(rule: Mapping[str, Any]) -> str:
    return str(lookup(rule, "cost", "response", "metadata", "key"))


def _uncounted(route: ResourceView, rule: Mapping[str, Any]) -> bool:
    """Whether a rule limits tokens that the route does not count; what other filters leave behind is theirs to judge."""
    if lookup(rule, "cost", "response", "metadata", "namespace") != _TOKENS:
        return False
    return _key(rule) not in {lookup(cost, "metadataKey") for cost in items(route.get("spec", "llmRequestCosts"))}
