"""Tenants who all reach each other are one edge once they are many, and it stands for the same pairs as the edges one by one."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from gpuplane.delivery.isolation_json import edge_json, edges_from_json
from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability import Edge, Matrix, edges, matrix
from gpuplane.graph.resource_view import ResourceView
from gpuplane.policies.rules.isolation.undeclared_paths import UndeclaredPaths

SHARED = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: gateways}
spec: {gatewayClassName: envoy, listeners: [{name: all, port: 443, protocol: HTTPS, allowedRoutes: {namespaces: {from: All}}}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: looks}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: everybody-looks}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: looks}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:authenticated"}]
---
apiVersion: v1
kind: Namespace
metadata: {name: gateways}
---
apiVersion: v1
kind: Namespace
metadata: {name: monitoring}
"""
NAMESPACE = """
---
apiVersion: v1
kind: Namespace
metadata: {{name: {name}, labels: {{gpuplane.dev/tenant: {tenant}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: server, namespace: {name}}}
spec: {{{network}containers: [{{name: main, image: vllm, env: [{{name: REDIS_URL, value: "redis://cache.caches.svc:6379"}}]}}]}}
"""
BOUND = """
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: guests, namespace: {name}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: looks}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:authenticated"}}]
"""
POLICY = """
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: closed, namespace: {name}}}
spec: {{podSelector: {{}}, policyTypes: [Ingress, Egress]{opening}}}
"""
OPENINGS = ("", ", ingress: [{from: [{namespaceSelector: {}}]}]", ", egress: [{to: [{namespaceSelector: {}}], ports: [{port: 80}]}]",
            ", ingress: [{from: [{namespaceSelector: {matchLabels: {gpuplane.dev/tenant: t3}}}]}], egress: [{}]")


def objects(seed: int, tenants: int) -> tuple[ResourceView, ...]:
    """Tenants with one or two namespaces each, some of them closed, some with an opening, some bound to everybody."""
    chance, text = random.Random(seed), SHARED
    for number in range(tenants):
        for part in range(chance.choice([1, 1, 2])):
            name = f"t{number}-{part}"
            network = "hostNetwork: true, " if chance.random() < 0.1 else ""
            text += NAMESPACE.format(name=name, tenant=f"t{number}", network=network)
            text += BOUND.format(name=name) if chance.random() < 0.2 else ""
            text += POLICY.format(name=name, opening=chance.choice(OPENINGS)) if chance.random() < 0.3 else ""
    return tuple(views_of_text(text))


def ways(found: Matrix) -> Counter[tuple[object, ...]]:
    """Each way of each pair, whatever its words; of the platform's namespaces only that there is one."""
    said = Counter[tuple[object, ...]]()
    for edge in found.edges:
        for source, target in edge.pairs():
            if edge.between_tenants or edge.medium != "network":
                said[edge.medium, source, target, edge.certain, edge.refused] = 1
    return said


@pytest.mark.parametrize("seed", range(12))
def test_one_edge_for_all_stands_for_the_same_pairs(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    views = objects(seed, 14)
    monkeypatch.setattr(edges, "MOST_APART", 5)
    together = matrix(PlannedGraph(views))
    monkeypatch.setattr(edges, "MOST_APART", 1000)
    apart = matrix(PlannedGraph(views))

    assert ways(together) == ways(apart)
    assert len(together.edges) < len(apart.edges) / 2
    assert {ends for ends in apart._cells if ends[0].is_tenant and ends[1].is_tenant} == {
        ends for ends in together._cells if ends[0].is_tenant and ends[1].is_tenant}


def test_edges_grow_with_the_tenants_and_not_with_their_square() -> None:
    numbers = {count: len(matrix(PlannedGraph(_open(count))).edges) for count in (20, 40, 80)}

    assert numbers[80] - numbers[40] <= 2 * (numbers[40] - numbers[20]) + 4


def test_each_tenant_of_many_is_told_of_what_is_its_own() -> None:
    graph = PlannedGraph(_open(20))
    said = [finding for finding in UndeclaredPaths().check(graph) if finding.kind == "Namespace"]

    assert {finding.name for finding in said} == {f"t{number}-0" for number in range(20)}
    assert Counter("From any of 20 tenants to any other by network" in finding.message for finding in said)[True] == 20
    assert all(len(finding.message) < 700 for finding in said), "what makes it is not listed without end"


def test_many_tenants_come_back_from_json() -> None:
    found = matrix(PlannedGraph(_open(20)))

    assert edges_from_json({"isolation": {"edges": [edge_json(edge) for edge in found.edges]}}) == found.edges


def test_words_of_an_object_are_never_taken_for_a_pattern() -> None:
    claims = "".join(f"---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: files, namespace: t{each}-0}}\n"
                     "spec: {volumeName: 'files-{of}-{source}'}\n" for each in range(2))
    edge = next(edge for edge in matrix(PlannedGraph((*_open(2), *views_of_text(claims)))).refused if edge.medium == "volumes")

    assert edge.sentence == "both tenants mount PersistentVolume files-{of}-tenant t0"


def test_one_edge_is_allowed_once_every_pair_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edges, "MOST_APART", 2)

    def found(missing: bool) -> list[Edge]:
        text = ""
        for own in "abc":
            said = ", ".join(f'{{"tenant": "{other}", "by": ["network"], "reason": "one team"}}' for other in "abc"
                             if other != own and not (missing and own == "c" and other == "a"))
            text += (f"---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: {own}, labels: {{gpuplane.dev/tenant: {own}}}, "
                     f"annotations: {{gpuplane.dev/reachable-from: '[{said}]'}}}}\n")
        return [edge for edge in matrix(PlannedGraph(views_of_text(text))).edges if edge.between_tenants]

    assert [edge.refused for edge in found(missing=False)] == [False]
    assert [edge.refused for edge in found(missing=True)] == [True]


def _open(count: int) -> tuple[ResourceView, ...]:
    return tuple(views_of_text(SHARED + "".join(NAMESPACE.format(name=f"t{each}-0", tenant=f"t{each}", network="") for each in range(count))))
