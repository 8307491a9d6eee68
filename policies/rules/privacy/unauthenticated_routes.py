"""PII-15: a model on a gateway answers whoever asks, unless somebody asks who that is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gpuplane.graph.gateways import Attachment, attachments, gateway_of, policies_above, policy_of, routes
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, items, lookup, mapping, told
from gpuplane.graph.tenancy import home, tenants_of_namespaces
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_WAYS = ("apiKeyAuth", "basicAuth", "extAuth", "jwt", "oidc")
"""How Envoy Gateway's SecurityPolicy asks who a caller is."""


class UnauthenticatedRoutes(Rule):
    """Without authentication prompts, answers and GPU hours are anybody's.

    Envoy authenticates a request before its body is read, so before the model is known: it takes the policy of whichever route of the
    host matches without one. Routes by model name that share a listener must therefore authenticate alike.
    """

    id = "PII-15"
    title = "Routes to tenants' workloads authenticate their callers"
    severity = "critical"
    remedy = "Attach a SecurityPolicy with apiKeyAuth or jwt to the route, the same one for all model routes of a listener."
    references = ("GDPR Art. 32", "ISO/IEC 27001:2022 A.8.3", "OWASP LLM10:2025")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        tenants = tenants_of_namespaces(graph)
        first: dict[Attachment, tuple[ResourceView, Any]] = {}
        for route in routes(graph):
            if home(route) not in tenants:
                continue
            own = policy_of(graph, "SecurityPolicy", route)
            for attachment in attachments(route):
                policy = own or policies_above(graph, "SecurityPolicy", attachment)
                if policy is None and gateway_of(graph, attachment) is None:
                    yield self.unknown(graph, route, f"{route} has no SecurityPolicy of its own, and Gateway {attachment.namespace}/"
                                                     f"{attachment.gateway} is not among the objects that are judged.", "spec.parentRefs")
                    continue
                open_because = _open(policy)
                if open_because:
                    yield self.fail(graph, route, f"{route} answers callers that nobody authenticates: {open_because}.", "spec.parentRefs")
                elif route.kind == "AIGatewayRoute":
                    asks = _authentication(policy)
                    other, its = first.setdefault(attachment, (route, asks))
                    if its != asks:
                        yield self.fail(graph, route, f"{route} authenticates otherwise than {other} on the same listener, and the model "
                                                      "is not known yet when Envoy chooses between them.", "spec.parentRefs")

    PASSES = (
        Example("API keys on the route", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: chat, namespace: support}
spec: {parentRefs: [{name: tenants, namespace: gateway-system, sectionName: support}], rules: []}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata: {name: chat, namespace: support}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: chat}]
  apiKeyAuth: {credentialRefs: [{name: callers}], extractFrom: [{headers: [Authorization]}]}
"""),
        Example("a Gateway that denies whatever its routes do not allow", """
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
kind: SecurityPolicy
metadata: {name: deny-all, namespace: gateway-system}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: tenants}]
  authorization: {defaultAction: Deny}
"""),
    )
    FAILS = (
        Example("no policy at all", """
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
""", "no SecurityPolicy holds for it"),
        Example("a token that may be missing", """
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
kind: SecurityPolicy
metadata: {name: chat, namespace: support}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: chat}]
  jwt: {optional: true, providers: [{name: any, remoteJWKS: {uri: "https://login.example.com/keys"}}]}
""", "the token of SecurityPolicy support/chat may be missing"),
        Example("two model routes of one host with different keys", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: chat, namespace: support}
spec: {parentRefs: [{name: tenants, namespace: gateway-system, sectionName: support}], rules: []}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata: {name: chat, namespace: support}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: chat}]
  apiKeyAuth: {credentialRefs: [{name: everybody}], extractFrom: [{headers: [Authorization]}]}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: secret, namespace: support}
spec: {parentRefs: [{name: tenants, namespace: gateway-system, sectionName: support}], rules: []}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata: {name: secret, namespace: support}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: secret}]
  apiKeyAuth: {credentialRefs: [{name: few}], extractFrom: [{headers: [Authorization]}]}
""", "authenticates otherwise than AIGatewayRoute support/chat"),
        Example("a Gateway that is not there to be judged", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec: {parentRefs: [{name: tenants, namespace: gateway-system}]}
""", "is not among the objects that are judged"),
    )


def _authentication(policy: ResourceView | None) -> dict[str, Any]:
    spec = mapping(policy.get("spec")) if policy is not None else {}
    return {way: spec[way] for way in _WAYS if told(spec, way)}


def _open(policy: ResourceView | None) -> str:
    """Why a policy lets in whom nobody knows; empty where it does not."""
    if policy is None:
        return "no SecurityPolicy holds for it"
    asks, authorization = _authentication(policy), mapping(policy.get("spec", "authorization"))
    if not asks:
        # Envoy Gateway denies what no rule allows, unless it is told otherwise.
        denies = authorization and authorization.get("defaultAction", "Deny") == "Deny" and not items(authorization.get("rules"))
        return "" if denies else f"{policy} asks nobody who they are"
    if set(asks) == {"jwt"} and any(lookup(asks["jwt"], key) not in (None, False) for key in ("optional", "failOpen")):
        return f"the token of {policy} may be missing"
    return ""
