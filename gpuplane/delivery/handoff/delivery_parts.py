"""The planned graph in the parts that an engine applies one after the other: Helm releases, the platform, each tenant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from gpuplane.delivery.manifests import missing
from gpuplane.graph.resource_view import ResourceView
from gpuplane.spec.vocabulary import TENANT

PLATFORM = "platform"
"""Part of everything that belongs to no tenant; also the folder of its manifests."""
TENANTS = "tenants"
"""Folder of the tenants' parts."""
RELEASE = "kubernetes:helm.sh/v3:Release"
_NOT_REAL = ("pulumi:", "gpuplane:")


@dataclass(frozen=True)
class DeliveryParts:
    """What there is to deliver.

    Attributes:
        objects: Kubernetes objects by part: ``platform``, or ``tenants/<tenant>``; sorted.
        releases: Helm releases in the order in which they need each other.
        others: what no Kubernetes engine can apply: AWS resources.
        dependencies: everything that each resource needs to be there first, by URN.
    """

    objects: Mapping[str, tuple[ResourceView, ...]]
    releases: tuple[ResourceView, ...]
    others: tuple[ResourceView, ...]
    dependencies: Mapping[str, frozenset[str]]

    @cached_property
    def release_waves(self) -> Mapping[str, int]:
        """Wave of each release by URN, from 0."""
        return waves(self.releases, self.dependencies)

    @property
    def tenants(self) -> tuple[str, ...]:
        """Tenants that have a part, sorted."""
        return tuple(part.partition("/")[2] for part in self.objects if part != PLATFORM)

    @property
    def incomplete(self) -> Mapping[str, tuple[str, ...]]:
        """Why objects and releases cannot be written as they would be applied, by their names."""
        views = [*(view for part in self.objects.values() for view in part), *self.releases]
        reasons = {str(view): tuple(missing(view)) for view in views}
        return {name: found for name, found in sorted(reasons.items()) if found}


def delivery_parts(resources: Iterable[ResourceView], tenants: Iterable[str]) -> DeliveryParts:
    """Sort the planned graph into parts.

    Args:
        tenants: names of the environment's tenants, which are those of their namespaces.
    """
    views, known = [view for view in resources if view.custom and not view.type.startswith(_NOT_REAL)], frozenset(tenants)
    found: dict[str, list[ResourceView]] = {PLATFORM: []}
    for view in views:
        if view.is_kubernetes:
            found.setdefault(part_of(view, known), []).append(view)
    dependencies = {view.urn: frozenset(view.dependencies) for view in views}
    releases = [view for view in views if view.type == RELEASE]
    order = waves(releases, dependencies)
    return DeliveryParts(
        {part: tuple(sorted(found[part], key=_place)) for part in sorted(found)},
        tuple(sorted(releases, key=lambda view: (order[view.urn], view.name))),
        tuple(sorted((view for view in views if not view.is_kubernetes and view.type != RELEASE), key=lambda view: view.urn)),
        dependencies)


def part_of(view: ResourceView, tenants: frozenset[str]) -> str:
    """The part that an object belongs to: its tenant's where the tenants' layer makes it, else the platform's."""
    owner = str(view.labels.get(TENANT) or view.namespace)
    return f"{TENANTS}/{owner}" if view.layer == "tenants" and owner in tenants else PLATFORM


def waves(views: Sequence[ResourceView], dependencies: Mapping[str, frozenset[str]]) -> dict[str, int]:
    """How many others of them have to be there before each, one after the other; an object's namespace is one of them.

    Dependencies have no cycles: they were registered one after the other.
    """
    among = {view.urn: view for view in views}
    namespaces = {view.name: view.urn for view in views if view.kind == "Namespace" and view.api_version == "v1"}
    found: dict[str, int] = {}

    def wave(urn: str) -> int:
        if urn not in found:
            view = among[urn]
            needed = {each for each in dependencies.get(urn, ()) if each in among and each != urn}
            needed |= {namespaces[view.namespace]} if view.namespace in namespaces else set()
            found[urn] = max((wave(each) + 1 for each in sorted(needed)), default=0)
        return found[urn]

    for urn in sorted(among):
        wave(urn)
    return found


def annotated(view: ResourceView, annotations: Mapping[str, str]) -> ResourceView:
    """The object with an engine's annotations."""
    if not annotations:
        return view
    metadata = dict(view.props["metadata"])
    metadata["annotations"] = dict(sorted({**dict(metadata.get("annotations") or {}), **annotations}.items()))
    return replace(view, props={**view.props, "metadata": metadata})


def _place(view: ResourceView) -> tuple[str, str, str, str]:
    return view.namespace, view.kind, view.name, view.api_version
