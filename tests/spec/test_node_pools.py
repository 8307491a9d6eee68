"""Node-pool documents that cannot be: one field wrong at a time, with the field and the words of the error."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gpuplane.spec.eks_managed_node_group import EksManagedNodeGroup
from gpuplane.spec.existing_nodes import ExistingNodes
from gpuplane.spec.karpenter_nodes import KarpenterNodes
from gpuplane.spec.node_pool import NodePoolSpec

SUBNET, EFA = ("subnet-0123456789abcdef0",), {"security_group_ids": ("sg-0123456789abcdef0",)}
HELD = {"reservation_id": "cr-0123456789abcdef0", "nodes": 2}
BLOCK = {**HELD, "starts": "2026-08-10", "ends": "2026-08-20", "upfront_usd": 7200}
EKS: dict[str, Any] = {"instance_type": "p5.48xlarge", "release_version": "1.36.3-20261104", "max_nodes": 2}
KARPENTER: dict[str, Any] = {
    "instance_types": ("p5.48xlarge",), "max_nodes": 2, "ami": {"alias": "al2023@v20261104"},
    "security_groups": {"ids": ("sg-0123456789abcdef0",)}}
TPU = {"machine_type": "ct5lp-hightpu-4t", "topology": "2x2", "slices": 1, "vcpus_per_node": 112, "memory_gib_per_node": 192}
RACK = {"node_selector": {"rack": "a"}, "max_nodes": 2, "gpus_per_node": 8, "vcpus_per_node": 96, "memory_gib_per_node": 1024,
        "usd_per_node_hour": 20, "price_source": "asset ledger"}

GROUPS: dict[str, tuple[dict[str, Any], str]] = {
    "a type given twice": ({"other_instance_types": ("p5.48xlarge",)}, "an instance type is given twice"),
    "EFA in several zones": ({"efa": EFA}, "a placement group of EFA nodes lies in one zone"),
    "a Bottlerocket release for AL2023": (
        {"release_version": "1.52.0-5fbd9ad3"}, "1.52.0-5fbd9ad3 is no release of AL2023_x86_64_NVIDIA, which are written like 1.36.3-20261104"),
    "a block that ends before it starts": (
        {"capacity_block": {**BLOCK, "ends": "2026-08-10"}, "subnet_ids": SUBNET}, "ends on 2026-08-10, which is not after 2026-08-10"),
    "a block in several zones": ({"capacity_block": BLOCK}, "capacity_block lies in one zone"),
    "more nodes than the block holds": (
        {"capacity_block": BLOCK, "subnet_ids": SUBNET, "max_nodes": 3}, "max_nodes 3 is more than the 2 that capacity_block holds"),
    "nodes outside the block's days": (
        {"capacity_block": BLOCK, "subnet_ids": SUBNET, "min_nodes": 1}, "outside the days of its capacity_block no node can run"),
    "a block of spot": ({"capacity_block": BLOCK, "subnet_ids": SUBNET, "capacity_type": "spot"}, "spot is not in it"),
    "a block of several types": (
        {"capacity_block": BLOCK, "subnet_ids": SUBNET, "other_instance_types": ("p5e.48xlarge",)}, "capacity_block holds one instance type"),
    "a block and a reservation": (
        {"capacity_block": BLOCK, "capacity_reservation": HELD, "subnet_ids": SUBNET}, "in a capacity_block or in a capacity_reservation"),
    "a reserved price in a block": (
        {"capacity_block": BLOCK, "subnet_ids": SUBNET, "reserved": {"nodes": 1, "term": "1y"}}, "a reservation covers on-demand nodes"),
    "two ways to say unavailable": (
        {"update": {"max_unavailable": 1, "max_unavailable_percent": 50}}, "give max_unavailable or max_unavailable_percent, not both"),
    "a key that is none": ({"disk_kms_key_arn": "alias/ebs"}, "String should match pattern"),
}
POOLS: dict[str, tuple[dict[str, Any], str]] = {
    "the newest image": ({"ami": {"alias": "al2023@latest"}}, "String should match pattern"),
    "an image without its family": ({"ami": {"id": "ami-0123456789abcdef0"}}, "id and family belong together"),
    "two images": ({"ami": {"id": "ami-0123456789abcdef0", "alias": "al2023@v20261104", "family": "AL2023"}}, "exactly one of alias, id"),
    "no security group": ({"security_groups": {}}, "exactly one of ids, tags"),
    "one placement group in many zones": ({"efa": {"placement_group": "near"}}, "lies in one zone"),
    "a window without its length": ({"disruption_budgets": ({"nodes": "0", "schedule": "@daily"},)}, "schedule and hours belong together"),
    "a budget that is no number": ({"disruption_budgets": ({"nodes": "some"},)}, "String should match pattern"),
    "more static nodes than nodes": ({"static_nodes": 3}, "static_nodes 3 is more than max_nodes 2"),
    "a weight of static nodes": ({"static_nodes": 1, "weight": 5}, "weight chooses between pools for a pod"),
    "reserved without a reservation": ({"capacity_types": ("reserved",)}, "reserved and capacity_reservations belong together"),
    "more than is reserved": (
        {"capacity_types": ("reserved",), "capacity_reservations": ({**HELD, "nodes": 1},)}, "max_nodes 2 is more than the 1 that"),
    "a capacity type given twice": ({"capacity_types": ("spot", "spot")}, "capacity_types names one of them twice"),
}
DOCUMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "no GPU": ({"karpenter": KARPENTER}, "name the GPU of the nodes"),
    "a GPU of TPU nodes": ({"gpu": "L4-24GB", "tpu": TPU}, "TPU nodes have no GPU"),
    "shared TPU chips": ({"tpu": TPU, "sharing": {"mps": {"replicas": 2}}}, "TPU chips are not shared"),
    "two sources": ({"gpu": "L4-24GB", "karpenter": KARPENTER, "eks_managed_node_group": EKS}, "exactly one of eks_managed_node_group, karpenter"),
    "labels for nodes that are there": ({"gpu": "L4-24GB", "existing_nodes": RACK, "labels": {"a": "b"}}, "labels are for nodes that gpuplane"),
    "two ways of sharing": (
        {"gpu": "L4-24GB", "existing_nodes": RACK, "sharing": {"mps": {"replicas": 2}, "time_slicing": {"replicas": 2}}}, "exactly one of mig"),
    "a topology that is none": ({"tpu": {**TPU, "topology": "4"}}, "String should match pattern"),
}


@pytest.mark.parametrize(("change", "words"), GROUPS.values(), ids=GROUPS)
def test_a_node_group_that_cannot_be(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words.replace("(", r"\(")):
        EksManagedNodeGroup(**{**EKS, **change})


@pytest.mark.parametrize(("change", "words"), POOLS.values(), ids=POOLS)
def test_a_karpenter_pool_that_cannot_be(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        KarpenterNodes(**{**KARPENTER, **change})


@pytest.mark.parametrize(("spec", "words"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_pool_that_cannot_be(spec: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        NodePoolSpec(**spec)


def test_zones_of_existing_nodes_have_all_of_them() -> None:
    with pytest.raises(ValidationError, match="the zones have 3 nodes, but max_nodes is 2"):
        ExistingNodes(**{**RACK, "zones": {"a": 1, "b": 2}})  # type: ignore[arg-type]


def test_an_image_says_which_driver_table_to_ask() -> None:
    assert EksManagedNodeGroup(**EKS).image("1.36") == ("AL2023_x86_64_NVIDIA", "1.36.3-20261104")
    assert KarpenterNodes(**KARPENTER).image("1.36") == ("AL2023_x86_64_NVIDIA", "1.36.0-20261104")
    assert KarpenterNodes(**{**KARPENTER, "ami": {"alias": "bottlerocket@v1.52.0"}}).image("1.36") is None


def test_tpu_nodes_bear_gkes_own_taint_once() -> None:
    spec = NodePoolSpec(tpu=TPU, taints=({"key": "google.com/tpu", "value": "present"}, {"key": "team", "value": "ml"}))

    assert [(taint.key, taint.value, taint.effect) for taint in spec.node_taints] == [
        ("google.com/tpu", "present", "NoSchedule"), ("team", "ml", "NoSchedule")]
