"""One model that the nodes of a pool keep for one tenant: KServe's LocalModelNamespaceCache.

Not LocalModelCache: that one is for the whole cluster, and any tenant that knows the URI would be given the weights.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata
from gpuplane.components.quantity import gib
from gpuplane.spec.vocabulary import KSERVE_RUNTIME, TENANT

NODE_GROUP = "serving.kserve.io/nodegroup"
"""Annotation of an InferenceService: which nodes' copy it uses."""


@dataclass(frozen=True)
class ModelCacheArgs:
    """Weights to keep.

    Attributes:
        namespace: the tenant's.
        pool: whose nodes keep them.
        storage_uri: the weights, pinned to a revision.
        size_gib: room that they are given on each node.
    """

    namespace: str
    pool: str
    storage_uri: str
    size_gib: int


class ModelCache(pulumi.ComponentResource):
    """One LocalModelNamespaceCache."""

    def __init__(self, name: str, args: ModelCacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:ModelCache", name, {"namespace": args.namespace}, opts)
        KubernetesObject(f"{args.namespace}-{cache_name(args)}", manifest(args), child_options(self, opts))
        self.register_outputs({"name": cache_name(args)})


def cache_name(args: ModelCacheArgs) -> str:
    """Its name says which weights and which nodes, for what it is of cannot be changed."""
    return f"model-{hashlib.sha256(f'{args.pool} {args.storage_uri}'.encode()).hexdigest()[:12]}"


def manifest(args: ModelCacheArgs) -> Manifest:
    """The LocalModelNamespaceCache as its API takes it."""
    return {"apiVersion": KSERVE_RUNTIME, "kind": "LocalModelNamespaceCache",
            "metadata": metadata(cache_name(args), args.namespace, {TENANT: args.namespace}),
            "spec": {"sourceModelUri": args.storage_uri, "modelSize": gib(args.size_gib), "nodeGroups": [args.pool]}}
