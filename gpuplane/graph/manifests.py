"""Kubernetes manifests, and Pulumi YAML programs, as resource views, so that rules judge any YAML as they judge a planned environment.

A document in the shape in which Pulumi YAML writes a resource (``type``, ``name``, ``properties``) is one, too: rules about a cloud have
their examples so.

Nothing in a file is trusted: every file is bounded, one that cannot be read is an error of its own and
never hides the others.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gpuplane.graph.pulumi_yaml import is_program, program_views
from gpuplane.graph.resource_view import ResourceView, lookup
from gpuplane.graph.text_leaves import STACK_CONFIG
from gpuplane.spec.errors import SpecError
from gpuplane.spec.yaml_source import MANIFEST_LIMITS, Limits, YamlDocument, parse_text, read_documents

SUFFIXES = (".yaml", ".yml", ".json")
"""Files that are read in a folder; a file that is named itself is always read."""
_TOKEN = re.compile(r"[a-z][a-z0-9-]*:[A-Za-z0-9./_-]+:[A-Z][A-Za-z0-9]*")
"""A Pulumi type token, e.g. ``aws:eks/cluster:Cluster``."""
_STACK_FILE = re.compile(r"Pulumi\..+\.ya?ml")


Read = tuple[list[ResourceView], list[SpecError]]
"""Every object of some files, and every reason why one could not be read, in the order of the files."""
Reader = Callable[[Sequence[Path], Limits], Read]
"""Reads files that are there."""


def file_name(path: Path) -> str:
    """A path as findings name it: as it was given, bytes that are no text escaped, for reports are text."""
    return path.as_posix().encode("utf-8", "backslashreplace").decode()


def read_manifests(paths: Sequence[Path], limits: Limits = MANIFEST_LIMITS, run: Reader | None = None) -> Read:
    """Every object in these files and folders, and every reason why one could not be read.

    Args:
        paths: files, and folders that are searched to the bottom (hidden ones are left out); the order does not matter.
        limits: bounds on one file.
        run: reads the files; one after the other where it is left out.
    """
    errors: list[SpecError] = []
    files: dict[Path, None] = {}
    for path in sorted(set(paths)):
        if not path.exists():
            errors.append(SpecError(file_name(path), 0, "", "is not there.", "Name a file or a folder that is."))
        files |= dict.fromkeys(_files(path) if path.is_dir() else [path] if path.exists() else [])
    views, unreadable = (run or read_files)(list(files), limits)
    return views, errors + unreadable


def read_files(files: Sequence[Path], limits: Limits) -> Read:
    """Files, one after the other."""
    views: list[ResourceView] = []
    errors: list[SpecError] = []
    for file in files:
        documents, unreadable = read_documents(file, file_name(file), limits)
        found, misplaced = _views(documents)
        views += found
        errors += unreadable + misplaced
    return views, errors


def views_of_text(text: str, shown: str = "example.yaml") -> tuple[ResourceView, ...]:
    """Every object in a text.

    Raises:
        ValueError: the text is not YAML, or a document is not a mapping.
    """
    documents, errors = parse_text(text, shown, MANIFEST_LIMITS)
    views, misplaced = _views(documents)
    if errors or misplaced:
        raise ValueError("\n".join(str(error) for error in [*errors, *misplaced]))
    return tuple(views)


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(names) if name.endswith(SUFFIXES) and not name.startswith("."))


def _views(documents: list[YamlDocument]) -> tuple[list[ResourceView], list[SpecError]]:
    views: list[ResourceView] = []
    errors: list[SpecError] = []
    for document in documents:
        if document.value is None:
            continue
        if not isinstance(document.value, Mapping):
            errors.append(SpecError(document.file, document.line, "", "is not a mapping, so it is no Kubernetes object.",
                                    "Begin each document with apiVersion and kind, or leave the file out."))
            continue
        if is_program(document.value):
            views += program_views(document)
        for value, line in _objects(document):
            views.append(_view(value, document.file, line, len(views)))
    return views, errors


def _objects(document: YamlDocument) -> Iterator[tuple[Mapping[str, Any], int]]:
    """The document's object, or the items of a list; a mapping without apiVersion and kind is a stack's config or somebody else's file."""
    value = document.value
    kind, elements = value.get("kind"), value.get("items")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(elements, list):
        implied = {"apiVersion": value.get("apiVersion"), "kind": kind.removesuffix("List")} if kind != "List" else {}
        for index, item in enumerate(elements):
            if isinstance(item, Mapping) and _is_object({**implied, **item}):
                yield {**implied, **item}, document.line_of(("items", index))
    elif _is_object(value) or _is_resource(value):
        yield value, document.line
    elif _STACK_FILE.fullmatch(Path(document.file).name) and isinstance(value.get("config"), Mapping):
        yield {"kind": STACK_CONFIG, "config": value["config"]}, document.line


def _is_object(value: Mapping[str, Any]) -> bool:
    return all(isinstance(value.get(key), str) and value[key] for key in ("apiVersion", "kind"))


def _is_resource(value: Mapping[str, Any]) -> bool:
    """Whether it is a Pulumi resource; a JSON schema has a ``type`` and ``properties``, too, but no such type."""
    return isinstance(value.get("properties"), Mapping) and isinstance(value.get("type"), str) and bool(_TOKEN.fullmatch(value["type"]))


def _view(value: Mapping[str, Any], file: str, line: int, index: int) -> ResourceView:
    if _is_resource(value) and not _is_object(value):
        kind = value["type"].rpartition(":")[2]
        return ResourceView(urn=f"{file}#{index}", type=value["type"], kind=kind, name=str(value.get("name") or ""),
                            props=value["properties"], file=file, line=line)
    name = lookup(value, "metadata", "name") or lookup(value, "metadata", "generateName")
    return ResourceView(
        urn=f"{file}#{index}", api_version=value.get("apiVersion", ""), kind=value["kind"],
        name=Path(file).stem if value["kind"] == STACK_CONFIG else str(name or ""),
        namespace=str(lookup(value, "metadata", "namespace") or ""), props=value, file=file, line=line)
