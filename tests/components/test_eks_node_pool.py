"""The node group's arguments, judged by the AWS APIs' own service models (botocore)."""

from __future__ import annotations

import base64
import email
import tomllib
from dataclasses import replace
from typing import Any

import pulumi
import pytest
import yaml

from gpuplane.components.eks_node_pool import EKS_TAINT_EFFECTS, EksNodePool, EksNodePoolArgs, NodeRepairArgs, NodeUpdateArgs
from gpuplane.components.gpu_quotas import TaintArgs
from gpuplane.components.launch_template import NodeTemplateArgs
from gpuplane.graph.resource_view import ResourceView, Unknown
from tests.components.aws_api import known, problems, shape
from tests.components.recorded import one, record

POOL = EksNodePoolArgs(
    pool="h100", cluster_name="platform", node_role_arn="arn:aws:iam::111122223333:role/nodes", subnet_ids=("subnet-0b", "subnet-0a"),
    region="eu-west-1", instance_types=("p5.48xlarge",), ami_type="AL2023_x86_64_NVIDIA", release_version="1.36.3-20261104",
    min_nodes=0, max_nodes=4, taints=(TaintArgs("nvidia.com/gpu", "present", "NoSchedule"),), labels={"nvidia.com/mig.config": "h100"},
    resources={"nvidia.com/mig-1g.10gb": 56, "vpc.amazonaws.com/efa": 0}, tags={"app.kubernetes.io/managed-by": "gpuplane"})
RESERVATION = "cr-0123456789abcdef0"
GROUPS: dict[str, EksNodePoolArgs] = {
    "on demand": POOL,
    "spot, several types": replace(POOL, capacity_type="spot", instance_types=("p5.48xlarge", "p5e.48xlarge")),
    "Bottlerocket": replace(POOL, ami_type="BOTTLEROCKET_x86_64_NVIDIA", release_version="1.52.0-5fbd9ad3", taints=(),
                            node=NodeTemplateArgs(bottlerocket=True, max_pods=50, shutdown_grace_seconds=60)),
    "all taints": replace(POOL, taints=tuple(TaintArgs("k", "v", effect) for effect in EKS_TAINT_EFFECTS)),
    "EFA": replace(POOL, node=NodeTemplateArgs(efa_interfaces=32, security_group_ids=("sg-0a",), max_pods=100)),
    "capacity block": replace(POOL, capacity_type="capacity_block", node=NodeTemplateArgs(
        capacity_reservation_id=RESERVATION, capacity_block=True, instance_type="p5.48xlarge")),
    "capacity reservation": replace(POOL, node=NodeTemplateArgs(capacity_reservation_id=RESERVATION)),
    "own key": replace(POOL, node=NodeTemplateArgs(disk_kms_key_arn="arn:aws:kms:eu-west-1:111122223333:key/1")),
    "updates and repair": replace(POOL, update=NodeUpdateArgs(None, 25, "minimal", True), repair=NodeRepairArgs(30, 2)),
}
OPERATIONS = {
    ("aws:eks/nodeGroup:NodeGroup", "eks", "CreateNodegroup"): {
        "nodeGroupName": "nodegroupName", "nodeRoleArn": "nodeRole", "subnetIds": "subnets"},
    ("aws:ec2/launchTemplate:LaunchTemplate", "ec2", "CreateLaunchTemplate"): {
        "name": "LaunchTemplateName", **{name: f"LaunchTemplateData.{name[0].upper()}{name[1:]}" for name in (
            "blockDeviceMappings", "metadataOptions", "tagSpecifications", "userData", "networkInterfaces", "placement", "instanceType",
            "capacityReservationSpecification", "instanceMarketOptions")}},
    ("aws:ec2/placementGroup:PlacementGroup", "ec2", "CreatePlacementGroup"): {"name": "GroupName", "strategy": "Strategy"},
}
"""Type token, service and operation, and argument of pulumi-aws to the member of the operation; arguments that are not here have the same name."""
PULUMI_ONLY: dict[str, dict[str, type]] = {
    "NodeGroup": {"region": str, "forceUpdateVersion": bool},
    "LaunchTemplate": {"region": str, "updateDefaultVersion": bool, "tags": dict},
    "PlacementGroup": {"region": str, "tags": dict},
}
"""Arguments that pulumi-aws adds, with their types: the region of each resource (since version 7), tags of the resource itself, the default version of
a template, and what EKS takes in UpdateNodegroupVersion (``force``)."""
RENAMED = {"NetworkInterfaces": {"SecurityGroups": "Groups"}, "Ebs": {}}
"""Members of launch template data whose name pulumi-aws changes, by the structure they are in."""


