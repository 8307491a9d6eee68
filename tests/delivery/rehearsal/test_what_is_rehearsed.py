"""What of an environment is applied, what is left out and why, and the nodes that stand in for its pools."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gpuplane.delivery.rehearsal.applied import rehearsable
from gpuplane.delivery.rehearsal.control_plane import is_harmless
from gpuplane.delivery.rehearsal.fake_nodes import POOL, ZONE, lost, nodes_of_pool, running_nodes
from gpuplane.delivery.rehearsal.marks import LABEL, LOST_TAINT, marked
from gpuplane.delivery.rehearsal.room import room_for
from gpuplane.graph.resource_view import ResourceView, Unknown
from tests.planning.wish import EXISTING, Wish, valid

SERVED = {("v1", "Namespace"), ("v1", "ConfigMap")}


def _view(kind: str, name: str, namespace: str = "", **props: Any) -> ResourceView:
    return ResourceView(f"urn:{kind}:{name}", f"kubernetes:core/v1:{kind}", "v1", kind, namespace, name,
                        {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **props})


def _in_zones() -> Wish:
    wish = valid()
    return wish.pool("h100", "H100-SXM-80GB", existing_nodes={**EXISTING, "max_nodes": 3, "zones": {"east": 2, "west": 1}})


def test_everything_that_is_not_applied_is_named_with_its_reason() -> None:
    views = [
        _view("ConfigMap", "a", "acme"), _view("Namespace", "acme"), _view("Gateway", "g"), _view("ConfigMap", "b", "acme", data={"x": Unknown("u", "p")}),
        _view("ConfigMap", "c", "acme", data={"x": "<known after apply: p of u>"}),
        replace(_view("NodeGroup", "n"), api_version="", type="aws:eks/nodeGroup:NodeGroup"),
        replace(_view("Release", "r"), api_version="", type="kubernetes:helm.sh/v3:Release"),
        replace(_view("Tenant", "t"), custom=False, type="gpuplane:index:Tenant")]

    found = rehearsable(views, SERVED)

    assert [[str(view) for view in wave] for wave in found.waves] == [["Namespace acme"], ["ConfigMap acme/a"]]
    assert {one.what: one.why for one in found.left_out} == {
        "ConfigMap (2)": "a part of it is only known after apply, or secret", "Gateway (1)": "the cluster has no such kind",
        "NodeGroup (1)": "made by the cloud, which is not there",
        "Release (1)": "charts are not installed; the cluster brings their controllers or goes without"}


def test_a_namespace_that_a_chart_would_make_is_made() -> None:
    assert rehearsable([_view("ConfigMap", "a", "gateways")], SERVED).namespaces == ("gateways",)


def test_nodes_have_what_the_plan_leaves_to_models_and_stand_in_its_zones() -> None:
    wish = _in_zones()
    spec, plan = wish.spec(), wish.plan()
    nodes = nodes_of_pool(spec, plan, "h100", "prod")

    assert sorted(node["metadata"]["labels"][ZONE] for node in nodes) == ["east", "east", "west"]
    assert {node["metadata"]["labels"][POOL] for node in nodes} == {"h100"}
    assert {node["metadata"]["labels"][LABEL] for node in nodes} == {"prod"}
    left = plan.pools["h100"].allocatable
    assert nodes[0]["status"]["allocatable"]["cpu"] == f"{left.cpu_millicores}m"
    assert nodes[0]["status"]["allocatable"]["nvidia.com/gpu"] == "8"
    assert running_nodes(plan, "h100") <= len(nodes)


def test_a_lost_node_keeps_its_own_taints() -> None:
    own = [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]

    assert lost(own, True)["spec"] == {"unschedulable": True, "taints": [*own, {"key": LOST_TAINT, "effect": "NoExecute"}]}
    assert lost(own, False)["spec"] == {"unschedulable": None, "taints": own}
    assert lost([], False)["spec"]["taints"] is None


@pytest.mark.parametrize(("nodes", "verdict"), [
    ({"east": 2, "west": 1}, "always"), ({"west": 1}, "not packable"), ({}, "not packable"), ({"east": 0, "west": 0}, "not packable")])
def test_room_is_reckoned_on_the_nodes_that_are_left(nodes: dict[str, int], verdict: str) -> None:
    wish = _in_zones()

    assert room_for(wish.spec(), wish.plan(), "h100", {"acme/chat": 4, "acme/embed": 6}, nodes) == verdict
    assert room_for(wish.spec(), wish.plan(), "h100", {}, nodes) == "always"


@pytest.mark.parametrize(("metadata", "spec", "harmless"), [
    ({"annotations": {"kwok.x-k8s.io/node": "fake"}}, {}, True), ({}, {"providerID": "kind://docker/x/x-control-plane"}, True),
    ({}, {"providerID": "aws:///eu-central-1a/i-0123456789abcdef0"}, False), ({}, {}, False), ({"annotations": {"kwok.x-k8s.io/node": "no"}}, None, False)])
def test_only_fake_nodes_and_those_of_kind_may_be_there(metadata: dict[str, Any], spec: dict[str, Any] | None, harmless: bool) -> None:
    assert is_harmless({"metadata": metadata, "spec": spec}) is harmless


def test_the_mark_leaves_the_planned_object_as_it_is() -> None:
    body = {"kind": "ConfigMap", "metadata": {"name": "a", "labels": {"x": "y"}}}

    assert marked(body, "prod")["metadata"]["labels"] == {"x": "y", LABEL: "prod"}
    assert body["metadata"] == {"name": "a", "labels": {"x": "y"}}
