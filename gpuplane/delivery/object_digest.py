"""What would be applied, as digests: one for each object, and one over all of a stack.

The stack's own name, the order in which things are registered and where the wish stands are no part of it. A stack's digest is one over
its objects' digests, so that of a tenant that is what it was nobody has to read the objects again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from gpuplane.graph.resource_view import ResourceView, Unknown

_VERSION = "gpuplane-stack-v2"
_NOT_APPLIED = frozenset({"gpuplane.dev/source"})
"""Annotations that say where the wish stands: a document that moves changes nothing that runs."""


def object_digests(views: Iterable[ResourceView]) -> dict[str, str]:
    """SHA-256, in hexadecimal, of what is applied of each resource as sorted JSON, by URN; components are nothing in a cluster."""
    return {view.urn: sha256(_JSON.encode(_row(view)).encode()).hexdigest() for view in views if view.custom}


def digest_over(objects: Mapping[str, str]) -> str:
    """``sha256:`` and the digest of a stack.

    Args:
        objects: of :func:`object_digests`, of all that the stack holds.
    """
    lines = sorted((urn_tail(urn), digest) for urn, digest in objects.items())
    return f"sha256:{sha256(chr(10).join([_VERSION, *(digest for _, digest in lines)]).encode()).hexdigest()}"


def urn_tail(urn: str) -> str:
    """A URN without the stack's name: the same before and after a resource moves from stack to stack."""
    return urn.partition("::")[2]


def _row(view: ResourceView) -> dict[str, Any]:
    """What of a resource is applied; a provider is part of it: it says which cluster."""
    return {"urn": urn_tail(view.urn), "type": view.type, "protect": view.protect, "props": _applied(view.props)}


def _plain(value: Any) -> Any:
    """What JSON has no word for; what only apply can know is named without the stack."""
    if isinstance(value, Unknown):
        return f"<known after apply: {value.property} of {urn_tail(value.urn)}>"
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no plain data")


_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def _applied(props: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = props.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    if not isinstance(metadata, Mapping) or not isinstance(annotations, Mapping):
        return props
    kept = {key: value for key, value in annotations.items() if key not in _NOT_APPLIED}
    left = {key: value for key, value in metadata.items() if key != "annotations"} | ({"annotations": kept} if kept else {})
    return {**props, "metadata": left}