def _views(args: EksNodePoolArgs) -> list[ResourceView]:
    return record(lambda: EksNodePool(args.pool, args))


def _api(args: EksNodePoolArgs, kind: str) -> tuple[Any, dict[str, Any]]:
    """A resource's arguments as the operation's shape has them; arguments that pulumi-aws adds are checked by type and left out."""
    view = one(_views(args), kind)
    (_, service, operation), names = next((key, table) for key, table in OPERATIONS.items() if key[0] == view.type)
    found: dict[str, Any] = {}
    for key, value in known(dict(view.props)).items():
        if key in PULUMI_ONLY[kind]:
            assert isinstance(value, PULUMI_ONLY[kind][key]), key
            continue
        *above, last = names.get(key, key).split(".")
        at = found
        for step in above:
            at = at.setdefault(step, {})
        at[last] = _pascal(value, last) if service == "ec2" else value
    return shape(service, operation), found


def _pascal(value: Any, within: str) -> Any:
    """Names of the EC2 API: initials are capitals, tags a list; pulumi-aws types a few flags as text."""
    if isinstance(value, dict) and within == "Tags":
        return [{"Key": key, "Value": text} for key, text in value.items()]
    if isinstance(value, dict):
        pairs = {RENAMED.get(within, {}).get(key := name[0].upper() + name[1:], key): (key, item) for name, item in value.items()}
        return {name: _pascal(item, key) for name, (key, item) in pairs.items()}
    if isinstance(value, list):
        return [_pascal(item, within) for item in value]
    return {"true": True, "false": False}.get(value, value) if within in ("Encrypted", "DeleteOnTermination") else value


@pytest.mark.parametrize("args", GROUPS.values(), ids=GROUPS)
@pytest.mark.parametrize("kind", ["NodeGroup", "LaunchTemplate"])
def test_the_api_takes_what_the_component_sets(args: EksNodePoolArgs, kind: str) -> None:
    assert problems(*_api(args, kind)) == []


def test_the_ec2_api_takes_the_placement_group() -> None:
    shape, api = _api(GROUPS["EFA"], "PlacementGroup")

    assert problems(shape, api) == []
    assert api == {"GroupName": "platform-h100", "Strategy": "cluster"}


def test_the_api_takes_the_autoscalers_tags() -> None:
    tags = [view.props for view in _views(POOL) if view.kind == "Tag"]
    api = {"Tags": [{"Key": tag["tag"]["key"], "Value": tag["tag"]["value"], "PropagateAtLaunch": tag["tag"]["propagateAtLaunch"],
                     "ResourceId": "asg", "ResourceType": "auto-scaling-group"} for tag in tags]}

    assert problems(shape("autoscaling", "CreateOrUpdateTags"), api) == []
    assert {each["Key"].removeprefix("k8s.io/cluster-autoscaler/node-template/"): each["Value"] for each in api["Tags"]} == {
        "label/gpuplane.dev/pool": "h100", "label/nvidia.com/mig.config": "h100", "taint/nvidia.com/gpu": "present:NoSchedule",
        "resources/nvidia.com/mig-1g.10gb": "56"}
    assert all(isinstance(tag["autoscalingGroupName"], Unknown) for tag in tags)


@pytest.mark.parametrize(("key", "value", "said"), [
    ("capacityType", "LEASED", "LEASED is not one of"), ("instanceTypez", [], "instanceTypez: no such member"),
    ("updateConfig", {"updateStrategy": "FAST"}, "FAST is not one of"), ("scalingConfig", {"minSize": "none"}, "Invalid type"),
])
def test_the_judge_would_see_a_wrong_argument(key: str, value: Any, said: str) -> None:
    shape, api = _api(POOL, "NodeGroup")

    assert said in "\n".join(problems(shape, {**api, key: value}))


def _template(args: EksNodePoolArgs) -> dict[str, Any]:
    return dict(known(dict(one(_views(args), "LaunchTemplate").props)))


