"""An AWS identity of one tenant's pods: a role that only one service account of one namespace of one cluster can take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from gpuplane.components.iam import AwsPlace, Statement, service_role, service_trust
from gpuplane.components.kubernetes_object import child_options

POD_SERVICE = "pods.eks.amazonaws.com"
POD_IDENTITY_AGENT = "169.254.170.23/32"
"""Where pods fetch their credentials, on port 80 of their node (EKS user guide, Pod Identity considerations)."""


@dataclass(frozen=True)
class PodIdentityArgs:
    """A role for a service account.

    Attributes:
        role_name: of the role; at most 64 characters.
        cluster_name, namespace, service_account: whose pods take it.
        place: account, region and partition.
        statements: what they may do.
        tags: AWS tags.
    """

    role_name: str
    cluster_name: str
    namespace: str
    service_account: str
    place: AwsPlace
    statements: tuple[Statement, ...]
    tags: Mapping[str, str] = field(default_factory=dict)


class PodIdentity(pulumi.ComponentResource):
    """The role, and its association with the service account.

    Attributes:
        role: the role, to wait for: a key policy that names a role which is not there yet is refused.
    """

    role: pulumi.Resource

    def __init__(self, name: str, args: PodIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:PodIdentity", name, {"namespace": args.namespace, "role": args.role_name}, opts)
        from pulumi_aws import eks

        child = child_options(self, opts)
        role = service_role(args.role_name, POD_SERVICE, args.place, args.tags, child, args.statements,
                            trust=pod_trust(args.place, args.cluster_name, args.namespace, args.service_account))
        eks.PodIdentityAssociation(name, cluster_name=args.cluster_name, namespace=args.namespace, service_account=args.service_account,
                                   role_arn=role.arn, region=args.place.region, tags=dict(args.tags), opts=child)
        self.role = role
        self.register_outputs({"role": args.role_name})


def pod_trust(place: AwsPlace, cluster: str, namespace: str, service_account: str) -> str:
    """Trust policy for the pods of one service account; EKS puts these tags on the session (EKS user guide, Pod Identity)."""
    whose = {"aws:SourceAccount": place.account_id, "aws:RequestTag/eks-cluster-name": cluster,
             "aws:RequestTag/kubernetes-namespace": namespace, "aws:RequestTag/kubernetes-service-account": service_account}
    return service_trust(POD_SERVICE, place, actions=("sts:AssumeRole", "sts:TagSession"), condition={"StringEquals": whose})
