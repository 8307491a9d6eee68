"""An environment whose cluster gpuplane creates: what is registered, in which order, and what AWS's own service models say about it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from gpuplane.catalog import default_catalog
from gpuplane.components.eks_cluster import node_role_name
from gpuplane.components.iam import ROLE_NAME_LENGTH, role_name
from gpuplane.components.system_nodes import SystemNodes, SystemNodesArgs
from gpuplane.delivery.offline_engine import render
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning import plan
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.karpenter_nodes import Ami, KarpenterNodes, SecurityGroups
from gpuplane.spec.loader import load_environment
from gpuplane.spec.platform_services import EfaDevicePlugin, Karpenter
from gpuplane.spec.vocabulary import KARPENTER_DISCOVERY
from tests.components.aws_api import OPERATIONS
from tests.components.recorded import one, record
from tests.spec.test_aws import BLOCK, read

ROOT = Path(__file__).resolve().parents[2]
NETWORK = ("ec2/vpc", "ec2/subnet", "ec2/route", "ec2/natGateway", "ec2/vpcEndpoint")


def _spec() -> EnvironmentSpec:
    spec = load_environment(ROOT / "environments", "prod")
    document = spec.environment
    settings = document.spec.model_copy(update={
        "aws": read(BLOCK), "karpenter": Karpenter(install="release", version="1.14.1"),
        "efa_device_plugin": EfaDevicePlugin(install="release", version="v0.5.30")})
    return replace(spec, environment=document.model_copy(update={"spec": settings}))


@pytest.fixture(scope="module")
def views() -> list[ResourceView]:
    spec = _spec()
    return render(spec, plan(spec, default_catalog(), date(2026, 11, 21)))


def _aws(views: list[ResourceView], kind: str) -> dict[str, ResourceView]:
    return {view.name: view for view in views if view.type.startswith("aws:") and view.kind == kind}


def test_the_apis_take_every_argument(views: list[ResourceView]) -> None:
    mine = [view for view in views if view.type.startswith("aws:") and view.kind in OPERATIONS]

    assert {view.kind for view in mine} == set(OPERATIONS)
    assert [f"{view.kind} {view.name} {problem}" for view in mine for problem in OPERATIONS[view.kind].judge(view)] == []


def test_every_kind_is_in_the_table(views: list[ResourceView]) -> None:
    assert {view.kind for view in views if view.type.startswith("aws:")} - set(OPERATIONS) == {"LaunchTemplate", "Tag"}  # judged with the node pools


@pytest.mark.parametrize(("kind", "argument", "value"), [
    ("Cluster", "upgradePolicy", {"supportType": "FOR_EVER"}), ("Cluster", "versionn", "1.36"), ("Addon", "addonVersion", 3),
    ("Vpc", "cidrBlok", "10.0.0.0/8"), ("BucketVersioning", "versioningConfiguration", {"status": "On"}),
    ("AccessEntry", "kubernetesGroups", "platform"), ("Key", "policies", "{}"), ("VpcEndpoint", "vpcEndpointType", "Wormhole"),
])
def test_the_judge_would_see_a_wrong_argument(views: list[ResourceView], kind: str, argument: str, value: object) -> None:
    view = next(view for view in views if view.type.startswith("aws:") and view.kind == kind)

    assert OPERATIONS[kind].judge(replace(view, props={**view.props, argument: value}))


def test_the_cluster_is_closed_encrypted_and_audited(views: list[ResourceView]) -> None:
    props = _aws(views, "Cluster")["prod"].props

    assert (props["vpcConfig"]["endpointPublicAccess"], props["vpcConfig"]["endpointPrivateAccess"]) == (False, True)
    assert props["encryptionConfig"]["resources"] == ["secrets"]
    assert "audit" in props["enabledClusterLogTypes"]
    assert props["accessConfig"]["authenticationMode"] == "API"
    assert props["deletionProtection"] is True
    assert _aws(views, "LogGroup")["prod-control-plane"].props["retentionInDays"] == 365


def test_network_policies_are_enforced(views: list[ResourceView]) -> None:
    assert json.loads(_aws(views, "Addon")["vpc-cni"].props["configurationValues"]) == {"enableNetworkPolicy": "true"}


def test_nodes_come_after_the_add_ons_they_need_and_dns_comes_after_nodes(views: list[ResourceView]) -> None:
    def before(view: ResourceView) -> str:
        return " ".join(sorted(view.dependencies))

    groups, addons = _aws(views, "NodeGroup"), _aws(views, "Addon")
    assert addons["vpc-cni"].urn in before(groups["system"])
    assert addons["vpc-cni"].urn in before(groups["a100"])
    assert groups["system"].urn in before(addons["coredns"])
    assert addons["coredns"].urn not in before(groups["system"])


def test_each_tenants_bucket_is_read_by_its_own_role_and_written_by_publishers(views: list[ResourceView]) -> None:
    policies = _aws(views, "BucketPolicy")
    assert set(policies) == {"research", "search", "support"}
    for tenant, view in policies.items():
        statements = {statement["Sid"]: statement for statement in json.loads(view.props["policy"])["Statement"]}
        readers = statements["Readers"]["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]
        assert readers == [f"arn:aws:iam::111122223333:role/prod-{tenant}-models", "arn:aws:iam::111122223333:role/publisher"]
        assert statements["Writers"]["Condition"]["ArnNotEquals"]["aws:PrincipalArn"] == ["arn:aws:iam::111122223333:role/publisher"]
        assert statements["EncryptedTransport"]["Effect"] == "Deny"


def test_each_tenants_role_is_for_its_own_model_servers_and_its_own_bucket(views: list[ResourceView]) -> None:
    for tenant in ("research", "search", "support"):
        trust = json.loads(_aws(views, "Role")[f"prod-{tenant}-models"].props["assumeRolePolicy"])["Statement"][0]
        assert trust["Principal"] == {"Service": "pods.eks.amazonaws.com"}
        assert trust["Condition"]["StringEquals"] == {
            "aws:SourceAccount": "111122223333", "aws:RequestTag/eks-cluster-name": "prod",
            "aws:RequestTag/kubernetes-namespace": tenant, "aws:RequestTag/kubernetes-service-account": "model-server"}
        allowed = json.loads(_aws(views, "RolePolicy")[f"prod-{tenant}-models"].props["policy"])["Statement"]
        buckets = {arn for statement in allowed for arn in statement["Resource"] if ":s3:::" in arn}
        assert buckets == {f"arn:aws:s3:::example-prod-models-{tenant}", f"arn:aws:s3:::example-prod-models-{tenant}/*"}
        association = _aws(views, "PodIdentityAssociation")[tenant].props
        assert (association["namespace"], association["serviceAccount"]) == (tenant, "model-server")


def test_buckets_are_private_encrypted_versioned_and_outlive_the_program(views: list[ResourceView]) -> None:
    for tenant in ("research", "search", "support"):
        block = _aws(views, "BucketPublicAccessBlock")[tenant].props
        assert all(block[key] is True for key in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"))
        encryption = _aws(views, "BucketServerSideEncryptionConfiguration")[tenant].props["rules"][0]
        assert encryption["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms"
        assert _aws(views, "BucketVersioning")[tenant].props["versioningConfiguration"] == {"status": "Enabled"}
        assert _aws(views, "Bucket")[tenant].props["forceDestroy"] is False
        assert _aws(views, "Bucket")[tenant].props["tags"]["gpuplane.dev/data-classification"]


@pytest.mark.parametrize("text", ["prod-support-models", "x" * 64, f"{'c' * 40}-{'t' * 40}-models"])
def test_role_names_fit(text: str) -> None:
    assert len(role_name(text)) <= ROLE_NAME_LENGTH
    assert role_name(text) != role_name(text + "x")


def test_volumes_are_encrypted_and_one_class_is_the_default(views: list[ResourceView]) -> None:
    classes = [view.props for view in views if view.kind == "StorageClass"]

    assert [props["parameters"]["encrypted"] for props in classes] == ["true", "true"]
    assert [props["metadata"]["name"] for props in classes if props["metadata"].get("annotations")] == ["gpuplane-gp3"]


def test_karpenters_nodes_find_the_network_and_the_role_that_come_with_the_cluster() -> None:
    spec = _spec()
    pool = spec.pools["l40s"]
    nodes = KarpenterNodes(instance_types=("g6e.4xlarge",), max_nodes=8, ami=Ami(alias="al2023@v20261104"),
                           security_groups=SecurityGroups(tags={KARPENTER_DISCOVERY: "prod"}))
    started = pool.model_copy(update={"spec": pool.spec.model_copy(update={"eks_managed_node_group": None, "karpenter": nodes})})
    spec = replace(spec, pools={**spec.pools, "l40s": started})
    node_class = next(view for view in render(spec, plan(spec, default_catalog(), date(2026, 11, 21))) if view.kind == "EC2NodeClass")

    assert node_class.props["spec"]["subnetSelectorTerms"] == [{"tags": {KARPENTER_DISCOVERY: spec.environment.spec.cluster.name}}]
    assert node_class.props["spec"]["role"] == node_role_name(spec.environment.spec.cluster.name)


def test_system_nodes_of_bottlerocket_keep_images_on_its_second_volume() -> None:
    args = SystemNodesArgs("prod", "arn:aws:iam::111122223333:role/nodes", ["subnet-0a"], "eu-central-1", ("m7i.xlarge",),
                           "BOTTLEROCKET_x86_64", "1.52.0-5fbd9ad3", 2, 4, disk_gib=80)
    disks = one(record(lambda: SystemNodes("system", args)), "LaunchTemplate").props["blockDeviceMappings"]

    assert {disk["deviceName"]: disk["ebs"]["volumeSize"] for disk in disks} == {"/dev/xvda": 4, "/dev/xvdb": 80}


def test_karpenter_is_an_identity_of_its_own_account_and_passes_on_no_role_but_that_of_the_nodes(views: list[ResourceView]) -> None:
    role = _aws(views, "Role")["prod-karpenter"].props
    policy = next(view.props for view in views if view.type.endswith(":RolePolicy") and view.props["name"] == "gpuplane"
                  and "ec2:RunInstances" in view.props["policy"])
    allowed = {one["Sid"]: one for one in json.loads(policy["policy"])["Statement"]}

    assert '"aws:RequestTag/kubernetes-service-account": "karpenter"' in role["assumeRolePolicy"]
    assert allowed["NodeRole"]["Resource"] == f"arn:aws:iam::111122223333:role/{node_role_name('prod')}"
    assert [sid for sid, one in allowed.items() if "iam:PassRole" in one["Action"]] == ["NodeRole"]
    for sid in ("Start", "End", "Templates", "TagAtStart", "TagLater"):
        assert "kubernetes.io/cluster/prod" in json.dumps(allowed[sid]["Condition"]), sid
    assert [sid for sid, one in allowed.items() if one["Resource"] == "*" and "Condition" not in one] == ["ListProfiles", "Prices"]


def test_aws_warns_karpenter_in_its_queue(views: list[ResourceView]) -> None:
    targets = {view.props["arn"] for view in views if view.type.endswith(":EventTarget")}
    patterns = {json.loads(view.props["eventPattern"])["detail-type"][0] for view in views if view.type.endswith(":EventRule")}
    release = next(view for view in views if view.type.endswith("Release") and view.name == "karpenter")

    assert targets == {"arn:aws:sqs:eu-central-1:111122223333:prod"}
    assert {"EC2 Spot Instance Interruption Warning", "EC2 Instance State-change Notification"} < patterns
    assert release.props["values"]["settings"] == {"clusterName": "prod", "interruptionQueue": "prod"}
    assert release.props["values"]["serviceAccount"] == {"name": "karpenter"}
