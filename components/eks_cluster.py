"""An EKS cluster as a platform for personal data needs it: private endpoint, Secrets encrypted with a key of its own, audit log.

Who may enter is access entries alone; the old ConfigMap of identities is switched off. It owns the role of the nodes too:
whatever gives nodes to the cluster, node groups or Karpenter, names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from gpuplane.components.iam import AwsPlace, document, service_role
from gpuplane.components.kubernetes_object import child_options

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
"""All the logs that the control plane has (EKS CreateCluster)."""
NODE_POLICIES = ("AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodePolicy")
"""What nodes need; what the network plugin needs is a role of its pods (EKS user guide, node IAM role)."""


@dataclass(frozen=True)
class ClusterAccessArgs:
    """One IAM role that may enter: with an EKS access policy, in ``namespaces`` or everywhere, or as Kubernetes groups."""

    role_arn: str
    policy: str | None = None
    namespaces: tuple[str, ...] = ()
    kubernetes_groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class EksClusterArgs:
    """A cluster.

    Attributes:
        name: of the cluster.
        place: account, region and partition.
        version: Kubernetes minor version, e.g. ``1.36``.
        subnet_ids: private subnets in at least two zones.
        public_access_cidrs: networks that may reach the endpoint from the internet; empty: it is private.
        kms_key_arn: key for Secrets; None: one is created.
        audit_log_days: how long the control plane's logs are kept.
        support: ``standard`` or ``extended``.
        service_cidr: addresses of Services; None for EKS's choice.
        access: who may enter, besides the role that creates the cluster.
        deletion_protection: True: AWS itself refuses to delete the cluster.
        tags: AWS tags.
    """

    name: str
    place: AwsPlace
    version: str
    subnet_ids: Sequence[pulumi.Input[str]]
    public_access_cidrs: tuple[str, ...] = ()
    kms_key_arn: str | None = None
    audit_log_days: int = 365
    support: str = "standard"
    service_cidr: str | None = None
    access: tuple[ClusterAccessArgs, ...] = ()
    deletion_protection: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


class EksCluster(pulumi.ComponentResource):
    """The cluster, its roles, key, log and access entries.

    Attributes:
        cluster: the cluster itself, to wait for.
        endpoint: URL of its API server.
        certificate_authority: base64 of the certificate that its API server is signed by.
    """

    cluster: pulumi.Resource
    endpoint: pulumi.Output[str]
    certificate_authority: pulumi.Output[str]

    def __init__(self, name: str, args: EksClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:EksCluster", name, {"name": args.name, "version": args.version}, opts)
        from pulumi_aws import eks

        self._args, self._name, self._opts = args, name, child_options(self, opts)
        role = service_role(f"{args.name}-cluster", "eks.amazonaws.com", args.place, args.tags, self._opts,
                            managed_policies=("AmazonEKSClusterPolicy",))
        self._node_role()
        # The cluster would make a log group that keeps everything for ever; it has to be there first.
        logs = self._log_group()
        network: Any = {"subnet_ids": list(args.subnet_ids), "endpoint_private_access": True,
                        "endpoint_public_access": bool(args.public_access_cidrs)}
        if args.public_access_cidrs:
            network["public_access_cidrs"] = sorted(args.public_access_cidrs)
        services: Any = {"ip_family": "ipv4", "service_ipv4_cidr": args.service_cidr} if args.service_cidr else None
        cluster = eks.Cluster(
            name, name=args.name, region=args.place.region, role_arn=role.arn, version=args.version, vpc_config=network,
            access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": True},
            bootstrap_self_managed_addons=False, enabled_cluster_log_types=list(LOG_TYPES),
            encryption_config={"resources": ["secrets"], "provider": {"key_arn": self._key()}},
            upgrade_policy={"support_type": args.support.upper()}, deletion_protection=args.deletion_protection,
            kubernetes_network_config=services,
            tags=dict(args.tags), opts=pulumi.ResourceOptions.merge(self._opts, pulumi.ResourceOptions(depends_on=[logs])))
        self.cluster, self.endpoint = cluster, cluster.endpoint
        self.certificate_authority = cluster.certificate_authority.apply(lambda found: found.data or "")
        for entry in args.access:
            self._access(entry)
        self.register_outputs({"name": args.name})

    def _key(self) -> pulumi.Input[str]:
        if self._args.kms_key_arn is not None:
            return self._args.kms_key_arn
        from pulumi_aws import kms

        key = kms.Key(f"{self._name}-secrets", description=f"Kubernetes Secrets of the cluster {self._args.name}", enable_key_rotation=True,
                      deletion_window_in_days=30, region=self._args.place.region, tags=dict(self._args.tags),
                      opts=pulumi.ResourceOptions.merge(self._opts, pulumi.ResourceOptions(retain_on_delete=True)))
        kms.Alias(f"{self._name}-secrets", name=f"alias/{self._args.name}-secrets", target_key_id=key.id,
                  region=self._args.place.region, opts=self._opts)
        return key.arn

    def _log_group(self) -> pulumi.Resource:
        from pulumi_aws import cloudwatch

        return cloudwatch.LogGroup(f"{self._name}-control-plane", name=f"/aws/eks/{self._args.name}/cluster",
                                   retention_in_days=self._args.audit_log_days, region=self._args.place.region, tags=dict(self._args.tags),
                                   opts=pulumi.ResourceOptions.merge(self._opts, pulumi.ResourceOptions(retain_on_delete=True)))

    def _node_role(self) -> None:
        # EC2 hands a role to instances without saying for which account: this trust takes no such condition.
        trust = document([{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": ["sts:AssumeRole"]}])
        service_role(node_role_name(self._args.name), "ec2.amazonaws.com", self._args.place, self._args.tags, self._opts,
                     managed_policies=NODE_POLICIES, trust=trust)

    def _access(self, entry: ClusterAccessArgs) -> None:
        from pulumi_aws import eks

        place, after = self._args.place, pulumi.ResourceOptions.merge(self._opts, pulumi.ResourceOptions(depends_on=[self.cluster]))
        common: dict[str, Any] = {"cluster_name": self._args.name, "principal_arn": entry.role_arn, "region": place.region}
        short = f"{self._name}-{entry.role_arn.rpartition('role/')[2].replace('/', '-')}"
        made = eks.AccessEntry(short, type="STANDARD", kubernetes_groups=sorted(entry.kubernetes_groups) or None,
                               tags=dict(self._args.tags), **common, opts=after)
        if entry.policy is None:
            return
        scope: Any = {"type": "namespace", "namespaces": sorted(entry.namespaces)} if entry.namespaces else {"type": "cluster"}
        eks.AccessPolicyAssociation(
            short, policy_arn=f"arn:{place.partition}:eks::aws:cluster-access-policy/{entry.policy}", access_scope=scope, **common,
            opts=pulumi.ResourceOptions.merge(self._opts, pulumi.ResourceOptions(depends_on=[made])))


def node_role_name(cluster: str) -> str:
    """Name of the role of a cluster's nodes."""
    return f"{cluster}-nodes"
