"""What AWS's own service models (botocore) say about arguments: the judge where no account can be reached.

A component registers pulumi-aws resources; :data:`OPERATIONS` says which API operation makes each, and how the names differ.
Arguments that pulumi-aws adds, or that go to another operation, are listed by name: pulumi-aws's classes type-check those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from gpuplane.graph.resource_view import ResourceView, Unknown

UNKNOWN = "known-after-apply"
SHAPED: Mapping[str, str] = {
    "vpc-id": "vpc-0a1b2c3d",
    "key-arn": "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d-1111-2222-3333-444455556666"}


def known(value: Any) -> Any:
    """A value with a text in place of each output: the APIs take text there."""
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: known(item) for key, item in value.items()}
    return [known(item) for item in value] if isinstance(value, list) else value


@cache
def shape(service: str, operation: str) -> Any:
    """Input of an operation as the service model describes it."""
    return botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape


def operation_model(service: str, operation: str) -> Any:
    """The service model of an operation that is named as the AWS CLI names it (``s3api``, ``put-bucket-versioning``)."""
    model = botocore.session.get_session().get_service_model("s3" if service == "s3api" else service)
    return model.operation_model(next(one for one in model.operation_names if botocore.xform_name(one, "-") == operation))


def problems(of: Any, value: Any, path: str = "") -> list[str]:
    """What the service model has against a value: types and bounds by botocore, and unknown members and enums, which it skips."""
    found = [] if path else [ParamValidator().validate(value, of).generate_report()]
    if of.type_name == "structure":
        found += [f"{path}.{key}: no such member" for key in value if key not in of.members]
        found += [problem for key in value if key in of.members for problem in problems(of.members[key], value[key], f"{path}.{key}")]
    elif of.type_name == "list":
        found += [problem for item in value for problem in problems(of.member, item, f"{path}[]")]
    elif getattr(of, "enum", None) and value not in of.enum:
        found.append(f"{path}: {value} is not one of {of.enum}")
    return [problem for problem in found if problem]


def capital(value: Any) -> Any:
    """``camelCase`` to the ``CapitalCase`` of EC2, IAM, KMS and S3, all the way down."""
    if isinstance(value, Mapping):
        return {key[:1].upper() + key[1:]: capital(item) for key, item in value.items()}
    return [capital(item) for item in value] if isinstance(value, list) else value


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as a list of pairs."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


@dataclass(frozen=True)
class Operation:
    """How one pulumi-aws resource becomes one API call.

    Attributes:
        service, operation: of botocore.
        names: pulumi-aws name to the API's.
        elsewhere: arguments that this operation does not take: pulumi-aws's own, or of another operation.
        change: turns what is left into the API's form.
    """

    service: str
    operation: str
    names: Mapping[str, str] = field(default_factory=dict)
    elsewhere: frozenset[str] = frozenset()
    change: Callable[[dict[str, Any]], dict[str, Any]] = lambda props: props

    def judge(self, view: ResourceView) -> list[str]:
        """What the API has against a resource."""
        props = {key: value for key, value in known(dict(view.props)).items() if key not in self.elsewhere and value is not None}
        return problems(shape(self.service, self.operation), self.change({self.names.get(key, key): value for key, value in props.items()}))


def _ec2(kind: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(props: dict[str, Any]) -> dict[str, Any]:
        tags = props.pop("tags", {})
        return {**capital(props), "TagSpecifications": [{"ResourceType": kind, "Tags": pairs(tags)}]}
    return change


def _tagged(props: dict[str, Any]) -> dict[str, Any]:
    tags = props.pop("tags", {})
    return {**capital(props), "Tags": pairs(tags)}


def _tagged_kms(props: dict[str, Any]) -> dict[str, Any]:
    tags = props.pop("tags", {})
    return {**capital(props), "Tags": [{"TagKey": key, "TagValue": value} for key, value in tags.items()]}


def _cluster(props: dict[str, Any]) -> dict[str, Any]:
    props["encryptionConfig"] = [{**props["encryptionConfig"], "provider": {"keyArn": SHAPED["key-arn"]}}]
    types = props.pop("enabledClusterLogTypes")
    return {**props, "logging": {"clusterLogging": [{"types": types, "enabled": True}]}}


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    return {"IpProtocol": rule["protocol"], "FromPort": rule["fromPort"], "ToPort": rule["toPort"],
            "IpRanges": [{"CidrIp": cidr, "Description": rule["description"]} for cidr in rule["cidrBlocks"]]}


def _ingress(props: dict[str, Any]) -> dict[str, Any]:
    return {"GroupId": "sg-0a1b2c3d", "IpPermissions": [_rule(rule) for rule in props["ingress"]]}


def _nested(member: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """S3's configurations lie below one member of the call."""
    def change(props: dict[str, Any]) -> dict[str, Any]:
        bucket = props.pop("bucket")
        return {"Bucket": bucket, member: capital(props)}
    return change


