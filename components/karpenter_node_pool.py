"""GPU nodes that Karpenter starts on AWS: a ``NodePool`` (karpenter.sh/v1) and its ``EC2NodeClass`` (karpenter.k8s.aws/v1).

It owns these two objects. Karpenter itself, its roles and its interruption queue are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from gpuplane.components.gpu_quotas import TaintArgs
from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata
from gpuplane.components.launch_template import BOTTLEROCKET_OS_GIB
from gpuplane.spec.vocabulary import GPU, POOL, SOURCE

NODE_POOL = "karpenter.sh/v1"
NODE_CLASS = "karpenter.k8s.aws/v1"
CAPACITY_TYPES: Mapping[str, str] = {"on_demand": "on-demand", "spot": "spot", "reserved": "reserved"}
"""Purchase option to the value of ``karpenter.sh/capacity-type``; Karpenter prefers reserved, then spot."""


@dataclass(frozen=True)
class NodeClassArgs:
    """How a node is made.

    Attributes:
        role: IAM role of the nodes, its name.
        ami: one selector term: ``{"alias": …}`` or ``{"id": …}``.
        ami_family: ``AL2023`` or ``Bottlerocket``; None where the alias says it.
        subnets, security_groups: selector terms.
        disk_gib: encrypted gp3 volume for images and weights, in GiB.
        bottlerocket: whether that is the second volume.
        disk_kms_key_arn: KMS key of the volumes; None: the account's default key.
        instance_store: ``RAID0`` of the NVMe disks instead of the volume; None: they are not used.
        max_pods: pods of a node; None: by its network interfaces.
        capacity_reservation_ids: where reserved nodes start.
        efa_interfaces: network cards, each with an EFA interface; 0 for ordinary ones.
        placement_group: name of the one that nodes start in; None: wherever there is capacity.
        tags: AWS tags.
    """

    role: str
    ami: Mapping[str, str]
    subnets: tuple[Mapping[str, Any], ...]
    security_groups: tuple[Mapping[str, Any], ...]
    ami_family: str | None = None
    disk_gib: int = 200
    bottlerocket: bool = False
    disk_kms_key_arn: str | None = None
    instance_store: str | None = None
    max_pods: int | None = None
    capacity_reservation_ids: tuple[str, ...] = ()
    efa_interfaces: int = 0
    placement_group: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BudgetArgs:
    """Nodes (a number or a percentage) that may end at a time, in a window (cron in UTC, hours), for some reasons."""

    nodes: str
    schedule: str | None = None
    hours: int | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class KarpenterNodePoolArgs:
    """A pool.

    Attributes:
        pool: its name; also the label that its ResourceFlavor selects.
        node: how a node is made.
        instance_types, capacity_types: what Karpenter may choose from.
        region, zones: where; no zones: all of the subnets'.
        max_nodes, gpus_per_node, vcpus_per_node: the limits, the last two by the largest instance type.
        static_nodes: nodes that always run; None: as many as pods need.
        weight: of several pools the heaviest is tried first.
        consolidate_when: ``WhenEmpty`` or ``WhenEmptyOrUnderutilized``; after so many seconds.
        budgets: how many nodes may end at a time.
        expire_after_hours: age at which a node is replaced; None: never.
        termination_grace_seconds: pods are deleted after so long; None: waited for.
        labels, taints: of the nodes.
        source: document that asked for it.
    """

    pool: str
    node: NodeClassArgs
    instance_types: tuple[str, ...]
    region: str
    max_nodes: int
    gpus_per_node: int
    vcpus_per_node: int
    capacity_types: tuple[str, ...] = ("on_demand",)
    zones: tuple[str, ...] = ()
    static_nodes: int | None = None
    weight: int | None = None
    consolidate_when: str = "WhenEmpty"
    consolidate_after_seconds: int = 600
    budgets: tuple[BudgetArgs, ...] = ()
    expire_after_hours: int | None = None
    termination_grace_seconds: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[TaintArgs, ...] = ()
    source: str = ""


class KarpenterNodePool(pulumi.ComponentResource):
    """Node class and node pool."""

    def __init__(self, name: str, args: KarpenterNodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:KarpenterNodePool", name, {"pool": args.pool}, opts)
        child = child_options(self, opts)
        node_class = KubernetesObject(args.pool, node_class_manifest(args), child)
        after = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[node_class]))
        KubernetesObject(args.pool, node_pool_manifest(args), after)
        self.register_outputs({"pool": args.pool})


def node_class_manifest(args: KarpenterNodePoolArgs) -> Manifest:
    """The EC2NodeClass."""
    node = args.node
    spec: dict[str, Any] = {
        "role": node.role, "amiFamily": node.ami_family, "amiSelectorTerms": [dict(node.ami)],
        "subnetSelectorTerms": [dict(term) for term in node.subnets],
        "securityGroupSelectorTerms": [dict(term) for term in node.security_groups],
        "capacityReservationSelectorTerms": [{"id": each} for each in sorted(node.capacity_reservation_ids)],
        "networkInterfaces": _interfaces(node.efa_interfaces),
        "placementGroupSelector": {"name": node.placement_group} if node.placement_group is not None else None,
        "blockDeviceMappings": _disks(node), "instanceStorePolicy": node.instance_store,
        # Version 2 of the metadata service, and one hop: a pod cannot take the node's identity.
        "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
        "kubelet": {"maxPods": node.max_pods} if node.max_pods is not None else None,
        "tags": dict(sorted(node.tags.items()))}
    return {"apiVersion": NODE_CLASS, "kind": "EC2NodeClass", "metadata": _metadata(args), "spec": _said(spec)}


def node_pool_manifest(args: KarpenterNodePoolArgs) -> Manifest:
    """The NodePool."""
    static = args.static_nodes is not None
    limits = {"nodes": str(args.max_nodes)} if static else {
        GPU: str(args.max_nodes * args.gpus_per_node), "cpu": str(args.max_nodes * args.vcpus_per_node)}
    spec: dict[str, Any] = {
        "replicas": args.static_nodes, "weight": args.weight, "limits": limits, "disruption": _said({
            "consolidationPolicy": args.consolidate_when, "consolidateAfter": f"{args.consolidate_after_seconds}s",
            "budgets": [_budget(budget) for budget in args.budgets]}),
        "template": {"metadata": {"labels": dict(sorted({POOL: args.pool, **args.labels}.items()))}, "spec": _template(args)}}
    return {"apiVersion": NODE_POOL, "kind": "NodePool", "metadata": _metadata(args), "spec": _said(spec)}


def _metadata(args: KarpenterNodePoolArgs) -> dict[str, Any]:
    return metadata(args.pool, annotations={SOURCE: args.source} if args.source else None)


def _template(args: KarpenterNodePoolArgs) -> dict[str, Any]:
    grace = args.termination_grace_seconds
    return _said({
        "nodeClassRef": {"group": NODE_CLASS.partition("/")[0], "kind": "EC2NodeClass", "name": args.pool},
        "requirements": [{"key": key, "operator": "In", "values": list(values)} for key, values in _requirements(args) if values],
        "taints": [{"key": taint.key, "value": taint.value, "effect": taint.effect} for taint in args.taints],
        "expireAfter": f"{args.expire_after_hours}h" if args.expire_after_hours is not None else "Never",
        "terminationGracePeriod": f"{grace}s" if grace is not None else None})


def _requirements(args: KarpenterNodePoolArgs) -> list[tuple[str, tuple[str, ...]]]:
    return [("node.kubernetes.io/instance-type", args.instance_types),
            ("karpenter.sh/capacity-type", tuple(CAPACITY_TYPES[each] for each in args.capacity_types)),
            ("topology.kubernetes.io/region", (args.region,)),
            ("topology.kubernetes.io/zone", tuple(sorted(args.zones)))]


def _budget(args: BudgetArgs) -> dict[str, Any]:
    window = {"schedule": args.schedule, "duration": f"{args.hours}h"} if args.schedule is not None else {}
    return _said({"nodes": args.nodes, **window, "reasons": list(args.reasons)})


def _disks(node: NodeClassArgs) -> list[dict[str, Any]]:
    disks = [("/dev/xvda", BOTTLEROCKET_OS_GIB), ("/dev/xvdb", node.disk_gib)] if node.bottlerocket else [("/dev/xvda", node.disk_gib)]
    return [{"deviceName": device, "rootVolume": device == disks[-1][0], "ebs": _said({
        "volumeSize": f"{gib}Gi", "volumeType": "gp3", "encrypted": True, "deleteOnTermination": True, "kmsKeyID": node.disk_kms_key_arn})}
        for device, gib in disks]


def _interfaces(cards: int) -> list[dict[str, Any]]:
    """The node's address on the first card, and an EFA on each, which takes none (Karpenter v1.14 ``spec.networkInterfaces``)."""
    if not cards:
        return []
    efas = [{"networkCardIndex": card, "deviceIndex": 0 if card else 1, "interfaceType": "efa-only"} for card in range(cards)]
    return [{"networkCardIndex": 0, "deviceIndex": 0, "interfaceType": "interface"}, *efas]


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What is not empty: Karpenter reads an empty list of terms as none that can be met."""
    return {key: value for key, value in fields.items() if value not in (None, [], {})}
