"""What an approval is of: one digest for each stack, over what would be applied and nothing else.

Names of files and lines of comments, other tenants, the stack's own name and the order in which things are registered are no part of
it: a merge that changes none of a stack's objects keeps its approval.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from gpuplane.delivery.changes import is_real
from gpuplane.delivery.offline_engine import render_stack
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey

_VERSION = "gpuplane-stack-v1"
_NOT_APPLIED = frozenset({"gpuplane.dev/source"})
"""Annotations that say where the wish stands: a document that moves changes nothing that runs."""


@dataclass(frozen=True)
class StackDigest:
    """One stack and what it would hold.

    Attributes:
        name: of the stack.
        key: what it holds.
        digest: ``sha256:`` and 64 hexadecimal digits.
        resources: how many real resources that is.
    """

    name: str
    key: StackKey
    digest: str
    resources: int


def stack_digests(spec: EnvironmentSpec, planned: EnvironmentPlan, layers: Iterable[str] = ()) -> tuple[StackDigest, ...]:
    """Digests of an environment's stacks (of these layers, or of all), in the order they are applied."""
    keys = [key for layer in layers or spec.layers for key in spec.stacks_of(layer)]
    return tuple(stack_digest(spec, planned, key) for key in keys)


def stack_digest(spec: EnvironmentSpec, planned: EnvironmentPlan, key: StackKey) -> StackDigest:
    """Digest of one stack."""
    return digests_of(spec, {key: render_stack(spec, planned, key)})[0]


def digests_of(spec: EnvironmentSpec, stacks: Mapping[StackKey, tuple[ResourceView, ...]]) -> tuple[StackDigest, ...]:
    """Digests of rendered stacks, in their order."""
    return tuple(StackDigest(spec.stack_name(key.layer, key.tenant), key, digest_of(views), sum(map(is_real, views)))
                 for key, views in stacks.items())


def digest_of(views: Iterable[ResourceView]) -> str:
    """SHA-256 over resources as sorted JSON, in the order of their URNs without the stack's name."""
    rows = sorted(((urn_tail(view.urn), view.type, view) for view in views if view.custom), key=lambda row: row[:2])
    found = sha256(f"[{_JSON.encode(_VERSION)},[".encode())
    for number, (urn, _, view) in enumerate(rows):  # one after another: the text of a thousand tenants is 100 MB
        found.update(f"{',' if number else ''}{_JSON.encode(_row(urn, view))}".encode())
    found.update(b"]]")
    return f"sha256:{found.hexdigest()}"


def urn_tail(urn: str) -> str:
    """A URN without the stack's name: the same before and after a resource moves from stack to stack."""
    return urn.partition("::")[2]


def _row(urn: str, view: ResourceView) -> dict[str, Any]:
    """What of a resource is applied; a provider is part of it: it says which cluster."""
    return {"urn": urn, "type": view.type, "protect": view.protect, "props": _applied(view.props)}


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
