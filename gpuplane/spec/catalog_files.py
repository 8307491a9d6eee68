"""The user's own catalogue files and runtimes, beside the environments' folders: which there are, and what no single row can know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gpuplane.spec.catalog import CATALOG_FILES, Catalog
from gpuplane.spec.document_files import DocumentFile, is_name, shown_path
from gpuplane.spec.environment_spec import Place
from gpuplane.spec.errors import SpecError, shown

RUNTIME_FOLDER = "runtimes"
"""Folder beside the environments' folders that holds the user's own runtimes."""
_NO_LINKS = "Put the file itself here; links can lead out of the folder."


def catalog_files(environments: Path) -> tuple[list[DocumentFile], list[SpecError]]:
    """The catalogue files of a folder of environments, in the order they are read, and an error for each that would be ignored."""
    found: list[DocumentFile] = []
    errors: list[SpecError] = []
    for name in CATALOG_FILES:
        path = environments / f"{name}.yaml"
        errors += [SpecError(shown_path(other), 0, "", f"would be ignored: the file is called {name}.yaml.", "Rename it.")
                   for ending in (".yml", ".json") if (other := path.with_suffix(ending)).exists()]
        if path.is_symlink():
            errors.append(SpecError(shown_path(path), 0, "", "is a symbolic link.", _NO_LINKS))
        elif path.exists():
            found.append(DocumentFile(path, shown_path(path), f"../{name}.yaml", "Catalog", name))
    return found, errors


def runtime_files(environments: Path) -> tuple[list[DocumentFile], list[SpecError]]:
    """The user's own runtimes, one file each in ``runtimes/``, and an error for each file there that would be ignored."""
    folder = environments / RUNTIME_FOLDER
    found: list[DocumentFile] = []
    errors: list[SpecError] = []
    if not folder.is_dir() or (folder / "environment.yaml").exists():  # an environment may be called so
        return found, errors
    if folder.is_symlink():
        return found, [SpecError(shown_path(folder), 0, "", "is a symbolic link.", _NO_LINKS)]
    for path in sorted(folder.iterdir()):
        shown = shown_path(path)
        if path.name.startswith(".") or path.suffix not in (".yaml", ".yml", ".json"):
            continue
        if path.is_symlink():
            errors.append(SpecError(shown, 0, "", "is a symbolic link.", _NO_LINKS))
        elif path.suffix != ".yaml" or not path.is_file():
            errors.append(SpecError(shown, 0, "", "would be ignored: documents end in .yaml.", "Rename it."))
        elif not is_name(path.stem):
            errors.append(SpecError(shown, 0, "", "is not called after a possible name: 1 to 40 lower-case letters, digits and hyphens, "
                                    "beginning with a letter.", "Rename it."))
        else:
            found.append(DocumentFile(path, shown, f"../{RUNTIME_FOLDER}/{path.name}", "Runtime", path.stem))
    return found, errors


def check_catalog(document: Catalog, place: Place) -> Iterator[SpecError]:
    """Rows that contradict each other: two prices of one thing on one day; MIG devices that lie outside their GPU."""
    seen: set[tuple[str, ...]] = set()
    rows: list[tuple[str, tuple[str, ...]]] = [
        (f"spec.prices[{index}]", (row.instance, row.region, row.offer, row.as_of)) for index, row in enumerate(document.spec.prices)]
    rows += [(f"spec.service_prices[{index}]", (row.kind, row.region, row.as_of)) for index, row in enumerate(document.spec.service_prices)]
    for path, key in rows:
        if key in seen:
            yield _error(place, path, f"{shown(' '.join(key))} is there twice: which of them counts?", "Keep one.")
        seen.add(key)
    for name, gpu in document.spec.gpus.items():
        memory = max((profile.memory_slices for profile in gpu.mig.values()), default=0)
        for profile, row in gpu.mig.items():
            if max(row.starts) + row.memory_slices > memory:
                yield _error(place, f"spec.gpus.{name}.mig.{profile}.starts",
                             f"{max(row.starts)} + {row.memory_slices} memory slices is beyond the {memory} of the GPU's largest profile.",
                             "Correct the starts, or add the profile that takes the whole GPU.")


def _error(place: Place, path: str, message: str, remedy: str) -> SpecError:
    return SpecError(place.file, place.line(path), path, message, remedy)
