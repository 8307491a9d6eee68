"""TI-20: a way in that goes round the gateway, its callers' identities and its limits."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.exposure import is_internal, unseen_doors
from gpuplane.graph.gateways import ROUTES
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, items, unknowns
from gpuplane.graph.tenancy import owner
from gpuplane.policies.admission import Admission
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_WAYS = ("spec.parentRefs", "spec.rules", "spec.defaultBackend", "spec.gateways", "spec.http")
"""Where a route says from which door to which Service it leads."""


class PublicServices(Rule):
    """A model that is called past the gateway answers to anybody, without limit; an external IP takes over somebody else's traffic."""

    id = "TI-20"
    title = "No Service opens a port to the outside; tenants are called through the gateway"
    severity = "high"
    remedy = "Make it a ClusterIP and let callers come through the platform's gateway; the platform's own load balancer is internal."
    references = ("CVE-2020-8554 (kubernetes/kubernetes#97076)", "AWS Load Balancer Controller: Service annotations, scheme",
                  "NIST SP 800-190 §3.3.3")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.objects("Service"):
            if view.api_version == "v1":
                yield from self._service(graph, view)
        for view in graph.objects("Ingress", *ROUTES, "VirtualService"):
            yield from self.hidden(graph, view, "A way", *_WAYS)
        for door in unseen_doors(graph):
            yield self.unknown(graph, door.view, f"{door.view} leads to {door.service} from {door.door}, which is not among the objects "
                                                 "that are judged, so it may be open to the internet.", door.path)

    def _service(self, graph: PlannedGraph, view: ResourceView) -> Iterator[Finding]:
        type_, addresses = view.get("spec", "type"), view.get("spec", "externalIPs")
        hidden = list(unknowns({"type": type_, "externalIPs": addresses}))
        for path, _ in hidden:
            yield self.unknown(graph, view, f"Whether {view} is open to the outside is only known after apply.", f"spec.{path}")
        if hidden:
            return
        if items(addresses):
            yield self.fail(graph, view, f"{view} takes the traffic of external IPs, whoever owns them.", "spec.externalIPs")
        if type_ == "NodePort":
            yield self.fail(graph, view, f"{view} opens a port on every node.", "spec.type")
        elif type_ == "LoadBalancer":
            tenant = owner(graph, view)
            if tenant:
                yield self.fail(graph, view, f"{view} of tenant {tenant} has a load balancer of its own, past the gateway.", "spec.type")
            elif not is_internal(view):
                yield self.fail(graph, view, f"{view} has a load balancer that does not say it is internal.", "spec.type")

    admission = (Admission(
        "object", "object.spec.?externalIPs.orValue([]).size() == 0 && !(object.spec.?type.orValue('') in ['NodePort', 'LoadBalancer'])",
        "A Service of a tenant opens a port to the outside.", resources=(("", "services"),),
        beyond=("a route from a gateway that nobody can look at",)),)

    PASSES = (
        Example("a Service inside the cluster", """
apiVersion: v1
kind: Service
metadata: {name: chat, namespace: support}
spec: {selector: {app: chat}, ports: [{port: 80}]}
"""),
        Example("the platform's own load balancer, with private addresses", """
apiVersion: v1
kind: Service
metadata:
  name: gateway
  namespace: gateway-system
  annotations: {service.beta.kubernetes.io/aws-load-balancer-scheme: internal}
spec: {type: LoadBalancer, selector: {app: gateway}, ports: [{port: 443}]}
"""),
    )
    FAILS = (
        Example("a load balancer in a tenant's namespace", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: v1
kind: Service
metadata:
  name: chat
  namespace: support
  annotations: {service.beta.kubernetes.io/aws-load-balancer-scheme: internal}
spec: {type: LoadBalancer, selector: {app: chat}, ports: [{port: 80}]}
""", "Service support/chat of tenant support has a load balancer of its own"),
        Example("a port on every node", """
apiVersion: v1
kind: Service
metadata: {name: chat, namespace: support}
spec: {type: NodePort, selector: {app: chat}, ports: [{port: 80, nodePort: 30007}]}
""", "opens a port on every node"),
        Example("somebody's address", """
apiVersion: v1
kind: Service
metadata: {name: chat, namespace: support}
spec: {selector: {app: chat}, ports: [{port: 80}], externalIPs: [198.51.100.7]}
""", "takes the traffic of external IPs"),
        Example("a route from a gateway that nobody can look at", """
apiVersion: v1
kind: Service
metadata: {name: chat, namespace: support}
spec: {selector: {app: chat}, ports: [{port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec: {parentRefs: [{name: edge, namespace: edge}], rules: [{backendRefs: [{name: chat, port: 80}]}]}
""", "from Gateway edge/edge, which is not among the objects"),
    )
