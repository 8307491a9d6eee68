"""From one version of the document format to the next: one row for each step, and none as long as there is only one version.

A step says what becomes of a document's ``spec``; the text around it, comments and all, is kept by whoever writes the file.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gpuplane.spec.model import API_VERSION

_VERSION = re.compile(r"gpuplane/v(\d{1,6})((?:alpha|beta)\d{1,6})?")


@dataclass(frozen=True)
class Conversion:
    """One step.

    Attributes:
        older, newer: ``apiVersion`` before and after.
        spec: by kind, what a ``spec`` of the older version is in the newer one; kinds that are not here stay as they are.
    """

    older: str
    newer: str
    spec: dict[str, Callable[[dict[str, Any]], dict[str, Any]]]


CONVERSIONS: tuple[Conversion, ...] = ()
"""Every step there is, one for each version that was ever released before :data:`~gpuplane.spec.model.API_VERSION`."""


def steps_from(version: object, newest: str = API_VERSION) -> tuple[Conversion, ...] | None:
    """The steps that lead from a version to the newest: none where it is that; None where no way leads there."""
    found = list[Conversion]()
    while version != newest:
        step = next((one for one in CONVERSIONS if one.older == version), None)
        if step is None or step in found:
            return None
        found.append(step)
        version = step.newer
    return tuple(found)


def converted(document: dict[str, Any], steps: Sequence[Conversion]) -> dict[str, Any]:
    """A document of an older version as the newest has it; the one that was given is not changed."""
    found = copy.deepcopy(document)
    for step in steps:
        change = step.spec.get(str(found.get("kind")))
        if change is not None:
            found["spec"] = change(found.get("spec") or {})
        found["apiVersion"] = step.newer
    return found


def what_to_do(version: object) -> str:
    """About a document whose version is not the newest; empty where its version says nothing."""
    if version != API_VERSION and steps_from(version):
        return "Run `gpuplane convert`, which writes it in the newer form; with --dry-run it shows how."
    found, newest = (_VERSION.fullmatch(str(one)) for one in (version, API_VERSION))
    if found is not None and newest is not None and int(found[1]) > int(newest[1]):
        return "It was written for a newer gpuplane: use that release."
    return ""
