"""RE-08: a selector or reference that leads nowhere is a silent outage, in any workload."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.wiring import Link, Relation, State, links
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_JUDGED = (Relation.BACKEND, Relation.SELECTOR, Relation.PORT, Relation.REFERENCE, Relation.TARGET, Relation.TEMPLATE, Relation.POLICY)
_TRAVEL_TOGETHER = {
    Relation.BACKEND: ("Service",), Relation.SELECTOR: ("pods",), Relation.REFERENCE: ("ServiceAccount",), Relation.POLICY: ("pods",),
    Relation.TARGET: ("Deployment", "StatefulSet", "ReplicaSet")}
"""Far ends that are delivered with what points at them: where they are missing, that is worth a word."""


class DanglingLinks(Rule):
    """What a Service selects, an autoscaler scales, a route sends to or a pod runs as should come with it.

    Links that models are served by are proven, and refused, by the WI rules; here are the others. An object that is not
    among those that are judged may be in the cluster already: then the verdict is unknown.
    """

    id = "RE-08"
    title = "No selector or reference leads nowhere"
    severity = "medium"
    remedy = "Correct the name or the labels, or judge the object that it means together with this one."
    references = ("Kubernetes Service, NetworkPolicy, HorizontalPodAutoscaler and PodSpec",)
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for relation in _JUDGED:
            for link in links(graph, relation):
                if link.state is State.DANGLING and (not link.serving or relation is Relation.TEMPLATE):
                    yield self.fail(graph, link.source, link.sentence, link.field)
                elif link.state is State.OUTSIDE and _expected(link):
                    yield self.unknown(graph, link.source, link.sentence, link.field)

    PASSES = (
        Example("a Service, its pods and their autoscaler", """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web, ports: [{containerPort: 8080}]}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 3}
"""),
        Example("a target of a kind that nobody here knows", """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec: {scaleTargetRef: {apiVersion: example.com/v1, kind: Scaler, name: web}, maxReplicas: 3}
"""),
    )
    FAILS = (
        Example("labels that drifted apart", """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: webb}}
spec: {containers: [{name: web, image: web}]}
""", "pods with app=web in namespace shop: no pods bear them; the pods of Pod shop/web have app=webb"),
        Example("an account that is not among the objects", """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {serviceAccountName: web, containers: [{name: web, image: web}]}
""", "ServiceAccount shop/web: there is no ServiceAccount of that name"),
        Example("a policy that protects nobody", """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: db, image: db}]}
""", "it selects none"),
        Example("a selector that does not fit its own template", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: web, image: web}]}}
""", "the labels of its own pod template: they do not match"),
    )


def _expected(link: Link) -> bool:
    return link.target.startswith(_TRAVEL_TOGETHER.get(link.relation, ("\0",)))
