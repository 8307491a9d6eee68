"""Values that a chart knows, by chart and version: a misspelt key would do nothing, and nobody would hear of it.

One file of ``data/charts/`` for each chart version (see :mod:`gpuplane.catalog.chart_keys`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from gpuplane.catalog.data_files import read_yaml, sources
from gpuplane.catalog.versions import numbers

_TYPES: Mapping[str, tuple[type, ...]] = {
    "bool": (bool,), "int": (int,), "number": (int, float), "string": (str,), "scalar": (str, int, float, bool),
    "int_or_percent": (int, str), "list": (list, tuple), "map": (Mapping,), "any": (object,)}


@dataclass(frozen=True)
class ValueProblem:
    """A value that a chart does not take: where, what is wrong, what to do."""

    path: str
    claim: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}: {self.claim} {self.remedy}"


@dataclass(frozen=True)
class Chart:
    """The values of one chart version.

    Attributes:
        name: the chart's own name.
        version: as its repository spells it.
        keys: key to type, nested as the values are.
        source, as_of: where the keys come from.
    """

    name: str
    version: str
    keys: Mapping[str, Any]
    source: str
    as_of: date

    def problems(self, values: Mapping[str, Any]) -> Iterator[ValueProblem]:
        """Keys that the chart does not know, with the nearest one that it does, and values of another type."""
        yield from _problems(f"{self.name} {self.version}", self.keys, values, "")


def chart(name: str, version: str) -> Chart | None:
    """The chart at exactly that version; None where no file says what it takes."""
    return _charts().get((name, version))


def chart_versions(name: str) -> tuple[str, ...]:
    """Versions of a chart whose values are known, oldest first."""
    return tuple(sorted((version for known, version in _charts() if known == name), key=numbers))


def nearest_chart(name: str, version: str) -> Chart | None:
    """The chart at that version, or the newest known one of the same minor release: patches keep their values."""
    exact = chart(name, version)
    same = [each for each in chart_versions(name) if numbers(each)[:2] == numbers(version)[:2]]
    return exact or (chart(name, same[-1]) if same else None)


@cache
def _charts() -> Mapping[tuple[str, str], Chart]:
    found = {}
    for file in sorted((files("gpuplane.catalog") / "data" / "charts").iterdir(), key=lambda each: each.name):
        row = read_yaml(f"charts/{file.name}")
        source = sources()[row["source"]]
        keys = _merged(row["values"], row.get("read_by_templates", {}))
        found[row["chart"], row["version"]] = Chart(row["chart"], row["version"], keys, source.text, source.as_of)
    return found


def _merged(keys: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    below = {key: _merged(keys[key], value) for key, value in more.items()
             if isinstance(value, Mapping) and isinstance(keys.get(key), Mapping)}
    return {**keys, **more, **below}


def _problems(chart_name: str, keys: Mapping[str, Any], values: Mapping[str, Any], prefix: str) -> Iterator[ValueProblem]:
    for key, value in values.items():
        path = f"{prefix}{key}"
        known = keys.get(key)
        if known is None:
            near = get_close_matches(key, keys, 1)
            yield ValueProblem(path, f"{chart_name} has no value {path}.", f"Did you mean {prefix}{near[0]}?" if near else
                               f"There are: {', '.join(f'{prefix}{each}' for each in sorted(keys)) or 'none'}.")
        elif isinstance(known, Mapping) and isinstance(value, Mapping):
            yield from _problems(chart_name, known, value, f"{path}.")
        elif isinstance(known, Mapping) or not _fits(known, value):
            asked = "a block" if isinstance(known, Mapping) else known
            yield ValueProblem(path, f"{chart_name} takes {asked} at {path}, and this is {value!r}.", f"Write {asked}.")


def _fits(known: str, value: Any) -> bool:
    if isinstance(value, bool) and known not in ("bool", "scalar", "any"):
        return False  # bool is an int to Python
    return isinstance(value, _TYPES[known])
