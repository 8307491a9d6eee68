"""Whether state is kept well: secrets encrypted, a history to go back to, nothing public."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from gpuplane.delivery.applying import states
from gpuplane.delivery.applying.aws_cli import AwsCli, AwsRefused
from gpuplane.delivery.applying.state_copies import stacks_there
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.secrets_provider import difference, provider_of
from gpuplane.spec.environment_spec import EnvironmentSpec


class Aws(Protocol):
    """What calls AWS."""

    def call(self, service: str, operation: str, **arguments: object) -> Mapping[str, object]:
        """One operation."""


def require_account(aws: Aws, environment: str, account: str) -> None:
    """Return only if the credentials are of the environment's account.

    Raises:
        CannotStart: they are another account's.
        EngineFailed: AWS does not answer.
    """
    found = aws.call("sts", "get-caller-identity").get("Account")
    if found != account:
        raise CannotStart(f"these credentials are of account {found}, {environment} is in {account}. Log in there.")


def problems(spec: EnvironmentSpec, variables: Mapping[str, str], aws: Aws | None = None) -> list[str]:
    """What is wrong with an environment's state, or cannot be known; each with what to do.

    Raises:
        EngineFailed: the backend cannot be read.
    """
    backend = variables["PULUMI_BACKEND_URL"]
    found = [_encryption_problem(spec, name, states.deployment(name, variables)) for name in stacks_there(spec, variables)]
    return [*filter(None, found), *backend_problems(spec, backend, aws)]


def _encryption_problem(spec: EnvironmentSpec, name: str, state: Mapping[str, Any]) -> str | None:
    if not provider_of(state):
        return f"{name}: its secrets are not encrypted. `pulumi stack change-secrets-provider` gives it a key."
    return difference(spec, name, state)


def backend_problems(spec: EnvironmentSpec, backend: str, aws: Aws | None = None) -> Iterator[str]:
    """The same of the backend alone."""
    parts = urlsplit(backend)
    if parts.scheme == "file":
        if spec.environment.spec.protected:
            yield f"{backend}: a folder has no versions and no locks across machines. Keep a protected environment's state in a bucket."
    elif parts.scheme == "s3":
        region = (parse_qs(parts.query).get("region") or [spec.environment.spec.region or ""])[0]
        yield from bucket_problems(parts.netloc, aws or AwsCli(region))
    elif parts.scheme not in ("https",):
        yield f"{backend}: gpuplane cannot see whether this keeps versions. See to it that it does."


def bucket_problems(bucket: str, aws: Aws) -> Iterator[str]:
    """What an S3 bucket for state lacks."""
    again = "`gpuplane bootstrap ENV` sets it."
    if _answer(aws, "get-bucket-versioning", bucket).get("Status") != "Enabled":
        yield f"s3://{bucket}: versioning is off: a state that was written over is lost. {again}"
    block = _answer(aws, "get-public-access-block", bucket).get("PublicAccessBlockConfiguration")
    if not isinstance(block, Mapping) or not all(block.get(key) for key in (
            "BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")):
        yield f"s3://{bucket}: public access is not blocked. {again}"
    if "ServerSideEncryptionConfiguration" not in _answer(aws, "get-bucket-encryption", bucket):
        yield f"s3://{bucket}: no key of its own encrypts it. {again}"


def _answer(aws: Aws, operation: str, bucket: str) -> Mapping[str, object]:
    try:
        return aws.call("s3api", operation, Bucket=bucket)
    except AwsRefused as error:
        if error.code in ("NoSuchPublicAccessBlockConfiguration", "ServerSideEncryptionConfigurationNotFoundError"):
            return {}
        raise
