"""What the cloud charges beside the nodes, by use or by piece: the block ``cloud_use`` of environments and tenants."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gpuplane.spec.model import SpecModel

Amount = Annotated[int, Field(ge=0, le=1_000_000_000)]
Pieces = Annotated[int, Field(ge=0, le=10_000)]


class CloudUse(SpecModel):
    """What is used in a month beside the nodes, as far as somebody says it; AWS alone. What is left out is in no figure."""

    application_load_balancers: Pieces = 0
    """Application Load Balancers, without their capacity units."""
    network_load_balancers: Pieces = 0
    """Network Load Balancers, without their capacity units."""
    nat_gateways: Pieces = 0
    """NAT gateways."""
    nat_gib_per_month: Amount = 0
    """Traffic through NAT gateways, in GiB a month."""
    egress_gib_per_month: Amount = 0
    """Traffic out to the internet, in GiB a month."""
    inter_zone_gib_per_month: Amount = 0
    """Traffic that crosses from one zone to another, in GiB a month; AWS charges it at both ends."""
    object_storage_gib: Amount = 0
    """What lies in S3 Standard on average, in GiB."""
