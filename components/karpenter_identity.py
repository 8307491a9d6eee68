"""What Karpenter is in AWS: a role that its service account alone can take, and the queue in which AWS warns of nodes that will end.

The permissions are those of Karpenter's own template at v1.14.1 (``getting-started-with-karpenter/cloudformation.yaml``): it starts, tags
and ends instances that bear the cluster's tag, and passes on the one role of the nodes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from gpuplane.components.iam import AwsPlace, Statement, document
from gpuplane.components.kubernetes_object import child_options
from gpuplane.components.pod_identity import PodIdentity, PodIdentityArgs

NAMESPACE = "kube-system"
SERVICE_ACCOUNT = "karpenter"
WARNINGS: Mapping[str, tuple[str, str]] = {
    "health": ("aws.health", "AWS Health Event"), "spot": ("aws.ec2", "EC2 Spot Instance Interruption Warning"),
    "rebalance": ("aws.ec2", "EC2 Instance Rebalance Recommendation"), "state": ("aws.ec2", "EC2 Instance State-change Notification"),
    "reservation": ("aws.ec2", "EC2 Capacity Reservation Instance Interruption Warning")}
"""EventBridge events that end nodes, by a short name: source and detail type."""
RETENTION_SECONDS = 300
_STARTED = ("fleet", "instance", "volume", "network-interface", "launch-template", "spot-instances-request")
_READ = ("CapacityReservations", "Images", "Instances", "InstanceStatus", "InstanceTypeOfferings", "InstanceTypes", "LaunchTemplates",
         "PlacementGroups", "SecurityGroups", "SpotPriceHistory", "Subnets")


@dataclass(frozen=True)
class KarpenterIdentityArgs:
    """One cluster's Karpenter.

    Attributes:
        cluster_name, place: the cluster and where it is.
        role_name: of Karpenter's role; at most 64 characters.
        node_role_arn: role of the nodes, the only one that it may pass on.
        tags: AWS tags.
    """

    cluster_name: str
    place: AwsPlace
    role_name: str
    node_role_arn: str
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def queue_arn(self) -> str:
        """ARN of the queue; its name is the cluster's."""
        return self.place.arn("sqs", self.cluster_name)


