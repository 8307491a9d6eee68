"""A folder that holds a part of a platform is not accused of what the rest of it holds."""

import itertools
from pathlib import Path

import pytest
import yaml

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.policies.registry import all_rules

OBJECTS = tuple(yaml.safe_load_all(Path(__file__).with_name("platform.yaml").read_text()))
RULES = [rule for rule in all_rules() if rule.id.startswith("WI-")]
PARTS = {
    "routes": ("HTTPRoute", "AIGatewayRoute"),
    "gateways": ("Gateway",),
    "models": ("InferenceService",),
    "queues of a tenant": ("LocalQueue", "InferenceService"),
    "queues of the platform": ("ClusterQueue", "ResourceFlavor"),
    "autoscaling": ("ScaledObject",),
    "alerts and dashboards": ("PrometheusRule", "ConfigMap"),
    "monitors": ("PodMonitor",),
    "borders": ("NetworkPolicy", "Namespace"),
    "secrets": ("ExternalSecret", "SecretStore", "ServiceAccount"),
    "pools without their servers": ("InferencePool", "HTTPRoute"),
    "nodes": ("NodePool",),
}


def _messages(objects: list[dict[str, object]]) -> list[str]:
    views = [ResourceView(urn=f"#{number}", api_version=item["apiVersion"], kind=item["kind"], name=item["metadata"]["name"],  # type: ignore
                          namespace=item["metadata"].get("namespace", ""), props=item) for number, item in enumerate(objects)]  # type: ignore
    return [finding.message for rule in RULES for finding in rule.check(PlannedGraph(views))]


@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_part_of_the_platform_alone_has_no_finding(part: str) -> None:
    assert _messages([item for item in OBJECTS if item["kind"] in PARTS[part]]) == []


PAIRS = tuple(itertools.combinations(("ClusterQueue", "Gateway", "NodePool", "PrometheusRule", "ScaledObject"), 2))


@pytest.mark.parametrize("kinds", PAIRS)
def test_two_kinds_of_different_owners_have_no_finding(kinds: tuple[str, str]) -> None:
    assert _messages([item for item in OBJECTS if item["kind"] in kinds]) == []


def test_each_object_alone_has_no_finding() -> None:
    # Rules that record series and read others of the same name space are expected to stand together.
    alone = [item for item in OBJECTS if item["kind"] != "PrometheusRule"]

    assert [message for item in alone for message in _messages([item])] == []


def test_an_unseen_maker_of_objects_makes_no_claim_about_its_namespace() -> None:
    release = {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"name": "x", "namespace": "support"}}
    without = [item for item in OBJECTS if (item["kind"], item["metadata"]["name"]) != ("InferencePool", "coder")]

    assert _messages([*without, release]) == []
