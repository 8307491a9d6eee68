"""The node group's arguments, judged by the AWS APIs' own service models (botocore)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import botocore.session
import pulumi
import pytest
from botocore.validate import ParamValidator

from gpuplane.components.eks_node_pool import EKS_TAINT_EFFECTS, EksNodePool, EksNodePoolArgs
from gpuplane.components.gpu_quotas import TaintArgs
from gpuplane.graph.resource_view import ResourceView, Unknown
from tests.components.recorded import one, record

POOL = EksNodePoolArgs(
    pool="h100", cluster_name="platform", node_role_arn="arn:aws:iam::111122223333:role/nodes", subnet_ids=("subnet-0b", "subnet-0a"),
    region="eu-west-1", instance_type="p5.48xlarge", ami_type="AL2023_x86_64_NVIDIA", release_version="1.36.3-20261104",
    min_nodes=0, max_nodes=4, taints=(TaintArgs("nvidia.com/gpu", "present", "NoSchedule"),), labels={"nvidia.com/mig.config": "h100"})

NODEGROUP_NAMES = {"nodegroupName": "nodeGroupName", "nodeRole": "nodeRoleArn", "subnets": "subnetIds"}
"""EKS API name to the name pulumi-aws gives it; all others are the same."""
PULUMI_ONLY = {"region"}
"""Arguments that pulumi-aws adds: since version 7 the region is an argument of each resource."""


@cache
def _shape(service: str, operation: str) -> Any:
    return botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape


def _known(value: Any) -> Any:
    if isinstance(value, Unknown):
        return "known-after-apply"
    if isinstance(value, dict):
        return {key: _known(item) for key, item in value.items()}
    return [_known(item) for item in value] if isinstance(value, list) else value


def _problems(shape: Any, value: Any, path: str = "") -> list[str]:
    """What the service model has against a value: types and bounds by botocore, and unknown members and enums, which it skips."""
    found = [] if path else [ParamValidator().validate(value, shape).generate_report()]
    if shape.type_name == "structure":
        found += [f"{path}.{key}: no such member" for key in value if key not in shape.members]
        found += [problem for key in value if key in shape.members for problem in _problems(shape.members[key], value[key], f"{path}.{key}")]
    elif shape.type_name == "list":
        found += [problem for item in value for problem in _problems(shape.member, item, f"{path}[]")]
    elif getattr(shape, "enum", None) and value not in shape.enum:
        found.append(f"{path}: {value} is not one of {shape.enum}")
    return [problem for problem in found if problem]


def _views(args: EksNodePoolArgs) -> list[ResourceView]:
    return record(lambda: EksNodePool(args.pool, args))


def _node_group(args: EksNodePoolArgs) -> dict[str, Any]:
    props = _known(dict(one(_views(args), "NodeGroup").props))
    back = {pulumi_name: api for api, pulumi_name in NODEGROUP_NAMES.items()}
    return {back.get(key, key): value for key, value in props.items() if key not in PULUMI_ONLY}


@pytest.mark.parametrize("args", [
    POOL, replace(POOL, capacity_type="spot"), replace(POOL, ami_type="BOTTLEROCKET_x86_64_NVIDIA", taints=()),
    replace(POOL, taints=tuple(TaintArgs("k", "v", effect) for effect in EKS_TAINT_EFFECTS)),
], ids=["on-demand", "spot", "bottlerocket", "all-taints"])
def test_the_eks_api_takes_the_node_group(args: EksNodePoolArgs) -> None:
    assert _problems(_shape("eks", "CreateNodegroup"), _node_group(args)) == []


def test_the_judge_would_see_a_wrong_argument() -> None:
    wrong = {**_node_group(POOL), "capacityType": "LEASED", "instanceTypez": []}

    problems = "\n".join(_problems(_shape("eks", "CreateNodegroup"), wrong))

    assert "LEASED" in problems
    assert "instanceTypez" in problems


def test_the_ec2_api_takes_the_launch_template() -> None:
    props = one(_views(POOL), "LaunchTemplate").props
    ebs = props["blockDeviceMappings"][0]["ebs"]
    flags = {"true": True, "false": False}  # pulumi-aws types these two as text
    api = {"LaunchTemplateName": props["name"], "LaunchTemplateData": {
        "BlockDeviceMappings": [{"DeviceName": props["blockDeviceMappings"][0]["deviceName"], "Ebs": {
            "VolumeSize": ebs["volumeSize"], "VolumeType": ebs["volumeType"], "Encrypted": flags[ebs["encrypted"]],
            "DeleteOnTermination": flags[ebs["deleteOnTermination"]]}}],
        "MetadataOptions": {key[0].upper() + key[1:]: value for key, value in props["metadataOptions"].items()},
        "TagSpecifications": [{"ResourceType": one["resourceType"], "Tags": [{"Key": key, "Value": value} for key, value in one["tags"].items()]}
                              for one in props["tagSpecifications"]]}}

    assert _problems(_shape("ec2", "CreateLaunchTemplate"), api) == []
    assert api["LaunchTemplateData"]["MetadataOptions"]["HttpTokens"] == "required"
    assert api["LaunchTemplateData"]["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True


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
