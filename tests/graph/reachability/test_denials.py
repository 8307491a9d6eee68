"""Cilium's deny rules beyond the pods: what they keep from addresses outside and from the nodes' metadata."""

from __future__ import annotations

from typing import Any

import pytest

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability.barriers import Barrier, still_open
from gpuplane.graph.reachability.labels import EVERYTHING, Demand, demand
from gpuplane.graph.reachability.network_borders import network_edges
from gpuplane.graph.reachability.ports import EVERY, Range, minus
from gpuplane.graph.resource_view import ResourceView

METADATA = "169.254.169.254/32"
ANY = (frozenset[Demand](), frozenset[Demand]())


def edges(**spec: Any) -> set[str]:
    """Far ends of acme's pods with one policy for all of them."""
    policy = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "p", "namespace": "acme"},
              "spec": {"endpointSelector": {}, **spec}}
    objects = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "acme", "labels": {"gpuplane.dev/tenant": "acme"}}}, policy]
    graph = PlannedGraph(ResourceView(urn=each["kind"], api_version=each["apiVersion"], kind=each["kind"], name=each["metadata"]["name"],
                                      namespace=each["metadata"].get("namespace", ""), props=each) for each in objects)
    return {str(edge.target) for edge in network_edges(graph) if str(edge.source) == "tenant acme"}


@pytest.mark.parametrize(("spec", "far"), [
    ({}, {"every address", "instance metadata"}),
    ({"egress": [{"toCIDR": ["0.0.0.0/0"]}]}, {"every address", "instance metadata"}),
    ({"egress": [{"toCIDR": ["0.0.0.0/0"]}], "egressDeny": [{"toCIDR": [METADATA]}]}, {"every address"}),
    ({"egress": [{"toCIDR": ["0.0.0.0/0"]}], "egressDeny": [{"toCIDR": ["169.254.0.0/16"]}]}, {"every address"}),
    ({"egress": [{"toCIDR": ["0.0.0.0/0"]}], "egressDeny": [{"toEntities": ["world"]}]}, set()),
    ({"egress": [{"toCIDR": ["0.0.0.0/0"]}], "egressDeny": [{"toCIDR": [METADATA], "toPorts": [{"ports": [{"port": "443"}]}]}]},
     {"every address", "instance metadata"}),
    ({"egress": [{"toCIDR": ["10.0.0.0/8"]}], "egressDeny": [{"toCIDR": ["10.1.0.0/16"]}]}, {"network 10.0.0.0/8"}),
    ({"egress": []}, {"every address", "instance metadata"}), ({"egress": [{}]}, set())])
def test_addresses_that_are_denied_are_not_reached(spec: dict[str, Any], far: set[str]) -> None:
    assert edges(**spec) == far


def test_a_barrier_is_passed_by_either_end_or_by_a_port() -> None:
    web, plain = demand({"matchLabels": {"app": "web"}}), (Range("TCP", 80),)
    assert still_open(ANY, ANY, EVERY, [Barrier(EVERYTHING, EVERYTHING, plain)], surely=True) == minus(EVERY, plain)
    assert still_open(ANY, ANY, plain, [Barrier(web, EVERYTHING, EVERY)], surely=True) == plain
    assert still_open(ANY, (frozenset({web}), frozenset()), plain, [Barrier(EVERYTHING, web, EVERY)], surely=False) == ()
    assert still_open(ANY, ANY, plain, [Barrier(EVERYTHING, EVERYTHING, EVERY, sure=False)], surely=False) == plain
    assert still_open(ANY, ANY, plain, [Barrier(EVERYTHING, EVERYTHING, EVERY, sure=False)], surely=True) == ()
    assert still_open(ANY, ANY, plain, [Barrier(Demand(unknown=True), EVERYTHING, EVERY)], surely=False) == plain


def test_ports_are_taken_out_of_ranges() -> None:
    assert minus((Range("TCP", 1, 100),), (Range("TCP", 10, 20), Range("UDP"))) == (Range("TCP", 1, 9), Range("TCP", 21, 100))
    assert minus(EVERY, EVERY) == ()
