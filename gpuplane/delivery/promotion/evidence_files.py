"""Evaluations and approvals as files, called by the digest of what they say: read with that digest checked, and written once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gpuplane.catalog.bench_results import WrongResult
from gpuplane.delivery import file_digests
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.planning.promotion.result_files import evaluation_result
from gpuplane.spec.errors import InvalidSpec, SpecError
from gpuplane.spec.evaluation import EVIDENCE_FOLDER, RESULTS_FOLDER, Approval, Evaluation, EvaluationResult, content_digest
from gpuplane.spec.loader import read_document
from gpuplane.spec.yaml_source import WISH_LIMITS, read_documents

_SCHEMAS = {"Evaluation": "evaluation.json", "Approval": "approval.json"}


@dataclass(frozen=True)
class Evidence:
    """Everything that lies in ``evidence/``, by digest, sorted."""

    evaluations: Mapping[str, Evaluation]
    approvals: Mapping[str, Approval]


def read_evidence(environments: Path) -> Evidence:
    """Every document of evidence, with its digest checked. Links are refused, not followed: a verdict reads what somebody else sent.

    Raises:
        InvalidSpec: one of them is wrong, or was changed after it was written.
    """
    found: dict[str, dict[str, Any]] = {"Evaluation": {}, "Approval": {}}
    errors: list[SpecError] = []
    folder = environments / EVIDENCE_FOLDER
    for path in sorted(folder.glob("*.yaml")) if folder.is_dir() and not folder.is_symlink() else ():
        try:
            kind, digest, document = _read(path)
            found[kind][digest] = document
        except InvalidSpec as error:
            errors += error.errors
    if errors:
        raise InvalidSpec(errors)
    return Evidence(found["Evaluation"], found["Approval"])


def kept_result(environments: Path, digest: str) -> bytes | None:
    """A raw result file that was kept beside the documents; None where it was not.

    Raises:
        CannotStart: it is there, and is not the file that the digest is of.
    """
    path = environments / EVIDENCE_FOLDER / RESULTS_FOLDER / f"{digest.replace(':', '-')}.json"
    if not path.is_file() or path.is_symlink():
        return None
    content = path.read_bytes()
    if file_digests.digest(content) != digest:
        raise CannotStart(f"{path.name} was changed after it was kept: its bytes are not those of its digest. Restore it from git.")
    return content


def raw_state(environments: Path, result: EvaluationResult) -> str:
    """``verified``, ``elsewhere``, or ``differs``: read again it says something else."""
    content = kept_result(environments, result.digest)
    if content is None:
        return "elsewhere"
    try:
        return "verified" if evaluation_result(content, result.stored_at) == result else "differs"
    except WrongResult:
        return "differs"


def document_text(kind: str, spec: Mapping[str, Any]) -> tuple[str, str]:
    """Name and text of a document of evidence."""
    content = {"apiVersion": "gpuplane/v1", "kind": kind, "spec": spec}
    digest = content_digest(content)
    document = {"apiVersion": "gpuplane/v1", "kind": kind, "metadata": {"name": digest.replace(":", "-")}, "spec": spec}
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=140)
    return digest, (f"# yaml-language-server: $schema=../../docs/schema/{_SCHEMAS[kind]}\n"
                    f"# Written by gpuplane; its name is the digest of what it says, so a changed file is refused.\n{text}")


def write_once(environments: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files below ``evidence/``, each whole or not at all; one that is there already, with the same content, stays."""
    written = []
    for name, content in sorted(files.items()):
        path = environments / EVIDENCE_FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            partial = path.with_name(f".{path.name}.new")
            partial.write_bytes(content)
            partial.replace(path)
        written.append(path)
    return written


def _read(path: Path) -> tuple[str, str, Any]:
    if path.is_symlink():
        raise InvalidSpec([SpecError(path.name, 0, "", "is a link; links are not followed.", "Put the document itself there.")])
    documents, errors = read_documents(path, path.name, WISH_LIMITS)
    value = documents[0].value if documents else None
    if errors or not isinstance(value, dict):
        raise InvalidSpec(errors or [SpecError(path.name, 0, "", "is no document.", "Remove it.")])
    kind = value.get("kind")
    if kind not in ("Evaluation", "Approval"):
        raise InvalidSpec([SpecError(path.name, 1, "kind", f"{str(kind)[:40]} does not belong into {EVIDENCE_FOLDER}/; allowed: Evaluation "
                                     "and Approval.", "Move or remove it.")])
    document = read_document(path, str(kind), path.stem)
    said = content_digest(value)
    if said.replace(":", "-") != path.stem:
        changed = f"was changed after it was written: what it says has the digest {said}."
        raise InvalidSpec([SpecError(path.name, 1, "metadata.name", changed,
                                     "Restore it from git, or add the evidence again: gpuplane evidence add.")])
    return str(kind), said, document


