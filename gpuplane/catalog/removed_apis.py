"""API versions that clusters no longer serve: a manifest that names one is refused by the API server, all of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from gpuplane.catalog.data_files import Source, read_rows, sources


@dataclass(frozen=True)
class RemovedApi:
    """One row.

    Attributes:
        removed_in: first minor version of Kubernetes without it, as numbers; None for one that is only deprecated.
        instead: what to write.
        source: who says so, and of which day.
    """

    removed_in: tuple[int, int] | None
    instead: str
    source: Source


def removed_api(api_version: str, kind: str) -> RemovedApi | None:
    """The row about this version of a kind; None for one that is served."""
    rows = _rows()
    return rows.get((api_version, kind)) or rows.get((api_version, "*"))


@cache
def _rows() -> dict[tuple[str, str], RemovedApi]:
    found = {}
    for row in read_rows("removed_apis.tsv"):
        major, _, minor = row["removed_in"].partition(".")
        removed = (int(major), int(minor)) if minor else None
        for kind in row["kinds"].split(","):
            found[row["api_version"], kind] = RemovedApi(removed, row["instead"], sources()[row["source"]])
    return found