def _encryption(props: dict[str, Any]) -> dict[str, Any]:
    rules = [{"BucketKeyEnabled": rule["bucketKeyEnabled"], "ApplyServerSideEncryptionByDefault": {
        "SSEAlgorithm": rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"],
        "KMSMasterKeyID": rule["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"]}} for rule in props["rules"]]
    return {"Bucket": props["bucket"], "ServerSideEncryptionConfiguration": {"Rules": rules}}


def _lifecycle(props: dict[str, Any]) -> dict[str, Any]:
    rules = []
    for rule in capital(props["rules"]):
        rule["ID"] = rule.pop("Id")
        rules.append(rule)
    return {"Bucket": props["bucket"], "LifecycleConfiguration": {"Rules": rules}}


_REGION = frozenset({"region"})
"""Since version 7 the region is an argument of each resource."""

OPERATIONS: Mapping[str, Operation] = {
    "Vpc": Operation("ec2", "CreateVpc", elsewhere=_REGION | {"enableDnsHostnames", "enableDnsSupport"}, change=_ec2("vpc")),
    "DefaultSecurityGroup": Operation("ec2", "RevokeSecurityGroupIngress", elsewhere=_REGION | {"ingress", "egress", "vpcId", "tags"}),
    "Subnet": Operation("ec2", "CreateSubnet", elsewhere=_REGION | {"mapPublicIpOnLaunch"}, change=_ec2("subnet")),
    "InternetGateway": Operation("ec2", "CreateInternetGateway", elsewhere=_REGION | {"vpcId"}, change=_ec2("internet-gateway")),
    "RouteTable": Operation("ec2", "CreateRouteTable", elsewhere=_REGION, change=_ec2("route-table")),
    "Route": Operation("ec2", "CreateRoute", elsewhere=_REGION, change=capital),
    "RouteTableAssociation": Operation("ec2", "AssociateRouteTable", elsewhere=_REGION, change=capital),
    "Eip": Operation("ec2", "AllocateAddress", elsewhere=_REGION, change=_ec2("elastic-ip")),
    "NatGateway": Operation("ec2", "CreateNatGateway", elsewhere=_REGION, change=_ec2("natgateway")),
    "VpcEndpoint": Operation("ec2", "CreateVpcEndpoint", elsewhere=_REGION, change=_ec2("vpc-endpoint")),
    "SecurityGroup": Operation("ec2", "AuthorizeSecurityGroupIngress", elsewhere=_REGION | {"vpcId", "description", "egress", "tags"},
                               change=_ingress),
    "FlowLog": Operation("ec2", "CreateFlowLogs", {"iamRoleArn": "deliverLogsPermissionArn"}, _REGION | {"vpcId"},
                         lambda props: {**_ec2("vpc-flow-log")(props), "ResourceType": "VPC", "ResourceIds": [SHAPED["vpc-id"]]}),
    "LogGroup": Operation("logs", "CreateLogGroup", {"name": "logGroupName"}, _REGION | {"retentionInDays"}),
    "Role": Operation("iam", "CreateRole", {"name": "roleName", "assumeRolePolicy": "assumeRolePolicyDocument"}, change=_tagged),
    "RolePolicy": Operation("iam", "PutRolePolicy", {"name": "policyName", "role": "roleName", "policy": "policyDocument"}, change=capital),
    "RolePolicyAttachment": Operation("iam", "AttachRolePolicy", {"role": "roleName"}, change=capital),
    "Cluster": Operation("eks", "CreateCluster", {"vpcConfig": "resourcesVpcConfig"}, _REGION, _cluster),
    "Addon": Operation("eks", "CreateAddon", {"resolveConflictsOnCreate": "resolveConflicts"}, _REGION | {"resolveConflictsOnUpdate"}),
    "AccessEntry": Operation("eks", "CreateAccessEntry", elsewhere=_REGION),
    "AccessPolicyAssociation": Operation("eks", "AssociateAccessPolicy", elsewhere=_REGION),
    "PodIdentityAssociation": Operation("eks", "CreatePodIdentityAssociation", elsewhere=_REGION),
    "NodeGroup": Operation("eks", "CreateNodegroup", {"nodeGroupName": "nodegroupName", "nodeRoleArn": "nodeRole", "subnetIds": "subnets"}, _REGION),
    "Key": Operation("kms", "CreateKey", elsewhere=_REGION | {"enableKeyRotation", "deletionWindowInDays"}, change=_tagged_kms),
    "Alias": Operation("kms", "CreateAlias", {"name": "aliasName"}, _REGION, capital),
    "Bucket": Operation("s3", "CreateBucket", elsewhere=_REGION | {"forceDestroy", "tags"}, change=capital),
    "BucketPublicAccessBlock": Operation("s3", "PutPublicAccessBlock", elsewhere=_REGION, change=_nested("PublicAccessBlockConfiguration")),
    "BucketOwnershipControls": Operation("s3", "PutBucketOwnershipControls", elsewhere=_REGION, change=lambda props: {
        "Bucket": props["bucket"], "OwnershipControls": {"Rules": [capital(props["rule"])]}}),
    "BucketVersioning": Operation("s3", "PutBucketVersioning", elsewhere=_REGION, change=lambda props: {
        "Bucket": props["bucket"], "VersioningConfiguration": capital(props["versioningConfiguration"])}),
    "BucketServerSideEncryptionConfiguration": Operation("s3", "PutBucketEncryption", elsewhere=_REGION, change=_encryption),
    "BucketLifecycleConfiguration": Operation("s3", "PutBucketLifecycleConfiguration", elsewhere=_REGION, change=_lifecycle),
    "BucketPolicy": Operation("s3", "PutBucketPolicy", elsewhere=_REGION, change=capital),
    "Queue": Operation("sqs", "CreateQueue", {"name": "queueName"}, _REGION, lambda props: {
        "QueueName": props["queueName"], "tags": props["tags"], "Attributes": {
            "MessageRetentionPeriod": str(int(props["messageRetentionSeconds"])),
            "SqsManagedSseEnabled": str(props["sqsManagedSseEnabled"]).lower()}}),
    "QueuePolicy": Operation("sqs", "SetQueueAttributes", elsewhere=_REGION, change=lambda props: {
        "QueueUrl": props["queueUrl"], "Attributes": {"Policy": props["policy"]}}),
    "EventRule": Operation("events", "PutRule", elsewhere=_REGION, change=lambda props: {**capital(props), "Tags": pairs(props["tags"])}),
    "EventTarget": Operation("events", "PutTargets", elsewhere=_REGION, change=lambda props: {
        "Rule": props["rule"], "Targets": [{"Id": props["targetId"], "Arn": props["arn"]}]}),
}
"""pulumi-aws resource to the API call that makes it."""
