"""Resources of a Pulumi YAML program as resource views: how cloud resources are written where no program makes them.

``resources: {NAME: {type, properties, options}}``; what is interpolated (``${other.arn}``) only apply can know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gpuplane.graph.resource_view import ResourceView, Unknown, lookup, mapping
from gpuplane.spec.yaml_source import YamlDocument


def is_program(value: Mapping[str, Any]) -> bool:
    """Whether a document is a Pulumi YAML program: it has resources with types, and is no Kubernetes object."""
    resources = value.get("resources")
    typed = isinstance(resources, Mapping) and all(isinstance(lookup(each, "type"), str) for each in resources.values())
    return typed and "kind" not in value


def program_views(document: YamlDocument) -> Iterator[ResourceView]:
    """Each resource of a program, as it is written."""
    for name, each in document.value["resources"].items():
        type_, urn = str(each["type"]), f"{document.file}#{name}"
        props = _told(mapping(each.get("properties")), urn, "")
        yield ResourceView(
            urn=urn, type=type_, kind=type_.rpartition(":")[2], name=str(name), props=props, file=document.file,
            line=document.line_of(("resources", name)), protect=lookup(each, "options", "protect") is True)


def _told(value: Any, urn: str, path: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _told(item, urn, f"{path}.{key}" if path else str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_told(item, urn, f"{path}[{index}]") for index, item in enumerate(value)]
    return Unknown(urn, path) if isinstance(value, str) and "${" in value else value
