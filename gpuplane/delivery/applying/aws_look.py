"""Whether an AWS resource is there, by the names that its inputs hold: one reading call of the AWS CLI for each.

Operations, their arguments and errors are those of AWS's own service models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gpuplane.delivery.applying.aws_cli import AwsRefused
from gpuplane.delivery.applying.state_check import Aws, require_account
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.spec.environment_spec import EnvironmentSpec

_NO_BUCKET = frozenset({"404", "NotFound", "NoSuchBucket"})
"""What S3 says of a bucket that is not there; ``head-bucket`` has no body, and its code is the status."""


@dataclass(frozen=True)
class Look:
    """One reading call.

    Attributes:
        service, operation: as the AWS CLI names them.
        arguments: the API's, each with the Pulumi input that it is.
        missing: error codes that say that it is not there.
        member: of the answer, without which it is not there either: some settings are answered as empty.
    """

    service: str
    operation: str
    arguments: Mapping[str, str]
    missing: frozenset[str]
    member: str = ""


def _eks(operation: str, **arguments: str) -> Look:
    return Look("eks", operation, arguments, frozenset({"ResourceNotFoundException"}))


def _iam(operation: str, **arguments: str) -> Look:
    return Look("iam", operation, arguments, frozenset({"NoSuchEntity"}))


def _s3(operation: str, *missing: str, member: str = "") -> Look:
    return Look("s3api", operation, {"Bucket": "bucket"}, _NO_BUCKET | {*missing}, member)


LOOKS: Mapping[str, Look] = {
    "aws:eks/cluster:Cluster": _eks("describe-cluster", name="name"),
    "aws:eks/nodeGroup:NodeGroup": _eks("describe-nodegroup", clusterName="clusterName", nodegroupName="nodeGroupName"),
    "aws:eks/addon:Addon": _eks("describe-addon", clusterName="clusterName", addonName="addonName"),
    "aws:eks/accessEntry:AccessEntry": _eks("describe-access-entry", clusterName="clusterName", principalArn="principalArn"),
    "aws:iam/role:Role": _iam("get-role", RoleName="name"),
    "aws:iam/rolePolicy:RolePolicy": _iam("get-role-policy", RoleName="role", PolicyName="name"),
    "aws:iam/instanceProfile:InstanceProfile": _iam("get-instance-profile", InstanceProfileName="name"),
    "aws:kms/alias:Alias": Look("kms", "describe-key", {"KeyId": "name"}, frozenset({"NotFoundException"})),
    "aws:s3/bucket:Bucket": _s3("head-bucket"),
    "aws:s3/bucketVersioning:BucketVersioning": _s3("get-bucket-versioning", member="Status"),
    "aws:s3/bucketPolicy:BucketPolicy": _s3("get-bucket-policy", "NoSuchBucketPolicy"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _s3("get-public-access-block", "NoSuchPublicAccessBlockConfiguration"),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _s3("get-bucket-ownership-controls", "OwnershipControlsNotFoundError"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration":
        _s3("get-bucket-lifecycle-configuration", "NoSuchLifecycleConfiguration"),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration":
        _s3("get-bucket-encryption", "ServerSideEncryptionConfigurationNotFoundError"),
    "aws:s3/bucketLogging:BucketLogging": _s3("get-bucket-logging", member="LoggingEnabled"),
}
"""By Pulumi type: those whose id follows from their inputs (:data:`gpuplane.delivery.applying.import_ids.AWS`)."""


def looker(spec: EnvironmentSpec, aws: Aws) -> Callable[[str, Mapping[str, Any]], bool | None]:
    """What says of a type and its inputs whether that is in the environment's account; None where nobody can tell.

    Raises:
        CannotStart: the environment is not in AWS, or these are another account's credentials.
        EngineFailed: AWS does not answer.
    """
    place = spec.environment.spec.aws
    if place is None:
        raise CannotStart(f"{spec.name} is not in AWS (no aws in environment.yaml): leave out --aws.")
    require_account(aws, spec.name, place.account_id)
    return lambda type_token, inputs: _is_there(aws, place.account_id, LOOKS.get(type_token), inputs)


def _is_there(aws: Aws, account: str, look: Look | None, inputs: Mapping[str, Any]) -> bool | None:
    if look is None:
        return None
    arguments: dict[str, Any] = {name: inputs.get(key) for name, key in look.arguments.items()}
    if not all(isinstance(value, str) and value for value in arguments.values()):
        return None
    if look.service == "s3api":
        arguments["ExpectedBucketOwner"] = account  # names of buckets are the whole world's
    try:
        answer = aws.call(look.service, look.operation, **arguments)
    except AwsRefused as error:
        return False if error.code in look.missing else None
    return not look.member or bool(answer.get(look.member))
