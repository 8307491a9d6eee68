"""The container that downloads weights before a model server starts, pinned and held to the restricted standard.

KServe's own default may be any version with any rights. Services name this one, so tenants' namespaces can
enforce the restricted Pod Security Standard, which judges init containers too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata
from gpuplane.components.quantity import gib
from gpuplane.spec.vocabulary import DOWNLOADED_URIS, KSERVE_RUNTIME, STORAGE_INITIALIZER_CPU, STORAGE_INITIALIZER_MEMORY_GIB

STORAGE_CONTAINER = "gpuplane-storage"
"""Name that InferenceServices refer to (``storageContainerName``)."""
URI_PREFIXES = DOWNLOADED_URIS
RESTRICTED: Mapping[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "privileged": False,
                                 "runAsNonRoot": True}
# The cache must lie where an unprivileged user may write.
_ENVIRONMENT = ({"name": "HF_HOME", "value": "/tmp/huggingface"}, {"name": "HF_HUB_DISABLE_TELEMETRY", "value": "1"})  # noqa: S108


@dataclass(frozen=True)
class ModelStorageArgs:
    """Image of KServe's storage initializer, and what a download may use (GiB)."""

    image: str
    memory_gib: int = STORAGE_INITIALIZER_MEMORY_GIB


class ModelStorage(pulumi.ComponentResource):
    """One ClusterStorageContainer."""

    def __init__(self, name: str, args: ModelStorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:ModelStorage", name, {}, opts)
        KubernetesObject(STORAGE_CONTAINER, manifest(args), child_options(self, opts))
        self.register_outputs({"name": STORAGE_CONTAINER})


def manifest(args: ModelStorageArgs) -> Manifest:
    """The ClusterStorageContainer as its API takes it."""
    return {
        "apiVersion": KSERVE_RUNTIME, "kind": "ClusterStorageContainer", "metadata": metadata(STORAGE_CONTAINER),
        "spec": {
            "container": {**download_overrides(args.memory_gib), "image": args.image},
            "supportedUriFormats": [{"prefix": prefix} for prefix in URI_PREFIXES], "workloadType": "initContainer"}}


def download_overrides(memory_gib: int = STORAGE_INITIALIZER_MEMORY_GIB) -> dict[str, Any]:
    """What the container that downloads is held to; KServe says what it downloads, and its release says the image."""
    return {"name": "storage-initializer", "env": [dict(variable) for variable in _ENVIRONMENT],
            "resources": {"requests": {"cpu": str(STORAGE_INITIALIZER_CPU), "memory": gib(memory_gib)},
                          "limits": {"cpu": "2", "memory": gib(memory_gib)}},
            "securityContext": dict(RESTRICTED)}
