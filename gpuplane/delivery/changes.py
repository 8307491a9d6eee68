"""What differs between two planned graphs: created, updated, replaced, deleted, and which fields.

Offline, ``replace`` is said only where the provider's documentation says that a field cannot change in place;
everything else that differs is an update.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gpuplane.graph.resource_view import ResourceView, Unknown

Action = Literal["create", "update", "replace", "delete"]
ACTIONS: tuple[Action, ...] = ("create", "update", "replace", "delete")

IMMUTABLE: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Namespace": (("metadata.name", "Kubernetes API conventions: names cannot be updated"),),
    "LocalQueue": (("spec.clusterQueue", "kueue v0.19.2 apis/kueue/v1beta2/localqueue_types.go"),),
    "Topology": (("spec.levels", "kueue v0.19.2 apis/kueue/v1beta2/topology_types.go"),),
    "RoleBinding": (("roleRef", "Kubernetes RBAC: roleRef is immutable"),),
    "NodeGroup": tuple((field, "AWS CloudFormation AWS::EKS::Nodegroup, update requires replacement") for field in (
        "amiType", "capacityType", "clusterName", "instanceTypes", "nodeGroupName", "nodeRoleArn", "subnetIds")),
}
"""Kind to fields that cannot change in place, each with its source."""

_IGNORED = ("metadata.annotations.gpuplane.dev/source",)


@dataclass(frozen=True)
class FieldChange:
    """One field: dotted path, value before and after; None where it is not there."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Change:
    """One resource that differs."""

    action: Action
    view: ResourceView
    fields: tuple[FieldChange, ...] = ()
    reason: str = ""


def changes_between(before: tuple[ResourceView, ...], after: tuple[ResourceView, ...]) -> tuple[Change, ...]:
    """Every difference, deletes first, then by layer and URN; components and providers are left out."""
    old, new = ({view.urn: view for view in views if is_real(view)} for views in (before, after))
    found: list[Change] = [Change("delete", old[urn]) for urn in sorted(old.keys() - new.keys())]
    for urn in sorted(new):
        if urn not in old:
            found.append(Change("create", new[urn]))
        elif fields := tuple(field_changes(old[urn].props, new[urn].props)):
            reason = _replacement(new[urn], fields)
            found.append(Change("replace" if reason else "update", new[urn], fields, reason))
    return tuple(found)


def is_real(view: ResourceView) -> bool:
    """Whether a view is something in the cluster or the cloud: no component, no provider, no stack reference."""
    return view.custom and not view.type.startswith("pulumi:")


def _replacement(view: ResourceView, fields: tuple[FieldChange, ...]) -> str:
    for path, source in IMMUTABLE.get(view.kind, ()):
        if any(field.path == path or field.path.startswith((f"{path}.", f"{path}[")) for field in fields):
            return f"{path} cannot change in place ({source})"
    return ""


def field_changes(before: Any, after: Any, path: str = "") -> Iterator[FieldChange]:
    """Leaves that differ; a list of another length is one change."""
    if path in _IGNORED or _same(before, after):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys()):
            yield from field_changes(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from field_changes(old, new, f"{path}[{index}]")
    else:
        yield FieldChange(path, before, after)


def _same(before: Any, after: Any) -> bool:
    if before is after or isinstance(before, Unknown) or isinstance(after, Unknown):
        return before is after or bool(before == after)
    return bool(before == after) and type(before) is type(after)
