"""``gpuplane bootstrap``: where an environment's state lives in AWS, its key, and the role that CI takes; before there is any state.

Every step looks first and sets what is missing or differs, so that it can be run again. It is no Pulumi program: what holds the state
cannot have its own state in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gpuplane.components.iam import AwsPlace, document, role_name
from gpuplane.delivery.applying.aws_cli import AwsRefused
from gpuplane.delivery.applying.state_check import Aws, require_account
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.stacks.aws_cluster import place, tags

NONCURRENT_DAYS = 365
"""How long a state that was written over can be gone back to."""
_MISSING = frozenset({"404", "NoSuchBucket", "NotFound", "NotFoundException", "NoSuchEntity"})


@dataclass(frozen=True)
class Ci:
    """Whose jobs may take the role.

    Attributes:
        host: of the OIDC issuer: ``token.actions.githubusercontent.com``, or a GitLab.
        audience, subject: what their tokens say.
    """

    host: str
    audience: str
    subject: str


def github(repository: str, environment: str) -> Ci:
    """Jobs of one repository that run in one protected environment (GitHub, "OpenID Connect reference")."""
    return Ci("token.actions.githubusercontent.com", "sts.amazonaws.com", f"repo:{repository}:environment:{environment}")


def gitlab(project: str, branch: str, host: str = "gitlab.com") -> Ci:
    """Jobs of one project on one branch (GitLab, "ID token payload")."""
    return Ci(host, f"https://{host}", f"project_path:{project}:ref_type:branch:ref:{branch}")


@dataclass
class Bootstrap:
    """One run.

    Attributes:
        spec: the wish; its ``aws`` block says account and region.
        aws: calls AWS.
        ci: who takes the role; None for no role.
        change: whether to change anything; else it is only said what would be.
        say: takes a line for each thing that is made or set.
    """

    spec: EnvironmentSpec
    aws: Aws
    ci: Ci | None
    change: bool
    say: Callable[[str], None]
    made: list[str] = field(default_factory=list)

    @property
    def where(self) -> AwsPlace:
        """Account and region."""
        assert self.spec.environment.spec.aws is not None
        return place(self.spec.environment.spec.aws)

    @property
    def bucket(self) -> str:
        """The bucket that ``state_backend`` names, else one named after account and environment."""
        said = urlsplit(self.spec.environment.spec.state_backend or "")
        return said.netloc if said.scheme == "s3" else f"gpuplane-state-{self.where.account_id}-{self.spec.name}"[:63].rstrip("-")

    @property
    def state_backend(self) -> str:
        """URL of the backend, as Pulumi takes it."""
        return f"s3://{self.bucket}?region={self.where.region}"

    @property
    def alias(self) -> str:
        """The key's alias: the one that ``secrets_provider`` names here, else one named after the environment."""
        said = urlsplit(self.spec.environment.spec.secrets_provider or "")
        here = said.scheme == "awskms" and said.netloc == "alias" and parse_qs(said.query).get("region") == [self.where.region]
        return f"alias{said.path}" if here else f"alias/gpuplane-state-{self.spec.name}"

    @property
    def secrets_provider(self) -> str:
        """The key as Pulumi takes it."""
        return f"awskms://{self.alias}?region={self.where.region}"

    @property
    def role(self) -> str:
        """The CI role's name."""
        return role_name(f"gpuplane-{self.spec.name}-ci")

    def run(self) -> None:
        """Make and set everything.

        Raises:
            CannotStart: these are another account's credentials, or the key is about to be deleted; nothing was changed.
            EngineFailed: AWS says no; what was done stays, and the next run goes on.
        """
        require_account(self.aws, self.spec.name, self.where.account_id)
        key = self._key()
        self._bucket(key)
        if self.ci is not None:
            self._role(self.ci, key)

    def next_steps(self) -> Iterator[str]:
        """What to write where."""
        yield f"environment.yaml: state_backend: {self.state_backend}"
        yield f"environment.yaml: secrets_provider: {self.secrets_provider}"
        if self.ci is not None:
            yield f"CI: take the role {self.where.role_arn(self.role)}; it may use the state, and nothing else until you attach more"

    def _key(self) -> str:
        try:
            described = self.aws.call("kms", "describe-key", KeyId=self.alias)["KeyMetadata"]
        except AwsRefused as error:
            if error.code not in _MISSING:
                raise
            return self._new_key()
        assert isinstance(described, Mapping)
        if described.get("KeyState") != "Enabled":
            raise CannotStart(f"the key {self.alias} is {described.get('KeyState')}: enable it, or cancel its deletion, first.")
        arn = str(described["Arn"])
        if not self.aws.call("kms", "get-key-rotation-status", KeyId=arn).get("KeyRotationEnabled"):
            self._do(f"rotation of {self.alias}", "kms", "enable-key-rotation", KeyId=arn)
        return arn

    def _new_key(self) -> str:
        """The key; one that a run made before it was killed is found by its tags."""
        wanted = {**tags(self.spec), "gpuplane.dev/purpose": "state"}
        orphans = self.aws.call("resourcegroupstaggingapi", "get-resources", ResourceTypeFilters=["kms:key"],
                                TagFilters=[{"Key": key, "Values": [value]} for key, value in sorted(wanted.items())])
        there = orphans.get("ResourceTagMappingList")
        if isinstance(there, list) and there:
            arn = str(there[0]["ResourceARN"])
        else:
            made = self._do(f"key {self.alias}", "kms", "create-key", Description=f"State of the gpuplane environment {self.spec.name}",
                            KeySpec="SYMMETRIC_DEFAULT", KeyUsage="ENCRYPT_DECRYPT",
                            Tags=[{"TagKey": key, "TagValue": value} for key, value in sorted(wanted.items())])
            arn = str(made["KeyMetadata"]["Arn"]) if made else self.where.arn("kms", "key/that-will-be-made")
        self._do(f"alias {self.alias}", "kms", "create-alias", AliasName=self.alias, TargetKeyId=arn)
        self._do(f"rotation of {self.alias}", "kms", "enable-key-rotation", KeyId=arn)
        return arn

    def _bucket(self, key: str) -> None:
        name, owner = self.bucket, self.where.account_id
        try:
            self.aws.call("s3api", "head-bucket", Bucket=name, ExpectedBucketOwner=owner)
        except AwsRefused as error:
            if error.code not in _MISSING:
                raise
            elsewhere = {} if self.where.region == "us-east-1" else {
                "CreateBucketConfiguration": {"LocationConstraint": self.where.region}}
            self._do(f"bucket {name}", "s3api", "create-bucket", Bucket=name, ObjectOwnership="BucketOwnerEnforced", **elsewhere)
        for operation, arguments in bucket_settings(name, key, tags(self.spec), self.where.partition).items():
            self._do(f"{operation.removeprefix('put-')} of {name}", "s3api", operation, Bucket=name, ExpectedBucketOwner=owner, **arguments)

    def _role(self, ci: Ci, key: str) -> None:
        provider = f"arn:{self.where.partition}:iam::{self.where.account_id}:oidc-provider/{ci.host}"
        labels = [{"Key": name, "Value": value} for name, value in sorted(tags(self.spec).items())]
        if not self._there("iam", "get-open-id-connect-provider", OpenIDConnectProviderArn=provider):
            self._do(f"OIDC provider {ci.host}", "iam", "create-open-id-connect-provider", Url=f"https://{ci.host}",
                     ClientIDList=[ci.audience], Tags=labels)
        trust = document([{"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
                           "Condition": {"StringEquals": {f"{ci.host}:aud": ci.audience, f"{ci.host}:sub": ci.subject}}}])
        if self._there("iam", "get-role", RoleName=self.role):
            self._do(f"trust of {self.role}", "iam", "update-assume-role-policy", RoleName=self.role, PolicyDocument=trust)
        else:
            self._do(f"role {self.role}", "iam", "create-role", RoleName=self.role, AssumeRolePolicyDocument=trust,
                     Description=f"CI of the gpuplane environment {self.spec.name}", MaxSessionDuration=3600, Tags=labels)
        self._do(f"rights of {self.role}", "iam", "put-role-policy", RoleName=self.role, PolicyName="state",
                 PolicyDocument=state_rights(self.where, self.bucket, key))

    def _there(self, service: str, operation: str, **arguments: object) -> bool:
        try:
            self.aws.call(service, operation, **arguments)
        except AwsRefused as error:
            if error.code in _MISSING:
                return False
            raise
        return True

    def _do(self, what: str, service: str, operation: str, **arguments: object) -> Mapping[str, Any]:
        self.say(what)
        if not self.change:
            return {}
        found = self.aws.call(service, operation, **arguments)
        self.made.append(what)
        return found


