"""What a chart's release runs on and what it brings: rows ``charts`` and ``needs`` of the compatibility table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from gpuplane.catalog.data_files import read_yaml, sources
from gpuplane.catalog.versions import numbers


@dataclass(frozen=True)
class ChartSupport:
    """A chart from a version on.

    Attributes:
        since: that version.
        kubernetes, newest_kubernetes: oldest minor version that it runs on, newest that its makers name; None where they name none.
        apis: API versions of the CRDs that it brings.
    """

    since: str
    kubernetes: str
    newest_kubernetes: str | None
    apis: tuple[str, ...]
    source: str
    as_of: date


@dataclass(frozen=True)
class Needs:
    """What something asks of Kubernetes and of charts: the versions from which on they have it."""

    kubernetes: str
    charts: Mapping[str, str]
    source: str


KUBELET_MINORS_BEHIND = 3
"""Minor versions that a kubelet may be older than the API server (Kubernetes version skew policy)."""


@lru_cache(maxsize=256)
def chart_support(chart: str, version: str) -> ChartSupport | None:
    """The row that speaks of this version; None for versions older than any row."""
    rows = [row for row in read_yaml("compatibility.yaml")["charts"].get(chart, ()) if numbers(row["since"]) <= numbers(version)]
    if not rows:
        return None
    row = max(rows, key=lambda row: numbers(row["since"]))
    source = sources()[row["source"]]
    return ChartSupport(row["since"], row["kubernetes"], row.get("newest_kubernetes"), tuple(row["apis"]), source.text, source.as_of)


@lru_cache(maxsize=8)
def needs(what: str) -> Needs:
    """What ``what`` (``dra``) needs."""
    row = read_yaml("compatibility.yaml")["needs"][what]
    return Needs(row["kubernetes"], row["charts"], sources()[row["source"]].text)
