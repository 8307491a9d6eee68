"""A tenant's models in S3: a bucket and a key of its own, read by its pods alone and written by the publishers alone.

Names, ARNs and policies are plain text, known before apply: rules and reviewers see who can read what. Data outlives the
program: deleting the tenant leaves bucket and key, which a person then empties.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from gpuplane.components.iam import AwsPlace, Statement, document
from gpuplane.components.kubernetes_object import child_options


@dataclass(frozen=True)
class ModelBucketArgs:
    """A bucket.

    Attributes:
        bucket: its name.
        place: account, region and partition.
        reader_role: name of the role of the tenant's pods.
        publisher_role_arns: roles that put models there.
        noncurrent_days: how long replaced and deleted files can be brought back.
        archive_after_days: when replaced files become cheaper to keep; None: never.
        access_log_bucket: bucket in which S3 records who reads this one; None: no server access log.
        tags: AWS tags.
    """

    bucket: str
    place: AwsPlace
    reader_role: str
    publisher_role_arns: tuple[str, ...]
    noncurrent_days: int = 90
    archive_after_days: int | None = None
    access_log_bucket: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class ModelBucket(pulumi.ComponentResource):
    """Key, bucket, and everything that closes it."""

    def __init__(self, name: str, args: ModelBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:ModelBucket", name, {"bucket": args.bucket}, opts)
        from pulumi_aws import kms, s3

        child = child_options(self, opts)
        kept = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(retain_on_delete=True))
        region, tags = args.place.region, {"Name": args.bucket, **args.tags}
        key = kms.Key(name, description=f"Models in {args.bucket}", enable_key_rotation=True, deletion_window_in_days=30,
                      policy=key_policy(args), region=region, tags=tags, opts=kept)
        kms.Alias(name, name=key_alias(args.bucket), target_key_id=key.id, region=region, opts=child)
        bucket = s3.Bucket(name, bucket=args.bucket, force_destroy=False, region=region, tags=tags, opts=kept)
        of: dict[str, Any] = {"bucket": bucket.bucket, "region": region, "opts": child}
        s3.BucketPublicAccessBlock(name, block_public_acls=True, block_public_policy=True, ignore_public_acls=True,
                                   restrict_public_buckets=True, **of)
        s3.BucketOwnershipControls(name, rule={"object_ownership": "BucketOwnerEnforced"}, **of)
        s3.BucketVersioning(name, versioning_configuration={"status": "Enabled"}, **of)
        s3.BucketServerSideEncryptionConfiguration(name, rules=[{"bucket_key_enabled": True, "apply_server_side_encryption_by_default": {
            "sse_algorithm": "aws:kms", "kms_master_key_id": key.arn}}], **of)
        s3.BucketLifecycleConfiguration(name, rules=[lifecycle(args)], **of)
        s3.BucketPolicy(name, policy=bucket_policy(args), **of)
        if args.access_log_bucket is not None:
            s3.BucketLogging(name, target_bucket=args.access_log_bucket, target_prefix=f"{args.bucket}/", **of)
        self.register_outputs({"bucket": args.bucket})


def key_alias(bucket: str) -> str:
    """Alias of a bucket's key, by which the reader's role is held to it."""
    return f"alias/{bucket}"


def read_statements(place: AwsPlace, bucket: str) -> tuple[Statement, ...]:
    """What the role of the tenant's pods may do: read the bucket, and decrypt with its key."""
    arn = f"arn:{place.partition}:s3:::{bucket}"
    return ({"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [arn]},
            {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [f"{arn}/*"]},
            # The key's ARN is known after apply only; its alias is known before.
            {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": [place.arn("kms", "key/*")],
             "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": key_alias(bucket)}}})


def key_policy(args: ModelBucketArgs) -> str:
    """The account administers the key; pods decrypt and publishers encrypt with it, through S3 alone."""
    through_s3 = {"StringEquals": {"kms:ViaService": f"s3.{args.place.region}.amazonaws.com", "kms:CallerAccount": args.place.account_id}}
    administer = ["kms:CancelKeyDeletion", "kms:Create*", "kms:Delete*", "kms:Describe*", "kms:Disable*", "kms:Enable*", "kms:Get*",
                  "kms:List*", "kms:Put*", "kms:Revoke*", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource", "kms:Update*"]
    return document([
        {"Sid": "Administer", "Effect": "Allow", "Principal": {"AWS": f"arn:{args.place.partition}:iam::{args.place.account_id}:root"},
         "Action": administer, "Resource": "*"},
        {"Sid": "Read", "Effect": "Allow", "Principal": {"AWS": args.place.role_arn(args.reader_role)},
         "Action": ["kms:Decrypt", "kms:DescribeKey"], "Resource": "*", "Condition": through_s3},
        {"Sid": "Publish", "Effect": "Allow", "Principal": {"AWS": sorted(args.publisher_role_arns)},
         "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"], "Resource": "*", "Condition": through_s3}])


def bucket_policy(args: ModelBucketArgs) -> str:
    """No plain HTTP; no reader but the tenant's pods and the publishers; no writer but the publishers."""
    bucket = f"arn:{args.place.partition}:s3:::{args.bucket}"
    publishers = sorted(args.publisher_role_arns)
    readers = sorted([args.place.role_arn(args.reader_role), *publishers])

    def deny(sid: str, actions: list[str], unless: dict[str, Any]) -> Statement:
        return {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": actions, "Resource": [bucket, f"{bucket}/*"], "Condition": unless}

    return document([
        deny("EncryptedTransport", ["s3:*"], {"Bool": {"aws:SecureTransport": "false"}}),
        deny("Readers", ["s3:GetObject", "s3:GetObjectVersion"], {"ArnNotEquals": {"aws:PrincipalArn": readers}}),
        deny("Writers", ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject", "s3:PutObjectAcl", "s3:RestoreObject"],
             {"ArnNotEquals": {"aws:PrincipalArn": publishers}}),
        {"Sid": "Publish", "Effect": "Allow", "Principal": {"AWS": publishers}, "Action": ["s3:GetObject", "s3:PutObject"],
         "Resource": [f"{bucket}/*"]},
        {"Sid": "List", "Effect": "Allow", "Principal": {"AWS": publishers}, "Action": ["s3:ListBucket"], "Resource": [bucket]}])


def lifecycle(args: ModelBucketArgs) -> Any:
    """Replaced files go after a while, and what was never uploaded wholly after a week."""
    archive = [] if args.archive_after_days is None else [{"noncurrent_days": args.archive_after_days, "storage_class": "GLACIER_IR"}]
    return {"id": "replaced-files", "status": "Enabled", "filter": {"prefix": ""},
            "noncurrent_version_expiration": {"noncurrent_days": args.noncurrent_days},
            **({"noncurrent_version_transitions": archive} if archive else {}),
            "abort_incomplete_multipart_upload": {"days_after_initiation": 7}}
