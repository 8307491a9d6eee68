"""Volumes of pods: where each stands, and what it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.resource_view import Unknown, items, lookup


@dataclass(frozen=True)
class Volume:
    """One volume of a pod.

    Attributes:
        name: its name; empty where it has none.
        field: dotted path in the object.
        spec: the Volume.
    """

    name: str
    field: str
    spec: Mapping[str, Any]

    @property
    def sources(self) -> tuple[str, ...]:
        """Fields that say what it comes from, as they are written; without one the API server makes it an emptyDir."""
        return tuple(sorted(str(key) for key, value in self.spec.items() if key != "name" and value is not None))

    @property
    def host_path(self) -> str | Unknown | None:
        """The path of the node, empty where a hostPath names none; None for another volume."""
        source = self.spec.get("hostPath")
        if source is None or isinstance(source, Unknown):
            return source
        path = lookup(source, "path")
        return path if isinstance(path, Unknown) else str(path or "")


def volumes(template: PodTemplate) -> Iterator[Volume]:
    """Every volume of a template; one that is unknown as a whole is none (its list says so)."""
    for index, item in enumerate(items(template.spec.get("volumes"))):
        if isinstance(item, Mapping):
            yield Volume(str(item.get("name") or ""), f"{template.path}.volumes[{index}]", item)


def hidden_volumes(template: PodTemplate) -> tuple[Unknown, ...]:
    """Volumes, or the whole list of them, that only apply can know."""
    whole = template.spec.get("volumes")
    return tuple(item for item in (whole, *items(whole)) if isinstance(item, Unknown))
