"""The one loader: a folder of YAML to an :class:`EnvironmentSpec`, or every error of every file at once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gpuplane.spec.catalog import Catalog
from gpuplane.spec.catalog_files import catalog_files, check_catalog, runtime_files
from gpuplane.spec.document_files import DocumentFile, document_files, is_name, shown_path
from gpuplane.spec.environment import Environment
from gpuplane.spec.environment_spec import EnvironmentSpec, GraphEntry, Place, ServiceEntry
from gpuplane.spec.errors import InvalidSpec, SpecError, shown
from gpuplane.spec.evaluation import Approval, Evaluation
from gpuplane.spec.exemptions import Exemptions
from gpuplane.spec.explain import explain
from gpuplane.spec.inference_graph import InferenceGraph
from gpuplane.spec.inference_service import InferenceService
from gpuplane.spec.llm_inference_service import LLMInferenceService
from gpuplane.spec.model import API_VERSION, Document
from gpuplane.spec.node_pool import NodePool
from gpuplane.spec.parsed_documents import ParsedDocuments, text_digest
from gpuplane.spec.promotion_graph import check_promotion
from gpuplane.spec.references import Documents, check_references
from gpuplane.spec.runtime import Runtime
from gpuplane.spec.scaling_references import check_scaling
from gpuplane.spec.tenant import Tenant
from gpuplane.spec.throughput_profile import ThroughputProfileDocument
from gpuplane.spec.traffic_references import check_traffic
from gpuplane.spec.yaml_source import NAME, WISH_LIMITS, Lines, YamlDocument, parse_text, read_text

KINDS: dict[str, type[Document[Any, Any]]] = {
    "Environment": Environment, "NodePool": NodePool, "Tenant": Tenant,
    "InferenceService": InferenceService, "LLMInferenceService": LLMInferenceService,
    "InferenceGraph": InferenceGraph, "Exemptions": Exemptions, "Catalog": Catalog,
    "ThroughputProfile": ThroughputProfileDocument, "Runtime": Runtime, "Evaluation": Evaluation, "Approval": Approval,
}
"""Document kinds by name."""
SERVICE_KINDS = ("InferenceService", "LLMInferenceService", "InferenceGraph")
"""Kinds that a file below ``services`` may hold; errors and references name it by the first."""


@dataclass
class _Reading:
    """What has been read so far; a document that is there but wrong is only a key of ``unreadable``."""

    errors: list[SpecError]
    documents: dict[tuple[str, str], Document[Any, Any]] = field(default_factory=dict)
    places: dict[tuple[str, str], Place] = field(default_factory=dict)
    tenants: dict[str, str] = field(default_factory=dict)
    unreadable: set[tuple[str, str]] = field(default_factory=set)
    parsed: ParsedDocuments | None = None

    def of(self, kind: str) -> dict[str, Any]:
        return {name: self.documents[(found, name)] for found, name in sorted(self.documents) if found == kind}


def environment_names(environments: Path) -> list[str]:
    """Names of the environments below a folder: its folders that have an ``environment.yaml``."""
    return sorted(path.parent.name for path in environments.glob("*/environment.yaml")
                  if is_name(path.parent.name) and not path.parent.is_symlink())


def load_environment(environments: Path, name: str, parsed: ParsedDocuments | None = None) -> EnvironmentSpec:
    """Read and cross-check one environment.

    Args:
        environments: the folder that holds one folder for each environment.
        name: the environment's folder.
        parsed: documents that were parsed before; new ones are added.

    Raises:
        InvalidSpec: with every error of every file, sorted by file and line.
    """
    known = environment_names(environments)
    if name not in known:
        raise InvalidSpec([SpecError(shown_path(environments), 0, "",
                                     f"there is no environment {shown(name)}: no folder of that name has an environment.yaml; "
                                     f"there are: {', '.join(known) or 'none'}.",
                                     "Name one of them, or give --environments DIR.")])
    files, errors = document_files(environments / name)
    reading = _Reading(errors, parsed=parsed)
    catalogs = _catalogs(reading, environments)
    runtimes, wrong = runtime_files(environments)
    reading.errors += wrong
    for file in (*runtimes, *files):
        _read(reading, file)
    found = _documents(reading, name)
    reading.errors += [*check_references(found), *check_traffic(found), *check_scaling(found), *check_promotion(environments, found, known)]
    if reading.errors or found.environment is None:
        raise InvalidSpec(reading.errors)
    return EnvironmentSpec(found.environment, found.pools, found.tenants, found.services, found.exemptions, found.places, catalogs,
                           reading.of("ThroughputProfile"), reading.of("Runtime"), found.graphs)


def load_catalogs(environments: Path) -> tuple[Catalog, ...]:
    """The user's own facts of a folder of environments, without any of them; later rows replace earlier ones.

    Raises:
        InvalidSpec: with every error of the files.
    """
    reading = _Reading([])
    found = _catalogs(reading, environments)
    if reading.errors:
        raise InvalidSpec(reading.errors)
    return found


def read_catalog(path: Path, name: str) -> Catalog:
    """One catalogue file, wherever it lies.

    Raises:
        InvalidSpec: with every error of it.
    """
    document = read_document(path, "Catalog", name)
    assert isinstance(document, Catalog)  # its kind was asked for
    return document


def read_document(path: Path, kind: str, name: str) -> Document[Any, Any]:
    """One document of its own, wherever it lies.

    Raises:
        InvalidSpec: with every error of it.
    """
    reading, file = _Reading([]), DocumentFile(path, shown_path(path), path.name, kind, name)
    _read(reading, file)
    document = reading.documents.get(file.key)
    if reading.errors or document is None:
        raise InvalidSpec(reading.errors)
    return document


def _catalogs(reading: _Reading, environments: Path) -> tuple[Catalog, ...]:
    files, errors = catalog_files(environments)
    reading.errors += errors
    for file in files:
        _read(reading, file)
    found = tuple(document for file in files if isinstance(document := reading.documents.get(file.key), Catalog))
    for catalog in found:
        reading.errors += check_catalog(catalog, reading.places["Catalog", catalog.name])
    return found


def _documents(reading: _Reading, name: str) -> Documents:
    written = [ServiceEntry(reading.tenants[key], document, reading.places[("InferenceService", key)])
               for key, document in reading.of("InferenceService").items() if not isinstance(document, InferenceGraph)]
    graphs = {key: GraphEntry(reading.tenants[key], document, reading.places[("InferenceService", key)])
              for key, document in reading.of("InferenceService").items() if isinstance(document, InferenceGraph)}
    parts = [part for entry in written for part in entry.entries()]
    # A document takes the name before the pods of another that would be called so, which is then refused.
    services = {part.name: part for part in sorted(parts, key=lambda part: (part.name, -len(part.role)))}
    exemptions = reading.documents.get(("Exemptions", name))
    return Documents(
        environment=reading.of("Environment").get(name), pools=reading.of("NodePool"), tenants=reading.of("Tenant"),
        services=services, exemptions=exemptions.spec.exemptions if exemptions is not None else (),
        places=reading.places, unreadable=reading.unreadable, graphs=graphs)


def _read(reading: _Reading, file: DocumentFile) -> None:
    text, errors = read_text(file.path, file.shown, WISH_LIMITS)
    digest = text_digest(text) if reading.parsed is not None and not errors else None
    value, _, name = ((reading.parsed.get(digest) if reading.parsed is not None and digest is not None else None) or "").partition("\n")
    document = _remembered(value, file) if value else None
    if document is not None:
        _add(reading, file, document, text, int(name) if name.isdecimal() and name.isascii() else None)
        return
    documents: list[YamlDocument] = []
    if not errors:
        documents, errors = parse_text(text, file.shown, WISH_LIMITS)
        if len(documents) != 1 and not errors:
            errors = [SpecError(file.shown, documents[1].line if documents else 0, "",
                                f"holds {len(documents)} documents; allowed is exactly one.", "One thing, one file.")]
    document = _validate(documents[0], file, errors) if len(documents) == 1 else None
    reading.errors += errors
    if errors or document is None:
        reading.unreadable.add(file.key)
        return
    name_line = documents[0].line_of(tuple(NAME.split(".")))
    if reading.parsed is not None and digest is not None:
        reading.parsed.put(digest, f"{json.dumps(documents[0].value)}\n{name_line}")
    _add(reading, file, document, text, name_line)


def _kind(value: dict[str, Any], file: DocumentFile) -> str:
    """The kind that a file holds: what its place says, or the one of :data:`SERVICE_KINDS` that it names."""
    written = value.get("kind")
    return str(written) if file.tenant is not None and written in SERVICE_KINDS else file.kind


def _remembered(value: str, file: DocumentFile) -> Document[Any, Any] | None:
    """The document of a value that was parsed before, validated anew; None where that fails, and errors need positions."""
    for kind in SERVICE_KINDS if file.tenant is not None else (file.kind,):
        try:
            document = KINDS[kind].model_validate_json(value, by_alias=True, by_name=False)
        except ValueError:  # no JSON, or no such document
            continue
        return document if document.name == file.name else None
    return None


def _add(reading: _Reading, file: DocumentFile, document: Document[Any, Any], text: str, name_line: int | None) -> None:
    reading.documents[file.key] = document
    reading.places[file.key] = Place(file.shown, file.relative, Lines(text, WISH_LIMITS, name_line))
    if file.tenant is not None:
        reading.tenants[file.key[1]] = file.tenant


def _validate(source: YamlDocument, file: DocumentFile, errors: list[SpecError]) -> Document[Any, Any] | None:
    """The document of a file; adds to ``errors`` what is wrong with it, once for each field."""
    value = source.value
    if not isinstance(value, dict):
        errors += [] if errors else [SpecError(source.file, source.line, "", f"{shown(value)} is not a mapping.",
                                               f"Begin with apiVersion: {API_VERSION} and kind: {file.kind}.")]
        return None
    kind = _kind(value, file)
    if "kind" in value and value["kind"] != kind:
        allowed = ", ".join(SERVICE_KINDS) if file.tenant is not None else file.kind
        errors.append(SpecError(source.file, source.line_of(("kind",)), "kind",
                                f"{shown(value['kind'])} does not belong here; allowed: {allowed}.",
                                "Move the file, or correct the kind."))
        return None
    try:
        document = KINDS[kind].model_validate_json(json.dumps(value), by_alias=True, by_name=False)
    except ValidationError as error:
        errors += _explained(error, source, KINDS[kind], errors)
        return None
    if document.name != file.name:
        errors.append(SpecError(source.file, source.line_of(("metadata", "name")), "metadata.name",
                                f"{shown(document.name)} is not the name of its {_named_after(file)}; allowed: {file.name}.",
                                "Rename the file or the document."))
    return document


def _explained(error: ValidationError, source: YamlDocument, model: type[Document[Any, Any]],
               noted: list[SpecError]) -> list[SpecError]:
    """The findings on fields that nothing is noted about yet; pydantic calls a list too short because of its bad entries."""
    found = [(detail["type"], explain(detail, source, model)) for detail in error.errors(include_url=False)]
    paths = {known.path for known in noted}
    below = tuple(paths | {each.path for _, each in found})
    misspelt = {_meant(each) for kind, each in found if kind == "extra_forbidden"}
    return [each for kind, each in found if each.path not in paths and not (
        kind == "too_short" and any(path.startswith((f"{each.path}[", f"{each.path}.")) for path in below)) and not (
        kind == "missing" and each.path in misspelt)]


def _meant(unknown: SpecError) -> str:
    """Path of the field that an unknown one is a misspelling of, so that it is not called missing as well; empty for none."""
    meant = unknown.remedy.removeprefix("Did you mean ").removesuffix("?")
    return "" if meant == unknown.remedy else f"{unknown.path.rpartition('.')[0]}.{meant}".removeprefix(".")


def _named_after(file: DocumentFile) -> str:
    return "folder" if file.kind in ("Environment", "Exemptions") else "file"
