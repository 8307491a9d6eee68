"""JSON in a text that is nested more deeply than Python reads breaks no rule and no look-up of a report."""

from datetime import date

import pytest

from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability import matrix
from gpuplane.policies.registry import all_rules, judge

DEEP = "[" * 50_000
OBJECTS = {
    "a dashboard": "{apiVersion: v1, kind: ConfigMap, metadata: {name: d, namespace: a, labels: {grafana_dashboard: '1'}}, data: {d.json: '%s'}}",
    "nodes": "{apiVersion: kueue.x-k8s.io/v1beta2, kind: ResourceFlavor, metadata: {name: h100, annotations: {gpuplane.dev/devices-per-node: '%s'}}}",
    "paths": "{apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {gpuplane.dev/tenant: a}, annotations: {gpuplane.dev/reachable-from: '%s'}}}",
}


@pytest.mark.parametrize("what", OBJECTS)
def test_a_text_that_is_nested_too_deeply_is_as_good_as_no_json(what: str) -> None:
    graph = PlannedGraph(views_of_text(OBJECTS[what] % DEEP)).on(date(2026, 11, 21))

    found = judge(graph, (), date(2026, 11, 21), all_rules())

    assert [finding.message for finding in found.findings if "broke" in finding.message] == []
    matrix(graph)
