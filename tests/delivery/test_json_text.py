"""JSON text is what the standard library writes, byte for byte."""

from __future__ import annotations

import enum
import json
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuplane.delivery.json_text import json_text

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner), max_leaves=30)


class Word(enum.StrEnum):
    """A text that is no ``str`` by itself."""

    ONE = "one"


def _whole(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


@given(VALUES)
def test_any_value(value: Any) -> None:
    assert json_text(value) == _whole(value)


@pytest.mark.parametrize("value", [
    OrderedDict(b=[1, {"a": Word.ONE}], a=Word.ONE), {1: {2: ["a\nb"]}, 3: 4}, {"a": {True: OrderedDict(b=[[], {}])}}, [[], {}, ()],
    {"\ud800": "\x7f\u2028"}, 10 ** 40, [1e300, -0.0]], ids=repr)
def test_unusual_values(value: Any) -> None:
    assert json_text(value) == _whole(value)


@pytest.mark.parametrize("value", [{"a": object()}, [{1: 1, "a": 2}], {"a": {(1, 2): 3}}], ids=["an object", "mixed keys", "a pair as key"])
def test_what_is_no_json(value: Any) -> None:
    with pytest.raises(TypeError) as theirs:
        _whole(value)
    with pytest.raises(TypeError) as ours:
        json_text(value)
    assert type(ours.value) is type(theirs.value)
