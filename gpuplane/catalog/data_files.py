"""The catalogue's data files, read once: tab-separated rows, YAML, and the sources that rows cite."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]


@dataclass(frozen=True)
class Source:
    """Where a row comes from.

    Attributes:
        text: module, document or table, with its version.
        as_of: the day it speaks of.
    """

    text: str
    as_of: date


def read_yaml(name: str) -> dict[str, Any]:
    """One YAML file of ``catalog/data/`` as a mapping."""
    loaded: dict[str, Any] = yaml.load(_text(name), Loader=_Loader)
    return loaded


def read_rows(name: str) -> list[dict[str, str]]:
    """Rows of one tab-separated file of ``catalog/data/``; lines that begin with ``#`` are comments."""
    lines = [line for line in _text(name).splitlines() if line and not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t"))


@cache
def sources() -> dict[str, Source]:
    """Sources by the key that rows cite."""
    return {key: Source(row["text"], date.fromisoformat(row["as_of"])) for key, row in read_yaml("sources.yaml").items()}


def _text(name: str) -> str:
    return (files("gpuplane.catalog") / "data" / name).read_text(encoding="utf-8")
