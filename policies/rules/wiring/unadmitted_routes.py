"""WI-01: a route that no listener admits is accepted by the API server and serves nobody."""

from __future__ import annotations

from gpuplane.graph.wiring import Relation
from gpuplane.policies.link_rule import LinkRule
from gpuplane.policies.rule import Example


class UnadmittedRoutes(LinkRule):
    """A route names a gateway, and the gateway must have a listener that admits it: by section, namespace, kind and hostname."""

    id = "WI-01"
    title = "Every route is admitted by a listener of the gateway it names"
    remedy = "Name a listener that the Gateway has, or let the listener's allowedRoutes and hostname admit the route."
    references = ("Gateway API v1, Listener.allowedRoutes and ParentReference",)
    looks_at = "outlines"
    relations = (Relation.GATEWAY,)

    PASSES = (
        Example("the tenant's own listener", """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: tenants, namespace: gateway-system}
spec:
  gatewayClassName: envoy
  listeners:
    - name: support
      port: 443
      protocol: HTTPS
      hostname: support.example.com
      allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {gpuplane.dev/tenant: support}}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec:
  parentRefs: [{name: tenants, namespace: gateway-system, sectionName: support}]
  hostnames: [support.example.com]
"""),
        Example("a gateway that is not among the objects", """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec: {parentRefs: [{name: public, namespace: gateway-system}]}
"""),
    )
    FAILS = (
        Example("a listener that is not there", """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: tenants, namespace: gateway-system}
spec:
  gatewayClassName: envoy
  listeners:
    - name: support
      port: 443
      protocol: HTTPS
      hostname: support.example.com
      allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {gpuplane.dev/tenant: support}}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec:
  parentRefs: [{name: tenants, namespace: gateway-system, sectionName: chat}]
  hostnames: [support.example.com]
""", "parentRef of HTTPRoute support/chat points at Gateway gateway-system/tenants listener chat: the Gateway has no such listener"),
        Example("a listener for the gateway's own namespace only", """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: tenants, namespace: gateway-system}
spec:
  gatewayClassName: envoy
  listeners:
    - name: support
      port: 443
      protocol: HTTPS
      hostname: support.example.com
      allowedRoutes: {namespaces: {from: Same}}
---
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec:
  parentRefs: [{name: tenants, namespace: gateway-system, sectionName: support}]
  hostnames: [support.example.com]
""", "admits routes of namespace gateway-system only"),
        Example("another hostname", """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: tenants, namespace: gateway-system}
spec:
  gatewayClassName: envoy
  listeners:
    - name: support
      port: 443
      protocol: HTTPS
      hostname: support.example.com
      allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {gpuplane.dev/tenant: support}}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec:
  parentRefs: [{name: tenants, namespace: gateway-system, sectionName: support}]
  hostnames: [chat.example.com]
""", "has hostname support.example.com, the route chat.example.com"),
    )
