"""TI-22: the isolation proof: every way between tenants, through whatever medium, is one that somebody declared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability import Edge, Maker, matrix
from gpuplane.graph.tenancy import owner
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_NAMED = 3
_MAKERS = 8


class UndeclaredPaths(Rule):
    """Each object may be right by itself, and several together still lead from one tenant to another, or through the platform to all."""

    id = "TI-22"
    title = "No undeclared path between tenants"
    severity = "critical"
    remedy = ("Close the path at one of the objects that make it; where it is meant, the tenant that is reached declares it: "
              "reachable_from in its file.")
    references = ("NIST SP 800-190 §3.3.3, §4.3.3", "NIST SP 800-207 §2.1", "ISO/IEC 27001:2022 A.8.22")
    scope = "platform"
    looks_at = "outlines"
    context = ("Namespace",)

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        views = {view.urn: view for view in graph.resources}
        together: dict[tuple[tuple[Maker, ...], bool], list[Edge]] = defaultdict(list)
        for edge in matrix(graph).refused:
            together[edge.objects, edge.certain].append(edge)
        for (objects, certain), edges in together.items():
            there = [views[each.urn] for each in objects if each.urn in views]
            # Tenants who all reach each other: each has to mend something of its own.
            own = [view for view in there if owner(graph, view) is not None] if edges[0].source.members else []
            fields: dict[str, str] = {}
            for each in objects:
                fields.setdefault(each.urn, each.field)
            message = _message(objects, edges, certain)
            for view in own or there[:1]:
                yield (self.fail if certain else self.unknown)(graph, view, message, fields.get(view.urn, ""))

    PASSES = (
        Example("two tenants, each closed to the other", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: v1
kind: Namespace
metadata: {name: search, labels: {gpuplane.dev/tenant: search}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: support}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: search}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
"""),
        Example("a path that the reached tenant declares", """
apiVersion: v1
kind: Namespace
metadata:
  name: support
  labels: {gpuplane.dev/tenant: support}
  annotations:
    gpuplane.dev/reachable-from: '[{"tenant": "search", "by": ["kubernetes-api"], "reason": "search debugs the shared index"}]'
---
apiVersion: v1
kind: Namespace
metadata: {name: search, labels: {gpuplane.dev/tenant: search}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: support}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: search}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: debuggers, namespace: support}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: indexer, namespace: search}]
"""),
    )
    FAILS = (
        Example("two policies that together lead from one tenant to another", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: v1
kind: Namespace
metadata: {name: search, labels: {gpuplane.dev/tenant: search}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: calls, namespace: search}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: support}}}], ports: [{port: 8080}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: called, namespace: support}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: search}}}]}]
""", "pods of namespace search connect to pods of namespace support on TCP 8080"),
        Example("rights of one tenant's people in another's namespace", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: v1
kind: Namespace
metadata: {name: search, labels: {gpuplane.dev/tenant: search}, annotations: {gpuplane.dev/groups: '["search-ml"]'}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: guests, namespace: support}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: search-ml}]
""", "Group search-ml may read"),
    )


def _message(objects: tuple[Maker, ...], edges: list[Edge], certain: bool) -> str:
    first, others = edges[0], edges[1:]
    ends = [edge.ends for edge in others[:_NAMED]]
    more = f"; likewise from {', '.join(ends)}{f' and {len(others) - _NAMED} more' if len(others) > _NAMED else ''}" if others else ""
    by = list(dict.fromkeys(str(each) for each in objects))
    made = ", ".join(by[:_MAKERS]) + (f" and {len(by) - _MAKERS} more" if len(by) > _MAKERS else "")
    return (f"From {first.ends} by {first.medium}: {first.sentence}{more}. Made by: {made}."
            f"{'' if certain else ' It cannot be excluded, for a part is only known after apply.'}")
