"""AdminNetworkPolicy and ClusterNetworkPolicy: what they accept is open whatever NetworkPolicies close."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability.network import Net
from gpuplane.graph.reachability.network_borders import network_edges
from gpuplane.graph.reachability.ports import PROTOCOLS, Range
from gpuplane.graph.resource_view import ResourceView, Unknown

TENANTS = ("acme", "beta")
EVERY = tuple(sorted(Range(protocol) for protocol in PROTOCOLS))
ALL: dict[str, Any] = {"namespaces": {}}
BETA = {"namespaces": {"matchLabels": {"kubernetes.io/metadata.name": "beta"}}}
OPEN = {"action": "Allow", "from": [BETA]}


def graph(*policies: Mapping[str, Any]) -> PlannedGraph:
    """Two tenants, each closed by its own NetworkPolicy on the way in, and policies of the cluster."""
    objects = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"gpuplane.dev/tenant": name}}} for name in TENANTS]
    objects += [{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "closed", "namespace": name},
                 "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}} for name in TENANTS]
    return PlannedGraph(ResourceView(urn=f"{each['kind']} {each['metadata']}", api_version=each["apiVersion"], kind=each["kind"],
                                     name=each["metadata"]["name"], namespace=each["metadata"].get("namespace", ""), props=each)
                        for each in [*objects, *policies])


def admin(name: str = "p", kind: str = "AdminNetworkPolicy", **spec: Any) -> dict[str, Any]:
    version = "v1alpha1" if "Admin" in kind else "v1alpha2"
    return {"apiVersion": f"policy.networking.k8s.io/{version}", "kind": kind, "metadata": {"name": name},
            "spec": {"priority": 10, "subject": ALL, **spec}}


def into_acme(*policies: Mapping[str, Any]) -> tuple[Any, bool] | None:
    """Ports of the path from beta to acme and whether it is sure; None where there is none."""
    path = Net(graph(*policies)).paths().get(("beta", "acme"))
    return (tuple(sorted(path.ports)), path.certain) if path is not None else None


@pytest.mark.parametrize(("policies", "found"), [
    ([], None),
    ([admin(ingress=[OPEN])], (EVERY, True)),
    ([admin(subject={"pods": {"podSelector": {"matchLabels": {"app": "web"}}}}, ingress=[OPEN])], (EVERY, True)),
    ([admin(subject=BETA, ingress=[OPEN])], None),
    ([admin(ingress=[{"action": "Allow", "from": [{"pods": {"namespaceSelector": {}, "podSelector": {}}}]}])], (EVERY, True)),
    ([admin(ingress=[{**OPEN, "action": "Pass"}])], None),
    ([admin(ingress=[{**OPEN, "action": "Deny"}])], None),
    ([admin("first", ingress=[{**OPEN, "action": "Deny"}]), admin("second", ingress=[OPEN])], (EVERY, False)),
    ([admin(egress=[{"action": "Allow", "to": [ALL]}])], None),
    ([admin(kind="BaselineAdminNetworkPolicy", ingress=[OPEN])], None),
    ([admin(kind="ClusterNetworkPolicy", tier="Admin", ingress=[{**OPEN, "action": "Accept"}])], (EVERY, True)),
    ([admin(kind="ClusterNetworkPolicy", tier="Baseline", ingress=[{**OPEN, "action": "Accept"}])], None),
    ([admin(ingress=[Unknown("urn", "spec")])], (EVERY, False)),
    ([admin(ingress=Unknown("urn", "spec"))], (EVERY, False)),
    ([admin(ingress=[OPEN], subject=Unknown("urn", "spec"))], (EVERY, False)),
    ([admin(ingress=[{"action": "Allow", "from": [Unknown("urn", "spec")]}])], (EVERY, False))])
def test_what_a_cluster_accepts_is_open(policies: list[Mapping[str, Any]], found: tuple[Any, bool] | None) -> None:
    assert into_acme(*policies) == found


@pytest.mark.parametrize(("narrowed", "ports"), [
    ({"ports": [{"portNumber": {"protocol": "TCP", "port": 80}}]}, (Range("TCP", 80, 80),)),
    ({"ports": [{"portRange": {"protocol": "UDP", "start": 5, "end": 9}}]}, (Range("UDP", 5, 9),)),
    ({"ports": [{"namedPort": "metrics"}]}, EVERY),
    ({"protocols": [{"tcp": {"destinationPort": {"number": 443}}}]}, (Range("TCP", 443, 443),)),
    ({"protocols": [{"tcp": {"destinationPort": {"range": {"start": 1, "end": 9}}}}, {"udp": {}}]}, (Range("TCP", 1, 9), Range("UDP"))),
    ({"protocols": [{"destinationNamedPort": "metrics"}]}, EVERY)])
def test_ports_narrow_it(narrowed: Mapping[str, Any], ports: Any) -> None:
    path = into_acme(admin(ingress=[{**OPEN, **narrowed}]))

    assert path is not None
    assert path[0] == tuple(sorted(ports))


def test_what_it_opens_to_the_outside_is_seen() -> None:
    closed = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "out", "namespace": "acme"},
              "spec": {"podSelector": {}, "policyTypes": ["Egress"]}}
    opened = admin(egress=[{"action": "Allow", "to": [{"networks": ["203.0.113.0/24"]}]}])

    far = {str(edge.target) for edge in network_edges(graph(closed, opened)) if str(edge.source) == "tenant acme"}

    assert far == {"network 203.0.113.0/24"}
