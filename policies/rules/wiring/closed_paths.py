"""WI-10: a network policy that closes what a route or a monitor needs turns requests into timeouts."""

from __future__ import annotations

from gpuplane.graph.wiring import Relation
from gpuplane.policies.link_rule import LinkRule
from gpuplane.policies.rule import Example


class ClosedPaths(LinkRule):
    """Policies name the port of the pod, not of the Service, and the namespace of the proxy. A default deny that is not opened for
    both drops packets without an answer.
    """

    id = "WI-10"
    title = "Network policies let gateways reach serving ports and Prometheus reach metrics ports"
    remedy = "Open the pod's port for the namespace of the gateway's proxies, and the metrics port for that of Prometheus."
    references = ("networking.k8s.io/v1 NetworkPolicy", "opendatahub-io/kserve#1589",)
    across_layers = True
    looks_at = "outlines"
    relations = (Relation.NETWORK,)

    PASSES = (
        Example("the pod's port is open for the gateway", """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec:
  parentRefs: [{name: tenants, namespace: gateway-system}]
  rules: [{backendRefs: [{name: chat-predictor, port: 80}]}]
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: support}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: allow-gateway, namespace: support}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
    - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: gateway-system}}}]
      ports: [{port: 8080}]
"""),
    )
    FAILS = (
        Example("the Service's port is open instead of the pod's", """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec:
  parentRefs: [{name: tenants, namespace: gateway-system}]
  rules: [{backendRefs: [{name: chat-predictor, port: 80}]}]
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: support}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: allow-gateway, namespace: support}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
    - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: gateway-system}}}]
      ports: [{port: 80}]
""", "gateway of HTTPRoute support/chat (namespace gateway-system) points at port 8080 of the pods of InferenceService support/chat"),
        Example("open for another namespace", """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec:
  parentRefs: [{name: tenants, namespace: gateway-system}]
  rules: [{backendRefs: [{name: chat-predictor, port: 80}]}]
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: support}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: allow-gateway, namespace: support}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
    - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress}}}]
      ports: [{port: 8080}]
""", "close the pods, and none lets it in"),
    )
