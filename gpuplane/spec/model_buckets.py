"""Where tenants keep their models in AWS."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gpuplane.spec.model import AwsRoleArn, Cidr, SpecModel


class ModelBuckets(SpecModel):
    """A bucket with a key of its own for each tenant: its pods alone may read, and only the roles named here may write."""

    name_prefix: Annotated[str, Field(pattern=r"^[a-z0-9][-a-z0-9]{1,21}$")]
    """Buckets are called ``PREFIX-TENANT``; bucket names are unique over all of AWS, e.g. ``example-prod-models``."""
    publisher_role_arns: Annotated[tuple[AwsRoleArn, ...], Field(min_length=1, max_length=20)]
    """Roles that put models there: the pipeline that has checked them."""
    s3_cidrs: Annotated[tuple[Cidr, ...], Field(min_length=1, max_length=50)]
    """Addresses of S3 in the region, which tenants' pods may reach on port 443: S3's managed prefix list, or an interface endpoint's."""
    noncurrent_days: Annotated[int, Field(ge=1, le=3650)] = 90
    """How long replaced and deleted files can be brought back."""
    archive_after_days: Annotated[int | None, Field(ge=30, le=3650)] = None
    """After how many days replaced files move to S3 Glacier Instant Retrieval; left out, never."""

    access_log_bucket: Annotated[str | None, Field(pattern=r"^[a-z0-9][-a-z0-9.]{1,61}[a-z0-9]$")] = None
    """Bucket in the same region and account that is there already, in which S3 records who reads them; left out, a CloudTrail trail of
    the account does, or nothing."""

    def bucket(self, tenant: str) -> str:
        """Name of a tenant's bucket; the prefix leaves room for the longest tenant (63 characters in all)."""
        return f"{self.name_prefix}-{tenant}"
