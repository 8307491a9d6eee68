"""Volumes for whoever claims one: encrypted, of the newest general kind, made where the pod runs.

The provisioner is the EBS CSI driver. The class that every old EKS cluster has, gp2, is neither encrypted nor named here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata

DEFAULT_CLASS, KEPT_CLASS = "gpuplane-gp3", "gpuplane-gp3-retain"
"""The default class; the one whose volumes outlive their claims."""


@dataclass(frozen=True)
class StorageClassesArgs:
    """KMS key that volumes are encrypted with (None: the account's key for EBS), and tags of the volumes."""

    kms_key_arn: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class StorageClasses(pulumi.ComponentResource):
    """Two StorageClasses."""

    def __init__(self, name: str, args: StorageClassesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:StorageClasses", name, {}, opts)
        for made in (manifest(args, DEFAULT_CLASS, "Delete"), manifest(args, KEPT_CLASS, "Retain")):
            KubernetesObject(made["metadata"]["name"], made, child_options(self, opts))
        self.register_outputs({"default": DEFAULT_CLASS})


def manifest(args: StorageClassesArgs, name: str, reclaim_policy: str) -> Manifest:
    """A StorageClass as its API takes it; parameters are the driver's (aws-ebs-csi-driver, docs/parameters.md)."""
    parameters = {"type": "gp3", "encrypted": "true", "csi.storage.k8s.io/fstype": "ext4"}
    if args.kms_key_arn is not None:
        parameters["kmsKeyId"] = args.kms_key_arn
    parameters |= {f"tagSpecification_{position}": f"{key}={value}" for position, (key, value) in enumerate(sorted(args.tags.items()), 1)}
    default = {"storageclass.kubernetes.io/is-default-class": "true"} if name == DEFAULT_CLASS else {}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": metadata(name, annotations=default),
            "provisioner": "ebs.csi.aws.com", "parameters": parameters, "reclaimPolicy": reclaim_policy,
            "volumeBindingMode": "WaitForFirstConsumer", "allowVolumeExpansion": True}
