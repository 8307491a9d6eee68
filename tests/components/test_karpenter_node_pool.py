"""Karpenter's two objects: what each argument changes in them, and that a node keeps its identity and its disk."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gpuplane.components.gpu_quotas import TaintArgs
from gpuplane.components.karpenter_node_pool import (
    BudgetArgs,
    KarpenterNodePool,
    KarpenterNodePoolArgs,
    NodeClassArgs,
    node_class_manifest,
    node_pool_manifest,
)
from tests.components.recorded import one, record

NODE = NodeClassArgs(role="gpu-nodes", ami={"alias": "al2023@v20261104"}, subnets=({"id": "subnet-0a"}, {"id": "subnet-0b"}),
                     security_groups=({"tags": {"karpenter.sh/discovery": "prod"}},))
POOL = KarpenterNodePoolArgs(
    pool="h100", node=NODE, instance_types=("p5.48xlarge", "p5e.48xlarge"), region="eu-west-1", max_nodes=4, gpus_per_node=8,
    vcpus_per_node=192, taints=(TaintArgs("nvidia.com/gpu", "present", "NoSchedule"),), source="node-pools/h100.yaml")


def requirements(args: KarpenterNodePoolArgs) -> dict[str, Any]:
    found = node_pool_manifest(args)["spec"]["template"]["spec"]["requirements"]
    assert {each["operator"] for each in found} == {"In"}
    return {each["key"]: each["values"] for each in found}


def test_the_pool_waits_for_its_node_class_and_names_it() -> None:
    views = record(lambda: KarpenterNodePool("h100", POOL))
    pool, node_class = one(views, "NodePool"), one(views, "EC2NodeClass")

    assert pool.props["spec"]["template"]["spec"]["nodeClassRef"] == {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "h100"}
    assert node_class.urn in pool.dependencies
    assert pool.props["metadata"]["annotations"] == {"gpuplane.dev/source": "node-pools/h100.yaml"}


def test_a_pool_is_limited_by_gpus_and_cpu() -> None:
    assert node_pool_manifest(POOL)["spec"]["limits"] == {"nvidia.com/gpu": "32", "cpu": "768"}


def test_static_nodes_are_limited_by_number_alone_and_have_no_weight() -> None:
    spec = node_pool_manifest(replace(POOL, static_nodes=2))["spec"]

    assert (spec["replicas"], spec["limits"]) == (2, {"nodes": "4"})
    assert "weight" not in spec
    assert node_pool_manifest(replace(POOL, weight=10))["spec"]["weight"] == 10


def test_requirements_say_types_purchase_region_and_zones() -> None:
    assert requirements(POOL) == {
        "node.kubernetes.io/instance-type": ["p5.48xlarge", "p5e.48xlarge"], "karpenter.sh/capacity-type": ["on-demand"],
        "topology.kubernetes.io/region": ["eu-west-1"]}
    assert requirements(replace(POOL, capacity_types=("reserved", "spot", "on_demand"), zones=("eu-west-1b", "eu-west-1a"))) == {
        **requirements(POOL), "karpenter.sh/capacity-type": ["reserved", "spot", "on-demand"],
        "topology.kubernetes.io/zone": ["eu-west-1a", "eu-west-1b"]}


def test_nodes_end_when_they_are_asked_to() -> None:
    plain = node_pool_manifest(POOL)["spec"]
    said = node_pool_manifest(replace(
        POOL, consolidate_when="WhenEmptyOrUnderutilized", consolidate_after_seconds=60, expire_after_hours=720, termination_grace_seconds=900,
        budgets=(BudgetArgs("0", "0 7 * * mon-fri", 12, ("Underutilized",)), BudgetArgs("10%"))))["spec"]

    assert plain["disruption"] == {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "600s"}
    assert plain["template"]["spec"]["expireAfter"] == "Never"
    assert "terminationGracePeriod" not in plain["template"]["spec"]
    assert said["disruption"] == {"consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": "60s", "budgets": [
        {"nodes": "0", "schedule": "0 7 * * mon-fri", "duration": "12h", "reasons": ["Underutilized"]}, {"nodes": "10%"}]}
    assert (said["template"]["spec"]["expireAfter"], said["template"]["spec"]["terminationGracePeriod"]) == ("720h", "900s")


def test_labels_and_taints_reach_the_nodes() -> None:
    template = node_pool_manifest(replace(POOL, labels={"nvidia.com/device-plugin.config": "h100"}))["spec"]["template"]

    assert template["metadata"] == {"labels": {"gpuplane.dev/pool": "h100", "nvidia.com/device-plugin.config": "h100"}}
    assert template["spec"]["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]


def test_a_node_keeps_its_identity_and_its_disk_is_encrypted() -> None:
    spec = node_class_manifest(POOL)["spec"]

    assert spec == {
        "role": "gpu-nodes", "amiSelectorTerms": [{"alias": "al2023@v20261104"}],
        "subnetSelectorTerms": [{"id": "subnet-0a"}, {"id": "subnet-0b"}],
        "securityGroupSelectorTerms": [{"tags": {"karpenter.sh/discovery": "prod"}}],
        "blockDeviceMappings": [{"deviceName": "/dev/xvda", "rootVolume": True, "ebs": {
            "volumeSize": "200Gi", "volumeType": "gp3", "encrypted": True, "deleteOnTermination": True}}],
        "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1}}


def test_what_is_said_of_a_node_is_in_its_class() -> None:
    node = replace(NODE, ami={"id": "ami-0123456789abcdef0"}, ami_family="Bottlerocket", bottlerocket=True, disk_gib=500, max_pods=60,
                   disk_kms_key_arn="arn:aws:kms:eu-west-1:111122223333:key/1", instance_store="RAID0",
                   capacity_reservation_ids=("cr-0b", "cr-0a"), tags={"team": "ml"})
    spec = node_class_manifest(replace(POOL, node=node))["spec"]

    assert (spec["amiFamily"], spec["amiSelectorTerms"], spec["instanceStorePolicy"], spec["kubelet"], spec["tags"]) == (
        "Bottlerocket", [{"id": "ami-0123456789abcdef0"}], "RAID0", {"maxPods": 60}, {"team": "ml"})
    assert spec["capacityReservationSelectorTerms"] == [{"id": "cr-0a"}, {"id": "cr-0b"}]
    assert [(disk["deviceName"], disk["rootVolume"], disk["ebs"]["volumeSize"]) for disk in spec["blockDeviceMappings"]] == [
        ("/dev/xvda", False, "4Gi"), ("/dev/xvdb", True, "500Gi")]
    assert {disk["ebs"]["kmsKeyID"] for disk in spec["blockDeviceMappings"]} == {"arn:aws:kms:eu-west-1:111122223333:key/1"}


def test_every_network_card_has_an_efa_interface_and_the_first_the_nodes_address() -> None:
    spec = node_class_manifest(replace(POOL, node=replace(NODE, efa_interfaces=3, placement_group="near")))["spec"]

    assert [(each["networkCardIndex"], each["deviceIndex"], each["interfaceType"]) for each in spec["networkInterfaces"]] == [
        (0, 0, "interface"), (0, 1, "efa-only"), (1, 0, "efa-only"), (2, 0, "efa-only")]
    assert spec["placementGroupSelector"] == {"name": "near"}