class KarpenterIdentity(pulumi.ComponentResource):
    """Role with its association, queue with its policy, and the rules that fill the queue."""

    def __init__(self, name: str, args: KarpenterIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:KarpenterIdentity", name, {"cluster": args.cluster_name}, opts)
        from pulumi_aws import cloudwatch, sqs

        child, region, tags = child_options(self, opts), args.place.region, dict(args.tags)
        PodIdentity(f"{name}-karpenter", PodIdentityArgs(
            args.role_name, args.cluster_name, NAMESPACE, SERVICE_ACCOUNT, args.place, statements(args), args.tags), child)
        queue = sqs.Queue(name, name=args.cluster_name, message_retention_seconds=RETENTION_SECONDS, sqs_managed_sse_enabled=True,
                          region=region, tags=tags, opts=child)
        sqs.QueuePolicy(name, queue_url=queue.url, policy=queue_policy(args), region=region, opts=child)
        for event, (source, detail) in WARNINGS.items():
            pattern = json.dumps({"source": [source], "detail-type": [detail]}, sort_keys=True)
            rule = cloudwatch.EventRule(f"{name}-{event}", name=f"{args.cluster_name}-karpenter-{event}", event_pattern=pattern,
                                        region=region, tags=tags, opts=child)
            cloudwatch.EventTarget(f"{name}-{event}", rule=rule.name, target_id="karpenter", arn=args.queue_arn, region=region, opts=child)
        self.register_outputs({"role": args.role_name})


def queue_policy(args: KarpenterIdentityArgs) -> str:
    """Who may write into the queue: EventBridge's rules of this account, by TLS."""
    return document([
        {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": args.queue_arn,
         "Condition": {"StringEquals": {"aws:SourceAccount": args.place.account_id}}},
        {"Sid": "DenyHTTP", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": args.queue_arn,
         "Condition": {"Bool": {"aws:SecureTransport": "false"}}}])


def statements(args: KarpenterIdentityArgs) -> tuple[Statement, ...]:
    """What Karpenter may do."""
    return (*_instances(args), *_profiles(args), *_reading(args), _allow(
        "Interruption", ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"], args.queue_arn))


def _allow(sid: str, actions: list[str], resources: Any, **conditions: Mapping[str, Any]) -> Statement:
    found = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
    return found | ({"Condition": dict(conditions)} if conditions else {})


def _ec2(args: KarpenterIdentityArgs, *kinds: str, account: bool = True) -> list[str]:
    owner = args.place.account_id if account else ""
    return [f"arn:{args.place.partition}:ec2:{args.place.region}:{owner}:{kind}/*" for kind in kinds]


def _instances(args: KarpenterIdentityArgs) -> tuple[Statement, ...]:
    owned, cluster = f"kubernetes.io/cluster/{args.cluster_name}", {"aws:RequestTag/eks:eks-cluster-name": args.cluster_name}
    start, pools = ["ec2:RunInstances", "ec2:CreateFleet"], {"aws:RequestTag/karpenter.sh/nodepool": "*"}
    asked = {f"aws:RequestTag/{owned}": "owned", **cluster}
    borne, of_pools = {f"aws:ResourceTag/{owned}": "owned"}, {"aws:ResourceTag/karpenter.sh/nodepool": "*"}
    given = [*_ec2(args, "image", "snapshot", account=False), *(
        f"arn:{args.place.partition}:ec2:{args.place.region}:*:{kind}/*"  # subnets and reservations may be shared by another account
        for kind in ("security-group", "subnet", "capacity-reservation", "placement-group"))]
    return (
        _allow("Given", start, given),
        _allow("Templates", start, _ec2(args, "launch-template"), StringEquals=borne, StringLike=of_pools),
        _allow("Start", [*start, "ec2:CreateLaunchTemplate"], _ec2(args, *_STARTED), StringEquals=asked, StringLike=pools),
        _allow("TagAtStart", ["ec2:CreateTags"], _ec2(args, *_STARTED), StringEquals={
            **asked, "ec2:CreateAction": ["RunInstances", "CreateFleet", "CreateLaunchTemplate"]}, StringLike=pools),
        {**_allow("TagLater", ["ec2:CreateTags"], _ec2(args, "instance")), "Condition": {
            "StringEquals": borne, "StringLike": of_pools, "StringEqualsIfExists": cluster,
            "ForAllValues:StringEquals": {"aws:TagKeys": ["eks:eks-cluster-name", "karpenter.sh/nodeclaim", "Name"]}}},
        _allow("End", ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"], _ec2(args, "instance", "launch-template"),
               StringEquals=borne, StringLike=of_pools))


def _profiles(args: KarpenterIdentityArgs) -> tuple[Statement, ...]:
    """Instance profiles that it makes for the nodes' role, and no other role."""
    owned, region = f"kubernetes.io/cluster/{args.cluster_name}", args.place.region
    profiles = f"arn:{args.place.partition}:iam::{args.place.account_id}:instance-profile/*"
    asked = {f"aws:RequestTag/{owned}": "owned", "aws:RequestTag/eks:eks-cluster-name": args.cluster_name,
             "aws:RequestTag/topology.kubernetes.io/region": region}
    borne = {f"aws:ResourceTag/{owned}": "owned", "aws:ResourceTag/topology.kubernetes.io/region": region}
    new, old = {"aws:RequestTag/karpenter.k8s.aws/ec2nodeclass": "*"}, {"aws:ResourceTag/karpenter.k8s.aws/ec2nodeclass": "*"}
    services = ["ec2.amazonaws.com", *(["ec2.amazonaws.com.cn"] if args.place.partition == "aws-cn" else [])]
    return (
        _allow("NodeRole", ["iam:PassRole"], args.node_role_arn, StringEquals={"iam:PassedToService": services}),
        _allow("NewProfile", ["iam:CreateInstanceProfile"], profiles, StringEquals=asked, StringLike=new),
        _allow("TagProfile", ["iam:TagInstanceProfile"], profiles, StringEquals={**borne, **asked}, StringLike={**new, **old}),
        _allow("Profile", ["iam:AddRoleToInstanceProfile", "iam:RemoveRoleFromInstanceProfile", "iam:DeleteInstanceProfile"], profiles,
               StringEquals=borne, StringLike=old),
        _allow("ReadProfile", ["iam:GetInstanceProfile"], profiles),
        _allow("ListProfiles", ["iam:ListInstanceProfiles"], "*"))


def _reading(args: KarpenterIdentityArgs) -> tuple[Statement, ...]:
    place = args.place
    return (
        _allow("Cluster", ["eks:DescribeCluster"], place.arn("eks", f"cluster/{args.cluster_name}")),
        _allow("Region", [f"ec2:Describe{what}" for what in _READ], "*", StringEquals={"aws:RequestedRegion": place.region}),
        _allow("Images", ["ssm:GetParameter"], f"arn:{place.partition}:ssm:{place.region}::parameter/aws/service/*"),
        _allow("Prices", ["pricing:GetProducts"], "*"))
