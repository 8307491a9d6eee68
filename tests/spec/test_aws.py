"""The block ``aws``: what is given, what gpuplane creates, and what cannot be together. One valid block, changed in one place."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gpuplane.spec.aws import Aws
from gpuplane.spec.vpc import Vpc

BLOCK = """\
account_id: "111122223333"
region: eu-central-1
vpc:
  cidr: 10.40.0.0/16
  zones: [eu-central-1a, eu-central-1b]
  interface_endpoints: [sts]
eks:
  access:
    - role_arn: arn:aws:iam::111122223333:role/platform-admins
      policy: AmazonEKSClusterAdminPolicy
  addons:
    aws-ebs-csi-driver: v1.55.0-eksbuild.1
    coredns: v1.13.2-eksbuild.4
    eks-pod-identity-agent: v1.3.10-eksbuild.2
    kube-proxy: v1.36.0-eksbuild.2
    vpc-cni: v1.21.1-eksbuild.1
  system_nodes:
    instance_types: [m7i.xlarge]
    release_version: 1.36.3-20261104
model_buckets:
  name_prefix: example-prod-models
  publisher_role_arns: [arn:aws:iam::111122223333:role/publisher]
  s3_cidrs: [52.219.72.0/22]
"""
ALONE = """\
zones: [eu-central-1a, eu-central-1b, eu-central-1c]
  flow_log_days: 30"""
GIVEN = """\
account_id: "111122223333"
region: eu-central-1
subnet_ids: [subnet-0a1b2c3d]
node_role_arn: arn:aws:iam::111122223333:role/nodes
"""


def read(text: str) -> Aws:
    # Through JSON, as the loader does it: lists are tuples there.
    return Aws.model_validate_json(_json(yaml.safe_load(text)))


def _json(value: Any) -> str:
    import json

    return json.dumps(value)


@pytest.mark.parametrize(("old", "new"), [
    ("", ""),
    ("cidr: 10.40.0.0/16", "cidr: 172.16.0.0/20"),
    ("zones: [eu-central-1a, eu-central-1b]", ALONE),
    ("interface_endpoints: [sts]", "nat_gateways: none\n  interface_endpoints: [ec2, ecr.api, ecr.dkr, eks, eks-auth, sts]"),
    ("      policy: AmazonEKSClusterAdminPolicy", "      kubernetes_groups: [platform]"),
    ("      policy: AmazonEKSClusterAdminPolicy", "      policy: AmazonEKSViewPolicy\n      namespaces: [acme]"),
    ("eks:\n", "eks:\n  service_cidr: 172.20.0.0/16\n  public_access_cidrs: [198.51.100.0/24]\n  support: extended\n"),
], ids=["as it is", "the smallest network", "three zones", "no way out", "groups", "namespaces", "everything else"])
def test_good(old: str, new: str) -> None:
    assert read(BLOCK.replace(old, new)).eks is not None


def test_a_cluster_that_is_there_needs_subnets_and_a_role() -> None:
    assert read(GIVEN).eks is None


@pytest.mark.parametrize(("text", "old", "new", "message"), [
    (BLOCK, "cidr: 10.40.0.0/16", "cidr: 10.40.0.1/16", "has host bits set"),
    (BLOCK, "cidr: 10.40.0.0/16", "cidr: 8.8.0.0/16", "must be a private network between /16 and /20"),
    (BLOCK, "cidr: 10.40.0.0/16", "cidr: 10.40.0.0/24", "must be a private network between /16 and /20"),
    (BLOCK, "zones: [eu-central-1a, eu-central-1b]", "zones: [eu-central-1a]", "at least 2 items"),
    (BLOCK, "zones: [eu-central-1a, eu-central-1b]", "zones: [eu-central-1a, eu-west-1b]", "eu-west-1b are not zones of eu-central-1"),
    (BLOCK, "eks:\n", "  nat_gateways: none\neks:\n", "nodes cannot join: interface_endpoints lacks ec2, ecr.api, ecr.dkr, eks, eks-auth"),
    (BLOCK, "eks:\n", "subnet_ids: [subnet-0a1b2c3d]\neks:\n", "exactly one of subnet_ids, vpc is needed"),
    (BLOCK, "eks:\n", "node_role_arn: arn:aws:iam::111122223333:role/nodes\neks:\n", "exactly one of eks"),
    (GIVEN, "node_role_arn: arn:aws:iam::111122223333:role/nodes\n", "", "exactly one of eks"),
    (GIVEN, "subnet_ids: [subnet-0a1b2c3d]", "vpc: {cidr: 10.40.0.0/16, zones: [eu-central-1a, eu-central-1b]}", "it needs the block eks"),
    (BLOCK, "    coredns: v1.13.2-eksbuild.4\n", "", "missing: coredns"),
    (BLOCK, "v1.13.2-eksbuild.4", "latest", "should match pattern"),
    (BLOCK, "eks:\n", "eks:\n  public_access_cidrs: [0.0.0.0/0]\n", "opens the endpoint to everybody"),
    (BLOCK, "eks:\n", "eks:\n  service_cidr: 10.40.0.0/20\n", "overlaps with the network 10.40.0.0/16"),
    (BLOCK, "eks:\n", "eks:\n  service_cidr: 100.64.0.0/8\n", "not an IPv4 network"),
    (BLOCK, "      policy: AmazonEKSClusterAdminPolicy", "      kubernetes_groups: ['system:masters']", "EKS takes no group that begins with system:"),
    (BLOCK, "      policy: AmazonEKSClusterAdminPolicy", "      kubernetes_groups: [a]\n      namespaces: [b]", "namespaces are of a policy"),
    (BLOCK, "  addons:", "    - role_arn: arn:aws:iam::111122223333:role/platform-admins\n      policy: AmazonEKSViewPolicy\n  addons:",
     "a role has one entry"),
    (BLOCK, "    release_version", "    min_nodes: 5\n    release_version", "min_nodes 5 is more than max_nodes 4"),
    (BLOCK, "name_prefix: example-prod-models", "name_prefix: a-prefix-of-more-than-22-characters", "should match pattern"),
    (BLOCK, "[arn:aws:iam::111122223333:role/publisher]", "[]", "at least 1 item"),
])
def test_bad(text: str, old: str, new: str, message: str) -> None:
    assert old in text
    with pytest.raises(ValidationError, match=message.replace("(", r"\(")):
        read(text.replace(old, new))


@given(st.integers(16, 20), st.integers(0, 255), st.integers(2, 6))
def test_subnets_are_apart_and_inside_and_of_a_size_that_aws_takes(prefix: int, second: int, zones: int) -> None:
    network = IPv4Network(f"10.{second}.0.0/{prefix}")
    vpc = Vpc(cidr=str(network), zones=tuple(f"eu-central-1{letter}" for letter in "abcdef"[:zones]))
    subnets = [IPv4Network(cidr) for cidr in (*vpc.private_subnets.values(), *vpc.public_subnets.values())]

    assert len(subnets) == 2 * zones
    assert all(subnet.subnet_of(network) and 16 <= subnet.prefixlen <= 28 for subnet in subnets)  # Amazon VPC user guide, subnet sizing
    assert not any(one.overlaps(other) for index, one in enumerate(subnets) for other in subnets[index + 1:])


@given(st.integers(2, 5))
def test_a_zone_added_at_the_end_moves_no_subnet(zones: int) -> None:
    def of(count: int) -> Vpc:
        return Vpc(cidr="10.40.0.0/16", zones=tuple(f"eu-central-1{letter}" for letter in "abcdef"[:count]))

    assert of(zones).private_subnets.items() <= of(zones + 1).private_subnets.items()
    assert of(zones).public_subnets.items() <= of(zones + 1).public_subnets.items()


@pytest.mark.parametrize(("region", "partition"), [("eu-central-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_partition(region: str, partition: str) -> None:
    assert read(GIVEN.replace("eu-central-1", region)).partition == partition


def test_every_kind_of_error_of_the_spec_says_what_to_do() -> None:
    import re
    from pathlib import Path

    from gpuplane.spec import explain

    folder = Path(explain.__file__).parent
    kinds = {kind for file in folder.glob("*.py") for kind in re.findall(r'PydanticCustomError\(\s*"([a-z_]+)"', file.read_text())}
    assert kinds - explain.REMEDIES.keys() == set()
