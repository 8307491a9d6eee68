"""Every place that says which model weights are loaded, and what each of them pins.

KServe's storage URIs, adapters and local caches, and engines that fetch a model themselves by a flag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gpuplane.graph.command_lines import flags, words
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import KSERVE_GROUP, TEMPLATE_KINDS, PodContainer, dotted
from gpuplane.graph.resource_view import ResourceView, items, lookup, told
from gpuplane.graph.serving_runtimes import effective_templates

_HEX = re.compile(r"(?:sha256[-:_])?[0-9a-f]{12,64}")
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_ENGINES = re.compile(r"\b(vllm|sglang|huggingfaceserver|text-generation-inference)\b")


@dataclass(frozen=True)
class ModelSource:
    """One reference to weights: the URI (maybe unknown) and where it stands."""

    uri: Any
    path: str


def model_sources(graph: PlannedGraph, view: ResourceView) -> tuple[ModelSource, ...]:
    """Every model an object would load, in the order it is written."""
    known = _known_sources(graph).get(view.urn)  # a dozen rules ask it of every object
    return tuple(_model_sources(graph, view)) if known is None else known


@lru_cache(maxsize=4)
def _known_sources(graph: PlannedGraph) -> Mapping[str, tuple[ModelSource, ...]]:
    """By URN."""
    return {view.urn: tuple(_model_sources(graph, view)) for view in graph.kubernetes}


def _model_sources(graph: PlannedGraph, view: ResourceView) -> Iterator[ModelSource]:
    if view.group == KSERVE_GROUP and view.kind == "LLMInferenceService":
        yield from _present(view, "spec", "model", "uri")
        for index in range(len(items(view.get("spec", "model", "lora", "adapters")))):
            yield from _present(view, "spec", "model", "lora", "adapters", index, "uri")
    elif view.group == KSERVE_GROUP and view.kind.startswith("LocalModel"):
        yield from _present(view, "spec", "sourceModelUri")
    if view.kind in TEMPLATE_KINDS:
        return
    for template in effective_templates(graph, view):
        if view.kind == "InferenceService" and view.group == KSERVE_GROUP:
            for index in range(len(items(view.get(*template.steps, "storageUris")))):
                yield from _present(view, *template.steps, "storageUris", index, "uri")
        for container in template.containers:
            yield from _of_container(container)


def pinned(uri: str) -> bool | None:
    """Whether a URI can only ever mean the same bytes; None where the URI cannot say (a volume whose folder bears no revision)."""
    scheme, _, rest = uri.partition("://")
    if scheme.startswith("oci"):
        return _DIGEST.search(rest) is not None
    if scheme in ("hf", "modelscope"):
        return _HEX.fullmatch(re.split("[:@]", rest)[-1]) is not None and re.search("[:@]", rest) is not None
    parts = rest.split("?")[0].rstrip("/").split("/")
    if scheme in ("http", "https"):  # an archive's name follows its digest
        return any(_HEX.fullmatch(part) for part in parts[1:])
    named = len(parts) > 1 and _HEX.fullmatch(parts[-1]) is not None
    return named or (None if scheme == "pvc" else False)


def allowed(uri: str, prefixes: list[str]) -> bool:
    """Whether a URI is below one of the prefixes; a prefix ends where a part of the path does, and ``..`` leads nowhere.

    How an image is brought in (``oci+native``, ``oci+fetch``) does not change what it is.
    """
    uri = re.sub(r"^oci\+[a-z]+://", "oci://", uri)
    if ".." in uri.split("/"):
        return False
    return any(uri == prefix or (uri.startswith(prefix) and (prefix.endswith(("/", ":")) or uri[len(prefix)] in "/:@"))
               for prefix in prefixes)


def hub_model(uri: str) -> tuple[str, str]:
    """A model without its revision, and the revision (empty for none): ``hf://ORG/MODEL:COMMIT`` and ``…@COMMIT`` are the same."""
    scheme, _, rest = uri.partition("://")
    name, _, revision = re.sub("[:@]", " ", rest).partition(" ")
    return f"{scheme}://{name}", revision


def _present(view: ResourceView, *steps: str | int) -> Iterator[ModelSource]:
    value = view.get(*steps)
    if value is not None:
        yield ModelSource(value, dotted(steps))


def _of_container(container: PodContainer) -> Iterator[ModelSource]:
    uri, key = lookup(container.spec, "storageUri"), lookup(container.spec, "storage", "path")
    if uri is not None:
        yield ModelSource(uri, f"{container.path}.storageUri")
    elif isinstance(key, str):
        bucket = lookup(container.spec, "storage", "parameters", "bucket") or "bucket"
        yield ModelSource(f"s3://{bucket}/{key.lstrip('/')}", f"{container.path}.storage.path")
    else:
        name = _fetched(container)
        if name is not None:
            yield ModelSource(name, f"{container.path}.args")


def _fetched(container: PodContainer) -> str | None:
    """Hub model that an engine fetches by itself, as an ``hf://`` URI; None where it reads a folder."""
    line = words(container)
    if not _ENGINES.search(" ".join([str(told(container.spec, "image") or ""), *line])):
        return None
    found = flags(container)
    served = line[line.index("serve") + 1] if "serve" in line[:-1] and not line[line.index("serve") + 1].startswith("-") else None
    name = next((found[key] for key in ("model", "model-id", "model-path") if key in found), served)
    if name is None or name.startswith(("/", ".", "{", "$")) or "://" in name:
        return name if name is not None and "://" in name else None
    return f"hf://{name}:{found['revision']}" if "revision" in found else f"hf://{name}"
