"""The launch template of an EKS node group: what every node of it is made with. Pure values in the spelling of pulumi-aws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpuplane.components.node_user_data import user_data

BOTTLEROCKET_OS_GIB = 4
"""Size of Bottlerocket's first volume, which holds the system alone; images and pods live on the second."""


@dataclass(frozen=True)
class NodeTemplateArgs:
    """One node.

    Attributes:
        disk_gib: encrypted gp3 volume for images and weights, in GiB.
        bottlerocket: Bottlerocket, and Amazon Linux 2023 otherwise.
        disk_kms_key_arn: KMS key of the volumes; None: the account's default key.
        max_pods, shutdown_grace_seconds: what the kubelet is told; None: the image's own.
        efa_interfaces: network cards, each with an EFA interface; 0 for an ordinary one.
        security_group_ids: of these interfaces.
        capacity_reservation_id: where nodes start; None: wherever there is capacity.
        capacity_block: whether that reservation is a Capacity Block for ML.
        instance_type: named here for capacity blocks alone, as EKS wants it.
    """

    disk_gib: int = 200
    bottlerocket: bool = False
    disk_kms_key_arn: str | None = None
    max_pods: int | None = None
    shutdown_grace_seconds: int | None = None
    efa_interfaces: int = 0
    security_group_ids: tuple[str, ...] = ()
    capacity_reservation_id: str | None = None
    capacity_block: bool = False
    instance_type: str | None = None


def template(args: NodeTemplateArgs, tags: Mapping[str, str]) -> dict[str, Any]:
    """Arguments of ``ec2.LaunchTemplate``, without its name and placement."""
    found: dict[str, Any] = {
        "block_device_mappings": _disks(args),
        # Version 2 of the metadata service, and one hop: a pod cannot take the node's identity.
        "metadata_options": {"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
        "tag_specifications": [{"resource_type": kind, "tags": dict(tags)} for kind in ("instance", "volume", "network-interface")],
        "user_data": user_data(args.bottlerocket, args.max_pods, args.shutdown_grace_seconds),
    }
    if args.efa_interfaces:
        found["network_interfaces"] = [_interface(card, args.security_group_ids) for card in range(args.efa_interfaces)]
    if args.capacity_reservation_id is not None:
        found["capacity_reservation_specification"] = {
            "capacity_reservation_target": {"capacity_reservation_id": args.capacity_reservation_id}}
    if args.capacity_block:
        found |= {"instance_market_options": {"market_type": "capacity-block"}, "instance_type": args.instance_type}
    return {key: value for key, value in found.items() if value is not None}


def _disks(args: NodeTemplateArgs) -> list[dict[str, Any]]:
    if not args.bottlerocket:
        return [_disk("/dev/xvda", args.disk_gib, args)]
    return [_disk("/dev/xvda", BOTTLEROCKET_OS_GIB, args), _disk("/dev/xvdb", args.disk_gib, args)]


def _disk(device: str, gib: int, args: NodeTemplateArgs) -> dict[str, Any]:
    ebs = {"volume_size": gib, "volume_type": "gp3", "encrypted": "true", "delete_on_termination": "true"}
    return {"device_name": device, "ebs": {**ebs, **({"kms_key_id": args.disk_kms_key_arn} if args.disk_kms_key_arn else {})}}


def _interface(card: int, security_groups: tuple[str, ...]) -> dict[str, Any]:
    """The first card carries the node's address and EFA; the others EFA alone, so that they take no addresses of the subnet."""
    return {"network_card_index": card, "device_index": 0 if card == 0 else 1, "interface_type": "efa" if card == 0 else "efa-only",
            "security_groups": list(security_groups), "delete_on_termination": "true"}
