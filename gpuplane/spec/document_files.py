"""Which files of an environment's folder are documents, and what each must hold, told by its place alone.

Links are refused, not followed: a folder that pull requests write to must not lead out of itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gpuplane.spec.errors import SpecError
from gpuplane.spec.model import DNS_LABEL

MAX_FILES = 20_000
"""Most documents of one environment; more is taken for a mistake."""
_PLACES = ("Allowed: environment.yaml, exemptions.yaml, node-pools/NAME.yaml, tenants/NAME.yaml, services/TENANT/NAME.yaml, "
           "throughput/NAME.yaml.")
_NAME = re.compile(DNS_LABEL.removesuffix("$"))
_LOOKALIKES = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class DocumentFile:
    """A file that must hold one document.

    Attributes:
        path: where it is.
        shown: how errors name it.
        relative: path below the environment's folder, with slashes.
        kind: the kind it must hold.
        name: the ``metadata.name`` it must hold.
        tenant: for an InferenceService, the tenant that its folder names.
    """

    path: str | Path
    shown: str
    relative: str
    kind: str
    name: str
    tenant: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Kind and name within the environment; a service's is ``tenant/service``."""
        return self.kind, f"{self.tenant}/{self.name}" if self.tenant is not None else self.name


def shown_path(path: Path) -> str:
    """A path as errors name it: relative to the working directory where it lies below, odd bytes escaped."""
    try:
        text = path.absolute().relative_to(Path.cwd()).as_posix()
    except ValueError:
        text = path.as_posix()
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def document_files(root: Path) -> tuple[list[DocumentFile], list[SpecError]]:
    """Every document file below an environment's folder, sorted by path, and an error for each that is none.

    Hidden files and files that do not look like documents (a README) are left alone.
    """
    found: list[DocumentFile] = []
    errors: list[SpecError] = []
    shown_root = shown_path(root)
    for relative, entry in _entries(os.fspath(root), "", errors, shown_root):
        shown = shown_path(Path(shown_root, relative)) if not relative.isprintable() else f"{shown_root}/{relative}"
        folder = entry.is_dir()
        problem = _problem(entry, is_folder=folder)
        if problem is not None:
            errors.append(SpecError(shown, 0, "", *problem))
        elif not folder and entry.name.endswith(".yaml") and not entry.name.startswith("."):
            _add(found, errors, DocumentFile(entry.path, shown, relative, *_expected(relative, root.name)))
    if len(found) > MAX_FILES:
        errors.append(SpecError(shown_root, 0, "", f"holds {len(found)} files; at most {MAX_FILES} are read.",
                                "Split the environment."))
    return sorted(found[:MAX_FILES], key=lambda file: file.relative), errors


def _entries(folder: str, below: str, errors: list[SpecError], shown_root: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Everything below a folder with its path from there, but what is hidden; links are named and not followed.

    A folder's listing says what is a folder and what a link: with thousands of documents, asking again for each is what takes time.
    """
    try:
        with os.scandir(folder) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
    except OSError as error:
        errors.append(SpecError(f"{shown_root}/{below}".rstrip("/"), 0, "", f"cannot be read: {error.strerror}.", "Make it readable."))
        return
    for entry in entries:
        yield f"{below}{entry.name}", entry
        if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
            yield from _entries(entry.path, f"{below}{entry.name}/", errors, shown_root)


def is_name(text: str) -> bool:
    """Whether a document can be called so."""
    return _NAME.fullmatch(text) is not None


def _add(found: list[DocumentFile], errors: list[SpecError], file: DocumentFile) -> None:
    if not file.kind:
        errors.append(SpecError(file.shown, 0, "", "is in no known place.", _PLACES))
    elif not is_name(file.name) or not is_name(file.tenant or "none"):
        errors.append(SpecError(file.shown, 0, "", "is not called after a possible name: 1 to 40 lower-case letters, digits and "
                                "hyphens, beginning with a letter.", "Rename it."))
    else:
        found.append(file)


def _problem(entry: os.DirEntry[str], is_folder: bool) -> tuple[str, str] | None:
    """Why something cannot be where it is, and what to do."""
    name = entry.name
    if name.startswith("."):
        return None
    if entry.is_symlink():
        return "is a symbolic link.", "Put the file itself here; links can lead out of the folder."
    if not name.lower().endswith(_LOOKALIKES):
        return None
    if is_folder:
        return "is a folder that is called like a document.", "Rename or remove it."
    return None if name.endswith(".yaml") else ("would be ignored: documents end in .yaml.", "Rename it.")


def _expected(relative: str, environment: str) -> tuple[str, str, str | None]:
    """Kind, name and tenant that a file at this place must have; an empty kind where no file has its place."""
    match relative.removesuffix(".yaml").split("/"):
        case ["environment"]:
            return "Environment", environment, None
        case ["exemptions"]:
            return "Exemptions", environment, None
        case ["node-pools", name]:
            return "NodePool", name, None
        case ["tenants", name]:
            return "Tenant", name, None
        case ["throughput", name]:
            return "ThroughputProfile", name, None
        case ["services", tenant, name]:
            return "InferenceService", name, tenant
    return "", "", None
