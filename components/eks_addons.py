"""EKS add-ons at pinned versions, with identities of their own.

Two are configured, because the defaults would quietly undo what the platform promises: the network plugin enforces
NetworkPolicies only where it is told to, and the pods of the volume driver get a role through Pod Identity.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from gpuplane.components.iam import AwsPlace, service_role
from gpuplane.components.kubernetes_object import child_options
from gpuplane.components.pod_identity import POD_SERVICE, pod_trust

ON_NODES = ("eks-node-monitoring-agent", "eks-pod-identity-agent", "kube-proxy", "vpc-cni")
"""Add-ons that are DaemonSets: nodes become ready with them, so they come before the nodes; the others run on nodes."""
_NAMESPACE = "kube-system"
_IDENTITIES: Mapping[str, tuple[str, str]] = {
    "aws-ebs-csi-driver": ("ebs-csi-controller-sa", "service-role/AmazonEBSCSIDriverPolicy"),
    "vpc-cni": ("aws-node", "AmazonEKS_CNI_Policy")}
"""Add-on to the service account of its pods and the policy they need (EKS user guide, AWS add-ons)."""
_CONFIGURATION: Mapping[str, Mapping[str, object]] = {"vpc-cni": {"enableNetworkPolicy": "true"}}
"""Configuration that is stated; the VPC CNI takes text for a boolean (EKS user guide, network policies)."""


@dataclass(frozen=True)
class EksAddonsArgs:
    """Add-ons of a cluster: name to version, e.g. ``{"coredns": "v1.13.2-eksbuild.4"}``."""

    cluster_name: str
    place: AwsPlace
    versions: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)


class EksAddons(pulumi.ComponentResource):
    """Some of a cluster's add-ons: those on nodes before there are nodes, the others after."""

    def __init__(self, name: str, args: EksAddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:EksAddons", name, {"cluster": args.cluster_name}, opts)
        self._args, self._opts = args, child_options(self, opts)
        for addon in sorted(args.versions):
            self._addon(addon)
        self.register_outputs({"cluster": args.cluster_name})

    def _addon(self, addon: str) -> None:
        from pulumi_aws import eks

        configuration = _CONFIGURATION.get(addon)
        eks.Addon(addon, cluster_name=self._args.cluster_name, addon_name=addon, addon_version=self._args.versions[addon],
                  region=self._args.place.region,
                  configuration_values=json.dumps(configuration, sort_keys=True) if configuration else None,
                  pod_identity_associations=self._identity(addon),
                  # What somebody changed by hand is set back when the add-on is created, and kept when it is upgraded.
                  resolve_conflicts_on_create="OVERWRITE", resolve_conflicts_on_update="PRESERVE",
                  tags=dict(self._args.tags), opts=self._opts)

    def _identity(self, addon: str) -> Any:
        if addon not in _IDENTITIES:
            return None
        account, policy = _IDENTITIES[addon]
        args = self._args
        role = service_role(f"{args.cluster_name}-{addon}", POD_SERVICE, args.place, args.tags, self._opts, managed_policies=(policy,),
                            trust=pod_trust(args.place, args.cluster_name, _NAMESPACE, account))
        return [{"service_account": account, "role_arn": role.arn}]
