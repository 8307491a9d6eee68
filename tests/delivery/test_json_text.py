"""The quick way writes what the standard library writes, whatever the value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuplane.delivery.json_text import json_text, object_pieces
from gpuplane.policies.finding import Verdict

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=())), inner) | st.tuples(inner, inner), max_leaves=20)


def slow(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


@given(VALUES)
def test_it_is_what_the_standard_library_writes(value: Any) -> None:
    assert json_text(value) == slow(value)


@pytest.mark.parametrize("value", [
    {}, [], {"a": {}, "b": []}, {1: 2, 3: 4}, {"verdict": Verdict.FAIL}, {"big": 2**70, "small": -2**63}, [1e16, 1e-7, float("inf"), -0.0, 0.1],
    "\x00\x1f\x7f\u2028\ud800\"\\/é", {"b": 1, "a": [True, None, (1, 2)]}])
def test_the_corners(value: Any) -> None:
    assert json_text(value) == slow(value)


@pytest.mark.parametrize("value", [{1, 2}, {"a": object()}, {"a": 1, 2: 3}])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        json_text(value)


@given(st.dictionaries(st.text(), VALUES, max_size=4), st.dictionaries(st.text(), st.lists(VALUES, max_size=4), max_size=3))
def test_an_object_in_pieces_is_the_same_text(fields: dict[str, Any], listed: dict[str, list[Any]]) -> None:
    in_pieces = {**fields, **{key: iter(values) for key, values in listed.items()}}

    assert "".join(object_pieces(in_pieces)) == slow({**fields, **listed})
