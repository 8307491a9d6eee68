"""PII-11: a fallback to a model API outside hands it the prompt."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.gateways import outside_backends, routes
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.tenancy import data_class
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.vocabulary import APPROVED_FOR, PROCESSING_AGREEMENT, more_sensitive


class UnapprovedProviders(Rule):
    """Whoever answers reads the prompt: outside the platform that is a processor, and needs approval for the data and, for personal
    data, an agreement."""

    id = "PII-11"
    title = "Routes lead outside only to providers that are approved for the data"
    severity = "critical"
    remedy = ("Register the provider with approved_for (and processing_agreement for personal data), or fall back to a service of the "
              "tenant.")
    references = ("GDPR Art. 28", "ISO/IEC 27001:2022 A.5.19-A.5.23")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for route in routes(graph):
            data = data_class(graph, route)
            if data is None or graph.obligations[data].external_fallback == "allowed":
                continue
            for place in outside_backends(graph, route):
                approved = graph.labels.data_class(str(place.said.get(APPROVED_FOR, "")))
                if graph.obligations[data].external_fallback == "forbidden":
                    yield self.fail(graph, route, f"{route} handles {data} data, which leaves the platform for nobody, and leads to "
                                                  f"{place.host}.", place.path)
                elif approved is None:
                    yield self.fail(graph, route, f"{route} handles {data} data and leads to {place.host}, which nobody approved for any.",
                                    place.path)
                elif more_sensitive(data, approved):
                    yield self.fail(graph, route, f"{route} handles {data} data and leads to {place.host}, which is approved for data "
                                                  f"up to {approved}.", place.path)
                elif graph.obligations[data].external_fallback == "agreement" and not place.said.get(PROCESSING_AGREEMENT):
                    yield self.fail(graph, route, f"{route} handles {data} data and leads to {place.host}, with which no processing "
                                                  "agreement is recorded.", place.path)

    PASSES = (
        Example("internal data to a provider that is approved for it", """
apiVersion: v1
kind: Namespace
metadata: {name: search, labels: {gpuplane.dev/tenant: search, gpuplane.dev/data-classification: internal}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: bedrock, namespace: search, annotations: {gpuplane.dev/approved-for: internal}}
spec: {endpoints: [{fqdn: {hostname: bedrock-runtime.eu-central-1.amazonaws.com, port: 443}}]}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {name: bedrock, namespace: search}
spec: {schema: {name: AWSBedrock}, backendRef: {group: gateway.envoyproxy.io, kind: Backend, name: bedrock}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: rewriter, namespace: search}
spec: {rules: [{backendRefs: [{name: bedrock, priority: 1}]}]}
"""),
        Example("personal data that stays in the cluster", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support, gpuplane.dev/data-classification: personal}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: chat, namespace: support}
spec: {endpoints: [{fqdn: {hostname: chat-predictor.support.svc.cluster.local, port: 80}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec: {rules: [{backendRefs: [{group: gateway.envoyproxy.io, kind: Backend, name: chat}]}]}
"""),
    )
    FAILS = (
        Example("personal data to a provider that is approved for less", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support, gpuplane.dev/data-classification: personal}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: bedrock, namespace: support, annotations: {gpuplane.dev/approved-for: internal}}
spec: {endpoints: [{fqdn: {hostname: bedrock-runtime.eu-central-1.amazonaws.com, port: 443}}]}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {name: bedrock, namespace: support}
spec: {schema: {name: AWSBedrock}, backendRef: {group: gateway.envoyproxy.io, kind: Backend, name: bedrock}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: chat, namespace: support}
spec: {rules: [{backendRefs: [{name: bedrock, priority: 1}]}]}
""", "which is approved for data up to internal"),
        Example("no agreement", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support, gpuplane.dev/data-classification: personal}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: api, namespace: support, annotations: {gpuplane.dev/approved-for: personal}}
spec: {endpoints: [{fqdn: {hostname: api.example.com, port: 443}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec: {rules: [{backendRefs: [{group: gateway.envoyproxy.io, kind: Backend, name: api}]}]}
""", "with which no processing agreement is recorded"),
        Example("a provider that nobody registered", """
apiVersion: v1
kind: Namespace
metadata: {name: search, labels: {gpuplane.dev/tenant: search, gpuplane.dev/data-classification: confidential}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: api, namespace: search}
spec: {endpoints: [{fqdn: {hostname: api.example.com, port: 443}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: search}
spec: {rules: [{backendRefs: [{group: gateway.envoyproxy.io, kind: Backend, name: api}]}]}
""", "leads to api.example.com, which nobody approved for any"),
    )
