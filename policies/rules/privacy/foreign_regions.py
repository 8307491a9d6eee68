"""PII-10: a fallback may answer from another region, and the prompt goes there."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.gateways import outside_backends, routes
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.tenancy import owed
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.vocabulary import PROVIDER_REGION


class ForeignRegions(Rule):
    """Data that may be in some regions only leaves them with the first request that falls back to a provider elsewhere."""

    id = "PII-10"
    title = "Routes lead outside only to providers in regions that the tenant allows"
    severity = "critical"
    remedy = "Fall back to a provider in one of the tenant's allowed_regions, or to a service of the tenant."
    references = ("GDPR Art. 44-49",)
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for route in routes(graph):
            said = graph.says(route, "allowed_regions")
            allowed = sorted({region.strip() for region in said.split(",")} - {""}) if said else []
            if not allowed and not owed(graph, route).residency:
                continue
            for place in outside_backends(graph, route):
                region = place.said.get(PROVIDER_REGION)
                if region is None:
                    yield self.fail(graph, route, f"{route} leads to {place.host}, of which nobody says where it processes data.",
                                    place.path)
                elif region not in allowed:
                    yield self.fail(graph, route, f"{route} leads to {place.host} in {region}, and its data may be only in: "
                                                  f"{', '.join(allowed) or 'no region that is named'}.", place.path)

    PASSES = (
        Example("a provider in an allowed region", """
apiVersion: v1
kind: Namespace
metadata:
  name: support
  labels: {gpuplane.dev/tenant: support, gpuplane.dev/data-classification: personal}
  annotations: {gpuplane.dev/allowed-regions: "eu-central-1,eu-west-1"}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: api, namespace: support, annotations: {gpuplane.dev/provider-region: eu-west-1}}
spec: {endpoints: [{fqdn: {hostname: api.example.com, port: 443}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec: {rules: [{backendRefs: [{group: gateway.envoyproxy.io, kind: Backend, name: api}]}]}
"""),
    )
    FAILS = (
        Example("a provider in another region", """
apiVersion: v1
kind: Namespace
metadata:
  name: support
  labels: {gpuplane.dev/tenant: support}
  annotations: {gpuplane.dev/allowed-regions: eu-central-1}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: api, namespace: support, annotations: {gpuplane.dev/provider-region: us-east-1}}
spec: {endpoints: [{fqdn: {hostname: api.example.com, port: 443}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec: {rules: [{backendRefs: [{group: gateway.envoyproxy.io, kind: Backend, name: api}]}]}
""", "leads to api.example.com in us-east-1, and its data may be only in: eu-central-1"),
        Example("personal data to somewhere", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support, gpuplane.dev/data-classification: personal}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: api, namespace: support}
spec: {endpoints: [{ip: {address: 203.0.113.9, port: 443}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec: {rules: [{backendRefs: [{group: gateway.envoyproxy.io, kind: Backend, name: api}]}]}
""", "of which nobody says where it processes data"),
    )
