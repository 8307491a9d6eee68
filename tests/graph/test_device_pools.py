"""Capacity, price and sharing, from whatever describes the nodes; and where pods land."""

import json
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.instances import Instance
from gpuplane.catalog.prices import PriceRow
from gpuplane.graph.device_pools import DevicePool, device_pools
from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.placement import pool_of
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import pod_templates
from gpuplane.graph.resource_view import ResourceView

DAY = date(2026, 11, 1)
CATALOG = Catalog(
    gpus=MappingProxyType({}),
    instances=MappingProxyType({"p5": Instance("p5", 8, "H100", "H100", 96, 1024, "s", DAY), "g6": Instance("g6", 1, "L4", "L4", 8, 32, "s", DAY)}),
    prices=MappingProxyType({(name, "here", offer): PriceRow(name, "here", offer, Decimal(price), "s", DAY) for name, offer, price in
                             (("p5", "on_demand", 50), ("g6", "on_demand", 2), ("g6", "spot_average", 1))}))


def group(**changes: Any) -> ResourceView:
    props = {"instanceTypes": ["p5"], "capacityType": "ON_DEMAND", "region": "here", "labels": {"gpuplane.dev/pool": "h100"},
             "scalingConfig": {"minSize": 0, "maxSize": 2, "desiredSize": 0}, **changes}
    return ResourceView(urn="urn:group", type="aws:eks/nodeGroup:NodeGroup", kind="NodeGroup", name="h100", props=props)


def flavor(annotations: dict[str, str] | None = None, labels: str = "{gpuplane.dev/pool: h100}") -> str:
    return ("apiVersion: kueue.x-k8s.io/v1beta2\nkind: ResourceFlavor\n"
            f"metadata: {{name: h100, annotations: {json.dumps(annotations or {})}}}\nspec: {{nodeLabels: {labels}}}\n---\n")


SAID = {"gpuplane.dev/devices-per-node": '{"nvidia.com/gpu": 4}', "gpuplane.dev/max-nodes": "3", "gpuplane.dev/usd-per-node-hour": "7.5",
        "gpuplane.dev/sharing": "dedicated"}


def pools(text: str, *views: ResourceView) -> dict[str, DevicePool]:
    return {pool.name: pool for pool in device_pools(PlannedGraph([*views_of_text(text), *views]), CATALOG)}


def test_existing_nodes_are_what_the_flavor_says() -> None:
    pool = pools(flavor(SAID))["h100"]

    assert (pool.max_nodes, pool.capacity("nvidia.com/gpu"), pool.capacity("nvidia.com/mig-1g.5gb")) == (3, 12, 0)
    assert (pool.usd_per_node_hour, pool.sharing) == (Decimal("7.5"), "dedicated")


def test_a_node_group_is_believed_before_the_flavor() -> None:
    pool = pools(flavor({**SAID, "gpuplane.dev/usd-per-node-hour": "1"}), group())["h100"]

    assert (pool.max_nodes, dict(pool.devices_per_node)) == (2, {"nvidia.com/gpu": 8})
    assert pool.usd_per_node_hour == Decimal(50)
    assert "p5 in here" in pool.price_basis


@pytest.mark.parametrize(("changes", "price"), [
    ({"instanceTypes": ["g6"]}, "2"), ({"instanceTypes": ["g6"], "capacityType": "SPOT"}, "1.2"), ({"instanceTypes": ["g6", "p5"]}, "50"),
    ({"instanceTypes": ["g6", "zz"]}, None), ({"region": "there"}, None), ({"capacityType": "SPOT"}, None), ({"instanceTypes": []}, None)])
def test_the_dearest_node_counts_and_an_unknown_price_stays_unknown(changes: dict[str, Any], price: str | None) -> None:
    assert pools(flavor(), group(**changes))["h100"].usd_per_node_hour == (None if price is None else Decimal(price))


def test_of_several_instance_types_the_fewest_gpus_count() -> None:
    assert pools(flavor(), group(instanceTypes=["p5", "g6"]))["h100"].capacity("nvidia.com/gpu") == 2


def test_a_flavor_that_nothing_describes_has_no_capacity_and_no_price() -> None:
    pool = pools(flavor())["h100"]

    assert (pool.capacity("nvidia.com/gpu"), pool.usd_per_node_hour, pool.sharing) == (None, None, None)


def test_nodes_that_are_listed_add_up() -> None:
    nodes = "".join(f"apiVersion: v1\nkind: Node\nmetadata: {{name: n{count}, labels: {{gpuplane.dev/pool: h100}}}}\n"
                    f"status: {{allocatable: {{nvidia.com/gpu: '{count}'}}}}\n---\n" for count in (8, 8, 4))
    pool = pools(flavor() + nodes)["h100"]

    assert pool.capacity("nvidia.com/gpu") == 20
    assert list(pools(flavor() + nodes)) == ["h100"]


