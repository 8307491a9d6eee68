"""What a container is started with: flags and environment, however they are written.

Engines take ``--flag value``, ``--flag=value`` and underscores for hyphens, and people wrap all of it in a shell;
a rule that looked for one spelling would be walked round by another.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, mapping


def words(container: PodContainer) -> list[str]:
    """Command and arguments, split where a shell would split them."""
    return list(container.line)


def flags(container: PodContainer) -> dict[str, str]:
    """Flags by name (hyphens, no dashes in front) with their last value; ``true`` for one without."""
    return dict(container.flags)


def environment(graph: PlannedGraph, view: ResourceView, container: PodContainer) -> dict[str, str]:
    """Environment variables with values that the graph holds: literal ones, and those from ConfigMaps."""
    maps = _config_maps(graph).get(view.namespace, {})
    found: dict[str, str] = {}
    for item in items(container.spec.get("envFrom")):
        prefix = str(lookup(item, "prefix") or "")
        found |= {prefix + str(key): str(value) for key, value in maps.get(_name(item, "configMapRef"), {}).items()}
    for name, value, reference in container.variables:
        if value is None and reference is not None:
            value = maps.get(_name(reference, "configMapKeyRef"), {}).get(lookup(reference, "configMapKeyRef", "key"))
        if value is not None and not isinstance(value, Unknown):
            found[name] = str(value)
    return found


def is_true(text: str | None) -> bool:
    """Whether a flag or variable of that value is on, by the words that argument parsers take for true; None is a flag left out."""
    return text is not None and text.strip().lower() in ("1", "true", "yes", "on")


def hidden(container: PodContainer) -> list[str]:
    """Paths of arguments and variables that only apply can know."""
    found = [f"{container.path}.{key}" for key in ("command", "args", "env", "envFrom")
             if isinstance(container.spec.get(key), Unknown)]
    for key in ("command", "args"):
        found += [f"{container.path}.{key}[{index}]" for index, item in enumerate(items(container.spec.get(key)))
                  if isinstance(item, Unknown)]
    return found


def _name(value: Any, key: str) -> str:
    return str(lookup(value, key, "name"))


@lru_cache(maxsize=4)
def _config_maps(graph: PlannedGraph) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Data of ConfigMaps by namespace and name."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for each in graph.objects("ConfigMap"):
        found.setdefault(each.namespace, {})[each.name] = mapping(each.get("data"))
    return found