def test_a_node_keeps_its_identity_and_its_disk_is_encrypted() -> None:
    found = _template(GROUPS["own key"])

    assert found["metadataOptions"] == {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1}
    assert found["blockDeviceMappings"] == [{"deviceName": "/dev/xvda", "ebs": {
        "volumeSize": 200, "volumeType": "gp3", "encrypted": "true", "deleteOnTermination": "true",
        "kmsKeyId": "arn:aws:kms:eu-west-1:111122223333:key/1"}}]


def test_every_network_card_has_an_efa_interface_and_the_nodes_are_close() -> None:
    found = _template(GROUPS["EFA"])
    cards = found["networkInterfaces"]

    assert [(card["networkCardIndex"], card["deviceIndex"], card["interfaceType"]) for card in cards] == [
        (0, 0, "efa"), *((card, 1, "efa-only") for card in range(1, 32))]
    assert {tuple(card["securityGroups"]) for card in cards} == {("sg-0a",)}
    assert found["placement"] == {"groupName": "known-after-apply"} or found["placement"] == {"groupName": "platform-h100"}
    assert "networkInterfaces" not in _template(POOL)
    assert not [view for view in _views(POOL) if view.kind == "PlacementGroup"]


def test_a_capacity_block_names_type_market_and_reservation_in_the_template() -> None:
    found, group = _template(GROUPS["capacity block"]), _api(GROUPS["capacity block"], "NodeGroup")[1]

    assert found["instanceMarketOptions"] == {"marketType": "capacity-block"}
    assert found["capacityReservationSpecification"] == {"capacityReservationTarget": {"capacityReservationId": RESERVATION}}
    assert (found["instanceType"], group["capacityType"], "instanceTypes" in group) == ("p5.48xlarge", "CAPACITY_BLOCK", False)


def test_bottlerocket_keeps_images_on_its_second_volume_and_reads_toml() -> None:
    found = _template(GROUPS["Bottlerocket"])

    assert [(disk["deviceName"], disk["ebs"]["volumeSize"]) for disk in found["blockDeviceMappings"]] == [("/dev/xvda", 4), ("/dev/xvdb", 200)]
    assert tomllib.loads(base64.b64decode(found["userData"]).decode()) == {"settings": {"kubernetes": {
        "max-pods": 50, "shutdown-grace-period": "60s", "shutdown-grace-period-for-critical-pods": "10s"}}}


def test_amazon_linux_reads_a_node_config() -> None:
    parts = email.message_from_bytes(base64.b64decode(_template(GROUPS["EFA"])["userData"])).get_payload()

    assert [part.get_content_type() for part in parts] == ["application/node.eks.aws"]
    assert yaml.safe_load(parts[0].get_payload()) == {"apiVersion": "node.eks.aws/v1alpha1", "kind": "NodeConfig",
                                                      "spec": {"kubelet": {"config": {"maxPods": 100}}}}
    assert "userData" not in _template(POOL)


def test_updates_and_repair_are_as_they_are_asked_for() -> None:
    plain, careful = _api(POOL, "NodeGroup")[1], one(_views(GROUPS["updates and repair"]), "NodeGroup").props

    assert plain["updateConfig"] == {"maxUnavailable": 1}
    assert "nodeRepairConfig" not in plain
    assert careful["updateConfig"] == {"maxUnavailablePercentage": 25, "updateStrategy": "MINIMAL"}
    assert careful["forceUpdateVersion"] is True
    assert careful["nodeRepairConfig"] == {
        "enabled": True, "maxUnhealthyNodeThresholdPercentage": 30, "maxParallelNodesRepairedCount": 2}


def test_nodes_bear_the_label_that_their_flavor_selects() -> None:
    labels = one(_views(POOL), "NodeGroup").props["labels"]

    assert labels == {"gpuplane.dev/pool": "h100", "nvidia.com/mig.config": "h100"}


def test_what_the_template_will_be_called_is_unknown_and_not_made_up() -> None:
    template = one(_views(POOL), "NodeGroup").props["launchTemplate"]

    assert isinstance(template["id"], Unknown)
    assert "LaunchTemplate" in template["id"].urn
    with pytest.raises(TypeError, match="unknown before apply"):
        bool(template["id"])


def test_the_component_gives_its_arn_to_other_programs() -> None:
    found: list[pulumi.Output[str]] = []
    record(lambda: found.append(EksNodePool("h100", POOL).node_group_arn))

    assert isinstance(found[0], pulumi.Output)
