"""The AWS account an environment is in, and what of it gpuplane creates."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.eks import Eks
from gpuplane.spec.model import AwsRegion, AwsRoleArn, OneOf
from gpuplane.spec.model_buckets import ModelBuckets
from gpuplane.spec.vpc import Vpc


class Aws(OneOf):
    """The AWS account and region; both are checked before anything is written."""

    ONE_OF = ("subnet_ids", "vpc")

    account_id: Annotated[str, Field(pattern=r"^[0-9]{12}$")]
    """Twelve digits, in quotes."""
    region: AwsRegion
    """Region of the cluster and of everything it stores, e.g. ``eu-central-1``."""
    subnet_ids: Annotated[tuple[Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}$")], ...] | None, Field(min_length=1)] = None
    """Private subnets that are there already, of the cluster and its nodes; the other way is ``vpc``."""
    vpc: Vpc | None = None
    """A network that gpuplane creates."""
    node_role_arn: AwsRoleArn | None = None
    """IAM role of the nodes, where the cluster is there already; with ``eks`` gpuplane creates the role."""
    eks: Eks | None = None
    """The cluster that gpuplane creates; left out, the EKS cluster is there already."""
    model_buckets: ModelBuckets | None = None
    """A bucket for the models of each tenant; left out, none."""

    @model_validator(mode="after")
    def _together(self) -> Aws:
        if self.eks is None and self.vpc is not None:
            raise PydanticCustomError("created", "vpc is for a cluster that gpuplane creates: it needs the block eks", {"field": ("vpc",)})
        if (self.eks is None) == (self.node_role_arn is None):
            raise PydanticCustomError("created", "exactly one of eks (gpuplane creates the role of the nodes) and node_role_arn is needed",
                                      {"field": ("node_role_arn",)})
        return self

    @model_validator(mode="after")
    def _zones(self) -> Aws:
        elsewhere = [zone for zone in self.vpc.zones if not zone.startswith(self.region)] if self.vpc else []
        if elsewhere:
            raise PydanticCustomError("zones", "{zones} are not zones of {region}",
                                      {"zones": ", ".join(elsewhere), "region": self.region, "field": ("vpc", "zones")})
        service, vpc = self.eks.service_cidr if self.eks else None, self.vpc.cidr if self.vpc else None
        if service is not None and vpc is not None and IPv4Network(service).overlaps(IPv4Network(vpc)):
            raise PydanticCustomError("overlap", "service_cidr {service} overlaps with the network {vpc}",
                                      {"service": service, "vpc": vpc, "field": ("eks", "service_cidr")})
        return self

    @property
    def partition(self) -> str:
        """First part of this region's ARNs: ``aws``, ``aws-cn`` or ``aws-us-gov``."""
        return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(self.region.rsplit("-", 2)[0], "aws")
