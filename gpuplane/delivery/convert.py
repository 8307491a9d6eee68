"""Documents of an older version become documents of the newest, in place, with their comments.

Every text is made before the first file is written; where one cannot be written, those before it are put back.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.whole_file import write_whole
from gpuplane.delivery.yaml_blocks import edited, edits
from gpuplane.spec import conversions
from gpuplane.spec.document_files import shown_path
from gpuplane.spec.errors import SpecError
from gpuplane.spec.model import API_VERSION
from gpuplane.spec.yaml_source import WISH_LIMITS, parse_text, read_text


def converted_files(environments: Path) -> dict[Path, tuple[str, str]]:
    """Files that are not of the newest version: their text, and what it becomes.

    Raises:
        CannotStart: with all files that cannot be converted.
    """
    if not environments.is_dir():
        raise CannotStart(f"{environments} is no folder; name the folder of the environments with --environments.")
    found, problems = dict[Path, tuple[str, str]](), list[str]()
    for path in sorted(environments.rglob("*.yaml")):
        if path.is_symlink() or not path.is_file():
            continue
        text, wrong = read_text(path, shown_path(path), WISH_LIMITS)
        new = None if wrong else _converted(text, path, wrong)
        problems += map(str, wrong)
        if new is not None:
            found[path] = (text, new)
    if problems:
        raise CannotStart("\n".join([*problems, "Nothing was written."]))
    return found


def write_all(texts: Mapping[Path, str]) -> None:
    """Write all files or none.

    Raises:
        CannotStart: the system says no; what was there is as it was.
    """
    before = {path: (path.read_text(encoding="utf-8"), path.stat().st_mode & 0o777) for path in texts}
    written = list[Path]()
    try:
        for path, text in texts.items():
            write_whole(path, text, before[path][1])
            written.append(path)
    except OSError as error:
        for path in written:
            write_whole(path, *before[path])
        raise CannotStart(f"a document cannot be written: {error}. All are as they were.") from None


def _converted(text: str, path: Path, wrong: list[SpecError]) -> str | None:
    """The new text; None where there is nothing to do, or where it is said in ``wrong`` why nothing can be done."""
    documents, found = parse_text(text, shown_path(path), WISH_LIMITS)
    wrong += found
    value = documents[0].value if len(documents) == 1 else None
    if found or not isinstance(value, dict) or not str(value.get("apiVersion", "")).startswith("gpuplane/"):
        return None
    steps = conversions.steps_from(value["apiVersion"])
    if steps is None:
        wrong.append(SpecError(shown_path(path), documents[0].line_of(("apiVersion",)), "apiVersion",
                               f"{value['apiVersion']} is no version that this gpuplane can convert to {API_VERSION}.",
                               conversions.what_to_do(value["apiVersion"]) or "Correct it."))
        return None
    return _written(text, value, steps, path, wrong) if steps else None


def _written(text: str, value: dict[str, Any], steps: Sequence[conversions.Conversion], path: Path, wrong: list[SpecError]) -> str | None:
    wanted = conversions.converted(value, steps)
    source = yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True)
    old, new = (yaml.compose(each, Loader=yaml.SafeLoader) for each in (text, source))
    assert isinstance(old, yaml.MappingNode)
    assert isinstance(new, yaml.MappingNode)
    found = edited(text, tuple(edits(text, old, new, source)))
    if yaml.safe_load(found) != wanted:
        wrong.append(SpecError(shown_path(path), 1, "", "cannot be changed in place: it is not written as blocks, one field a line.",
                               "Write it so, without {} and anchors, and run this again."))
        return None
    return found


def difference(path: Path, old: str, new: str) -> str:
    """What changes in a file, as a unified diff."""
    name = shown_path(path)
    return "".join(difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), name, name))