def test_karpenters_limit_is_a_capacity() -> None:
    text = flavor() + """
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: gpu}
spec:
  limits: {nvidia.com/gpu: "16"}
  template:
    metadata: {labels: {gpuplane.dev/pool: h100}}
    spec:
      requirements:
        - {key: node.kubernetes.io/instance-type, operator: In, values: [p5, g6]}
        - {key: topology.kubernetes.io/region, operator: In, values: [here]}
"""
    pool = pools(text)["h100"]

    assert (pool.max_nodes, pool.capacity("nvidia.com/gpu"), pool.usd_per_node_hour) == (None, 16, Decimal(50))


def test_nodes_behind_no_flavor_are_pools_of_their_own() -> None:
    found = pools("", group(labels={}))

    assert [(pool.name, pool.capacity("nvidia.com/gpu")) for pool in found.values()] == [("h100", 16)]


def release(plugin: dict[str, str], mig: str = "", default: str = "whole") -> ResourceView:
    values: dict[str, Any] = {"devicePlugin": {"config": {"data": plugin, "default": default}}}
    if mig:
        values["migManager"] = {"config": {"data": {"config.yaml": mig}}}
    return ResourceView(urn="urn:release", type="kubernetes:helm.sh/v3:Release", kind="Release", name="gpu-operator", props={"values": values})


SLICED = "version: v1\nsharing: {timeSlicing: {resources: [{name: nvidia.com/gpu, replicas: 4}]}}\n"
LAYOUT = "version: v1\nmig-configs: {mix: [{devices: all, mig-enabled: true, mig-devices: {1g.10gb: 4, 3g.40gb: 1}}]}\n"


def test_a_time_slicing_config_multiplies_and_is_told() -> None:
    pool = pools(flavor(SAID), group(labels={"gpuplane.dev/pool": "h100", "nvidia.com/device-plugin.config": "four"}),
                 release({"four": SLICED}))["h100"]

    assert (pool.capacity("nvidia.com/gpu"), pool.sharing) == (64, "time-slicing")


def test_the_default_config_holds_for_nodes_without_a_label() -> None:
    assert pools(flavor(SAID), group(), release({"four": SLICED}, default="four"))["h100"].sharing == "time-slicing"


def test_a_mig_layout_makes_the_devices() -> None:
    pool = pools(flavor(SAID), group(labels={"gpuplane.dev/pool": "h100", "nvidia.com/mig.config": "mix"}), release({}, LAYOUT))["h100"]

    assert dict(pool.devices_per_node) == {"nvidia.com/mig-1g.10gb": 32, "nvidia.com/mig-3g.40gb": 8}
    assert pool.sharing == "mig"
    assert pool.node_share("nvidia.com/mig-3g.40gb") == Decimal(3) / (32 + 24)


def test_a_layout_that_is_not_there_is_not_guessed() -> None:
    pool = pools(flavor(SAID), group(labels={"gpuplane.dev/pool": "h100", "nvidia.com/mig.config": "other"}), release({}, LAYOUT))["h100"]

    assert (pool.sharing, pool.capacity("nvidia.com/gpu")) == ("unresolved", None)


@pytest.mark.parametrize("said", ["{", "[]", '{"nvidia.com/gpu": "8"}', '{"nvidia.com/gpu": -1}', ""])
def test_an_annotation_that_says_nonsense_says_nothing(said: str) -> None:
    assert dict(pools(flavor({**SAID, "gpuplane.dev/devices-per-node": said}))["h100"].devices_per_node) == {}


@pytest.mark.parametrize("said", ["free", "-1", "NaN", ""])
def test_a_price_that_is_no_price_is_unknown(said: str) -> None:
    assert pools(flavor({**SAID, "gpuplane.dev/usd-per-node-hour": said}))["h100"].usd_per_node_hour is None


LANDS = {
    "{}": "dear", "{pool: cheap}": "cheap", "{pool: dear}": "dear", "{pool: none}": None, "{zone: a}": "dear",
}


@pytest.mark.parametrize(("selector", "name"), LANDS.items(), ids=LANDS)
def test_a_pod_lands_where_its_selector_lets_it_and_on_the_dearest_of_several(selector: str, name: str | None) -> None:
    text = "".join(f"apiVersion: kueue.x-k8s.io/v1beta2\nkind: ResourceFlavor\nmetadata: {{name: {pool}, annotations: "
                   f"{json.dumps({**SAID, 'gpuplane.dev/usd-per-node-hour': price})}}}\nspec: {{nodeLabels: {{pool: {pool}}}}}\n---\n"
                   for pool, price in (("cheap", "1"), ("dear", "9")))
    (pod,) = views_of_text("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {nodeSelector: " + selector
                           + ", containers: [{name: c, resources: {limits: {nvidia.com/gpu: 1}}}]}\n")

    found = pool_of(pod_templates(pod)[0], list(pools(text).values()))

    assert (found.name if found is not None else None) == name


def test_a_pod_lands_only_where_its_device_is() -> None:
    (pod,) = views_of_text("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
                           "spec: {containers: [{name: c, resources: {limits: {nvidia.com/mig-1g.5gb: 1}}}]}\n")

    assert pool_of(pod_templates(pod)[0], list(pools(flavor(SAID)).values())) is None
