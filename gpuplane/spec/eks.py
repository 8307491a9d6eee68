"""The EKS cluster that gpuplane creates."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.model import AwsKeyArn, AwsRoleArn, Cidr, DnsLabel, OneOf, SpecModel

REQUIRED_ADDONS = ("aws-ebs-csi-driver", "coredns", "eks-pod-identity-agent", "kube-proxy", "vpc-cni")
"""Without them there are no network policies, names, volumes or identities of pods."""


class SystemNodes(SpecModel):
    """Nodes without GPUs, for the platform's own controllers: no GPU pool takes them."""

    instance_types: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z0-9-]+\.[a-z0-9-]+$")], ...], Field(min_length=1)]
    """EC2 instance types, by preference, e.g. ``[m7i.xlarge]``."""
    ami_type: Literal["AL2023_x86_64_STANDARD", "AL2023_ARM_64_STANDARD", "BOTTLEROCKET_x86_64",
                      "BOTTLEROCKET_ARM_64"] = "AL2023_x86_64_STANDARD"
    """EKS AMI family."""
    release_version: Annotated[str, Field(max_length=64, pattern=r"^[0-9]+\.[0-9]+\.[0-9]+-([0-9]{8}|[0-9a-f]{8})$")]
    """Pinned AMI release, e.g. ``1.36.3-20261104``."""
    min_nodes: Annotated[int, Field(ge=1, le=100)] = 2
    """Nodes that always run; two, so that one may fail."""
    max_nodes: Annotated[int, Field(ge=1, le=100)] = 4
    """Nodes that there can be."""
    disk_gib: Annotated[int, Field(ge=20, le=16384)] = 80
    """Encrypted gp3 root volume, in GiB."""

    @model_validator(mode="after")
    def _bounds(self) -> SystemNodes:
        if self.min_nodes > self.max_nodes:
            raise PydanticCustomError("bounds", "min_nodes {low} is more than max_nodes {high}",
                                      {"low": self.min_nodes, "high": self.max_nodes, "field": ("min_nodes",)})
        return self


class ClusterAccess(OneOf):
    """What one IAM role may do in the cluster (an EKS access entry)."""

    ONE_OF = ("policy", "kubernetes_groups")

    role_arn: AwsRoleArn
    """The role."""
    policy: Literal["AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy", "AmazonEKSAdminViewPolicy", "AmazonEKSEditPolicy",
                    "AmazonEKSViewPolicy"] | None = None
    """An access policy of EKS."""
    namespaces: tuple[DnsLabel, ...] = ()
    """Namespaces that the policy is for; left out, the whole cluster."""
    kubernetes_groups: tuple[Annotated[str, Field(min_length=1, max_length=253)], ...] | None = None
    """Kubernetes groups, as tenants name them under ``access``; what they may do is in the tenant's roles."""

    @model_validator(mode="after")
    def _scope(self) -> ClusterAccess:
        if self.namespaces and self.policy is None:
            raise PydanticCustomError("group_scope", "namespaces are of a policy; groups are bound by roles", {"field": ("namespaces",)})
        reserved = [group for group in self.kubernetes_groups or () if group.startswith("system:")]
        if reserved:
            raise PydanticCustomError("group", "{groups}: EKS takes no group that begins with system:",
                                      {"groups": ", ".join(reserved), "field": ("kubernetes_groups",)})
        return self


def _service_network(text: str) -> str:
    try:
        network = IPv4Network(text)
    except ValueError as error:
        raise PydanticCustomError("cidr", "not an IPv4 network: {reason}", {"reason": str(error)}) from None
    if not network.is_private or not 12 <= network.prefixlen <= 24:
        raise PydanticCustomError("cidr", "must be a private network between /12 and /24, e.g. 172.20.0.0/16")
    return text


class Eks(SpecModel):
    """An EKS cluster: private endpoint, secrets encrypted with a key of its own, audit log, access by IAM roles."""

    public_access_cidrs: tuple[Cidr, ...] = ()
    """Networks that may reach the endpoint from the internet; left out, it is private."""
    kms_key_arn: AwsKeyArn | None = None
    """Key that encrypts Kubernetes Secrets; left out, gpuplane creates one that rotates each year."""
    audit_log_days: Literal[30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653] = 365
    """How long CloudWatch keeps the logs of the control plane, the audit log among them."""
    support: Literal["standard", "extended"] = "standard"
    """``extended``: the version may outlive its standard support, at six times the price of the control plane."""
    service_cidr: Annotated[str, AfterValidator(_service_network)] | None = None
    """Addresses of Services; left out, EKS takes 10.100.0.0/16 or 172.20.0.0/16."""
    access: tuple[ClusterAccess, ...] = ()
    """IAM roles that may enter, besides the role that creates the cluster."""
    addons: dict[Annotated[str, Field(pattern=r"^[a-z][-a-z0-9_]*$")],
                 Annotated[str, Field(max_length=64, pattern=r"^v[0-9]+\.[0-9]+\.[0-9]+-eksbuild\.[0-9]+$")]]
    """EKS add-ons and their pinned versions, e.g. ``coredns: v1.13.2-eksbuild.4``."""
    system_nodes: SystemNodes

    @model_validator(mode="after")
    def _complete(self) -> Eks:
        missing = [name for name in REQUIRED_ADDONS if name not in self.addons]
        if missing:
            raise PydanticCustomError("addons", "missing: {names}. The platform needs them",
                                      {"names": ", ".join(missing), "field": ("addons",)})
        if "0.0.0.0/0" in self.public_access_cidrs:
            raise PydanticCustomError("open", "0.0.0.0/0 opens the endpoint to everybody: name networks, or leave it private",
                                      {"field": ("public_access_cidrs",)})
        twice = sorted({one.role_arn for one in self.access if [other.role_arn for other in self.access].count(one.role_arn) > 1})
        if twice:
            raise PydanticCustomError("twice", "{roles}: a role has one entry", {"roles": ", ".join(twice), "field": ("access",)})
        return self
