"""The network of a cluster that gpuplane creates."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.model import AvailabilityZone, SpecModel

SMALLEST_PREFIX, LARGEST_PREFIX = 20, 16
"""A VPC has at most a /16 (Amazon VPC user guide); below a /20 the public subnets, a 256th each, would be under AWS's smallest, a /28."""

NEEDED_WITHOUT_NAT = ("ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "sts")
"""Services that nodes of a private cluster call (EKS user guide, private clusters); S3, for image layers, has its gateway endpoint."""


def _private_network(text: str) -> str:
    try:
        network = IPv4Network(text)
    except ValueError as error:
        raise PydanticCustomError("cidr", "not an IPv4 network: {reason}", {"reason": str(error)}) from None
    if not network.is_private or not LARGEST_PREFIX <= network.prefixlen <= SMALLEST_PREFIX:
        raise PydanticCustomError("cidr", "must be a private network between /{large} and /{small}, e.g. 10.40.0.0/16",
                                  {"large": LARGEST_PREFIX, "small": SMALLEST_PREFIX})
    return text


class Vpc(SpecModel):
    """A VPC with one private and one public subnet in each zone; nodes and the cluster's endpoint are in the private ones."""

    cidr: Annotated[str, AfterValidator(_private_network)]
    """Private IPv4 network, /16 to /20. Each private subnet is a 16th of it; plan for one address a pod."""
    zones: Annotated[tuple[AvailabilityZone, ...], Field(min_length=2, max_length=6)]
    """Availability zones, at least two (EKS needs them), e.g. ``[eu-central-1a, eu-central-1b]``. New ones come last: the order gives the
    subnets."""
    nat_gateways: Literal["none", "one", "one_per_zone"] = "one"
    """Ways out to the internet. ``one_per_zone`` outlives the loss of a zone; ``none`` needs every image, model and API inside."""
    interface_endpoints: tuple[Annotated[str, Field(pattern=r"^[a-z][-a-z0-9.]*$")], ...] = ()
    """AWS services that are reached inside the network, e.g. ``ecr.api``; each costs by the hour and zone. S3 has a gateway endpoint,
    which is free. Without NAT gateways nodes need ec2, ecr.api, ecr.dkr, eks, eks-auth and sts."""
    flow_log_days: Literal[1, 7, 14, 30, 60, 90, 180, 365, 731] = 90
    """How long CloudWatch keeps the log of connections."""

    @model_validator(mode="after")
    def _reachable(self) -> Vpc:
        missing = [] if self.nat_gateways != "none" else sorted(set(NEEDED_WITHOUT_NAT) - set(self.interface_endpoints))
        if missing:
            raise PydanticCustomError("unreachable", "without NAT gateways nodes cannot join: interface_endpoints lacks {missing}",
                                      {"missing": ", ".join(missing), "field": ("interface_endpoints",)})
        return self

    @property
    def private_subnets(self) -> dict[str, str]:
        """Zone to the private subnet's network: the first sixteenths, in the order of the zones."""
        return {zone: str(part) for zone, part in zip(self.zones, IPv4Network(self.cidr).subnets(4), strict=False)}

    @property
    def public_subnets(self) -> dict[str, str]:
        """Zone to the public subnet's network: 256th parts of the last sixteenth."""
        *_, last = IPv4Network(self.cidr).subnets(4)
        return {zone: str(part) for zone, part in zip(self.zones, last.subnets(4), strict=False)}
