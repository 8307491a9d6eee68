"""Where secrets lie."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gpuplane.spec.model import (
    AwsRegion,
    SpecModel,
)


class AwsSecretsManager(SpecModel):
    """AWS Secrets Manager, read with the tenant's own role."""

    region: AwsRegion
    """Region the secrets lie in."""
    role_arn_template: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/.*\{tenant\}.*$")]
    """Role of each tenant; ``{tenant}`` is its name."""


class SecretStore(SpecModel):
    """A secret store that tenants may refer to (External Secrets Operator)."""

    aws_secrets_manager: AwsSecretsManager
