"""Nodes of a pool that keep weights on their own disks: KServe's LocalModelNodeGroup, with the volume it makes on each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata
from gpuplane.components.quantity import gib
from gpuplane.spec.vocabulary import KSERVE_RUNTIME

HOST_PATH = "/mnt/models"
"""Where the nodes keep them: the path of KServe's node agent (``kserve.localmodel.agent.hostPath`` of its chart, v0.20.0)."""
STORAGE_CLASS = "gpuplane-model-cache"
"""Name that joins the volumes to their claims; there is no such StorageClass, for nothing provisions them."""


@dataclass(frozen=True)
class ModelCacheNodesArgs:
    """The nodes of one pool.

    Attributes:
        pool: name of the pool, which is the group's.
        node_labels: labels that select its nodes.
        disk_gib: room for weights on each of them.
    """

    pool: str
    disk_gib: int
    node_labels: Mapping[str, str] = field(default_factory=dict)


class ModelCacheNodes(pulumi.ComponentResource):
    """One LocalModelNodeGroup."""

    def __init__(self, name: str, args: ModelCacheNodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:ModelCacheNodes", name, {"pool": args.pool}, opts)
        KubernetesObject(args.pool, manifest(args), child_options(self, opts))
        self.register_outputs({"name": args.pool})


def manifest(args: ModelCacheNodesArgs) -> Manifest:
    """The LocalModelNodeGroup as its API takes it."""
    size = gib(args.disk_gib)
    shared: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "storageClassName": STORAGE_CLASS, "volumeMode": "Filesystem"}
    selected = [{"key": key, "operator": "In", "values": [value]} for key, value in sorted(args.node_labels.items())]
    return {"apiVersion": KSERVE_RUNTIME, "kind": "LocalModelNodeGroup", "metadata": metadata(args.pool), "spec": {
        "storageLimit": size,
        "persistentVolumeSpec": {
            **shared, "capacity": {"storage": size}, "local": {"path": HOST_PATH}, "persistentVolumeReclaimPolicy": "Delete",
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": selected}]}}},
        "persistentVolumeClaimSpec": {**shared, "resources": {"requests": {"storage": size}}}}}