def bucket_settings(bucket: str, key: str, labels: Mapping[str, str], partition: str) -> dict[str, dict[str, object]]:
    """Operations that set a state bucket right, with their arguments; each replaces what is set, so all are the same each time."""
    arn = f"arn:{partition}:s3:::{bucket}"
    return {
        "put-public-access-block": {"PublicAccessBlockConfiguration": dict.fromkeys(
            ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)},
        "put-bucket-versioning": {"VersioningConfiguration": {"Status": "Enabled"}},
        "put-bucket-encryption": {"ServerSideEncryptionConfiguration": {"Rules": [
            {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}, "BucketKeyEnabled": True}]}},
        "put-bucket-policy": {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
            {"Sid": "OnlyEncrypted", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"],
             "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}, sort_keys=True)},
        "put-bucket-lifecycle-configuration": {"LifecycleConfiguration": {"Rules": [
            {"ID": "former-states", "Status": "Enabled", "Filter": {"Prefix": ""},
             "NoncurrentVersionExpiration": {"NoncurrentDays": NONCURRENT_DAYS},
             "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}]}},
        "put-bucket-tagging": {"Tagging": {"TagSet": [{"Key": name, "Value": value} for name, value in sorted(labels.items())]}}}


def state_rights(where: AwsPlace, bucket: str, key: str) -> str:
    """What the CI role may do: read and write the state, with its locks, and use its key."""
    arn = f"arn:{where.partition}:s3:::{bucket}"
    return document([
        {"Sid": "Bucket", "Effect": "Allow", "Action": ["s3:GetBucketLocation", "s3:GetBucketVersioning", "s3:GetBucketPublicAccessBlock",
                                                        "s3:GetEncryptionConfiguration", "s3:ListBucket"], "Resource": [arn]},
        {"Sid": "State", "Effect": "Allow", "Action": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], "Resource": [f"{arn}/*"]},
        {"Sid": "Key", "Effect": "Allow", "Resource": [key],
         "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]}])
