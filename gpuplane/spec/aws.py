"""The AWS account an environment is in."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gpuplane.spec.model import (
    AwsRegion,
    SpecModel,
)


class Aws(SpecModel):
    """The AWS account and region; both are checked before anything is written."""

    account_id: Annotated[str, Field(pattern=r"^[0-9]{12}$")]
    """Twelve digits, in quotes."""
    region: AwsRegion
    """Region of the cluster and of everything it stores, e.g. ``eu-central-1``."""
    subnet_ids: Annotated[tuple[Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}$")], ...], Field(min_length=1)]
    """Private subnets of the node groups."""
    node_role_arn: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$")]
    """IAM role of the nodes."""
