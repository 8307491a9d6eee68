"""Any Kubernetes object as one Pulumi resource, written the way the Kubernetes API documents it.

``pulumi_kubernetes.apiextensions.CustomResource`` carries ``spec`` and nothing beside it, and several kinds
have other top-level fields (WorkloadPriorityClass, ConfigMap, Role). This class sends the same type token
and inputs for every kind, so components read as the manifests they stand for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

Manifest = Mapping[str, Any]


def type_token(api_version: str, kind: str) -> str:
    """Pulumi type of a kind: ``v1`` Namespace is ``kubernetes:core/v1:Namespace``."""
    return f"kubernetes:{api_version if '/' in api_version else f'core/{api_version}'}:{kind}"


class KubernetesObject(pulumi.CustomResource):
    """One Kubernetes object.

    Args:
        name: Pulumi name, unique among objects of its kind below one parent.
        manifest: the object, with ``apiVersion``, ``kind`` and ``metadata.name``; values may be outputs.
        opts: options; the Kubernetes provider, which is always explicit, is inherited from the parent.
    """

    def __init__(self, name: str, manifest: Manifest, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(type_token(manifest["apiVersion"], manifest["kind"]), name, dict(manifest), opts)


def metadata(name: str, namespace: str = "", labels: Mapping[str, str] | None = None,
             annotations: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An object's ``metadata`` with what is empty left out, keys sorted."""
    result: dict[str, Any] = {"name": name}
    if namespace:
        result["namespace"] = namespace
    if labels:
        result["labels"] = dict(sorted(labels.items()))
    if annotations:
        result["annotations"] = dict(sorted(annotations.items()))
    return result


def child_options(parent: pulumi.Resource, opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """Options of a component's children: below it, and waiting for what the component itself was told to wait for.

    Pulumi hands a component's ``protect`` and providers down to its children, but not what it depends on.
    """
    if opts is None:
        return pulumi.ResourceOptions(parent=parent)
    return pulumi.ResourceOptions(parent=parent, depends_on=opts.depends_on, deleted_with=opts.deleted_with, protect=opts.protect)
