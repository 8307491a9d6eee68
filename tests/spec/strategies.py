"""Hostile and half-right values for property tests, and where in a document to put them."""

from __future__ import annotations

import copy
import string
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

WORDS = ("h100", "a100-mig", "a100-mig/1g.10gb", "1g.10gb", "acme", "shared", "pii", "internal", "aws", "existing",
         "eu-central-1",
         "64Gi", "2027-02-30", "2027-03-31", "hf://Qwen/x", "yes", "", "0.19.2", "v1", "10.0.0.0/8", "spec", "name", "cluster")
FIELDS = ("name", "pool", "profile", "quota", "cohort", "nominal_quota", "lending_limit", "mig", "time_slicing", "vllm",
          "triton", "aws",
          "parent", "min_replicas", "replicas", "layout", "a100-mig/1g.10gb", "h100", "<<", "[key]", "")
scalars: st.SearchStrategy[Any] = st.one_of(
    st.booleans(), st.integers(-2, 12), st.integers(), st.sampled_from(WORDS), st.text(max_size=12),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer()))
json_values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(FIELDS), st.text(string.printable, max_size=6)), inner, max_size=3)),
        max_leaves=6)
"""Values without null and without whole floats, which YAML and JSON Schema count as integers."""

Path = tuple[str | int, ...]


def paths_of(value: Any, path: Path = ()) -> list[Path]:
    """Every path of a document, and a new key or entry at each mapping and list."""
    return sorted({*_paths(value, path)}, key=str)


def _paths(value: Any, path: Path) -> Iterator[Path]:
    if path:
        yield path
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
        yield from ((*path, name) for name in ("min_replicas", "cohort", "aws", "profile", "h200", "triton", "a b"))
    elif isinstance(value, list):
        items = list(enumerate(value))
        yield (*path, len(value))
    for key, item in items:
        yield from _paths(item, (*path, key))


def put(document: Any, path: Path, value: Any) -> Any:
    """A copy of a document with one value set, or appended."""
    result = copy.deepcopy(document)
    at = result
    for step in path[:-1]:
        at = at[step]
    if isinstance(at, list) and path[-1] == len(at):
        at.append(value)
    else:
        at[path[-1]] = value
    return result
