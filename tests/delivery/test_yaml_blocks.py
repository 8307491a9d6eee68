"""Fields of a YAML file changed in place: the value is the other's, and everything else keeps its text."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuplane.delivery.yaml_blocks import NotABlockError, with_fields_of

TEXT = """\
# who
kind: InferenceService
spec:
  # above the release
  release:                # what moves
    model:
      uri: hf://a         # the model
      revision: abc
    vllm:
      image: i@1
      arguments:
        # how many at once
        max_num_seqs: 64  # measured
  # between
  placement: {pool: h100} # stays

  scaling:
    min_replicas: 1
"""


def test_comments_and_layout_outside_what_differs_stay() -> None:
    other = TEXT.replace("hf://a ", "hf://b ").replace("max_num_seqs: 64  # measured", "max_num_seqs: 128  # tried\n        dtype: auto")
    found = with_fields_of(TEXT, other.replace("min_replicas: 1", "min_replicas: 9"), "spec", ["release"])

    assert found == TEXT.replace("hf://a ", "hf://b ").replace("max_num_seqs: 64", "max_num_seqs: 128").replace(
        "# measured\n", "# measured\n        dtype: auto\n")


def test_a_block_that_the_other_lacks_goes_and_one_that_it_has_comes() -> None:
    other = TEXT.replace("  # between\n", "  lora:\n    adapters: [a]   # one\n")
    added = with_fields_of(TEXT, other, "spec", ["release", "lora"])

    assert yaml.safe_load(added)["spec"]["lora"] == {"adapters": ["a"]}
    assert "# stays" in added
    assert yaml.safe_load(with_fields_of(added, TEXT, "spec", ["release", "lora"])) == yaml.safe_load(TEXT)


@pytest.mark.parametrize(("text", "other"), [("spec: {release: {a: 1}}\n", TEXT), (TEXT, "spec: {release: {a: 1}}\n"), ("spec:\n", TEXT), ("- a\n", TEXT)])
def test_what_is_no_block_is_refused(text: str, other: str) -> None:
    with pytest.raises(NotABlockError, match="spec is not written as a block"):
        with_fields_of(text, other, "spec", ["release"])


def test_a_release_on_one_line_becomes_another_and_the_end_of_the_file_needs_no_line_end() -> None:
    assert with_fields_of("spec:\n  release: {a: 1}  # x\n  b: 2\n", "spec:\n  release: {a: 2, c: [1]}\n", "spec", ["release"]) == (
        "spec:\n  release: {a: 2, c: [1]}\n  b: 2\n")
    assert yaml.safe_load(with_fields_of("spec:\n  b: 2\n  release:\n    a: 1", "spec:\n  release:\n    a: 1\n    c: 3", "spec", ["release"])) == {
        "spec": {"b": 2, "release": {"a": 1, "c": 3}}}


def test_line_ends_of_other_systems_stay() -> None:
    text = TEXT.replace("\n", "\r\n")
    found = with_fields_of(text, TEXT.replace("max_num_seqs: 64", "max_num_seqs: 128"), "spec", ["release"])

    assert found == text.replace("max_num_seqs: 64", "max_num_seqs: 128")


NAMES = st.sampled_from(["a", "b", "c", "model", "image"])
SCALARS = st.integers(0, 9) | st.booleans() | st.sampled_from(["x", "1", "a: b", "two\nlines", "# no comment", "", "'"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8)
RELEASES = st.dictionaries(NAMES, VALUES, min_size=1, max_size=4)


@settings(max_examples=300, deadline=None)
@given(RELEASES, RELEASES, st.booleans(), st.sampled_from([True, False, None]), st.integers(1, 4))
def test_whatever_the_releases_the_field_is_the_others_and_the_rest_is_untouched(
        old: dict[str, Any], new: dict[str, Any], comment: bool, flow: bool | None, indent: int) -> None:
    head, tail = "# first\nkind: A\nspec:\n  before: 1   # one\n", "  # after\n  placement: {pool: x}   # stays\n"
    block = (f"release: {yaml.safe_dump(old, default_flow_style=True, width=10_000)}" if flow
             else yaml.safe_dump({"release": old}, default_flow_style=flow, sort_keys=False))
    lines = "".join(f"  {line}\n" for line in block.splitlines())
    text = head + (lines.replace("\n", "\n  # said\n", 1) if comment and lines.startswith("  release:\n") else lines) + tail
    other = yaml.safe_dump({"spec": {"release": new}}, indent=max(2, indent), sort_keys=False)
    try:
        found = with_fields_of(text, other, "spec", ["release"])
    except NotABlockError:
        return
    assert yaml.safe_load(found) == {"kind": "A", "spec": {"before": 1, "release": new, "placement": {"pool": "x"}}}
    assert found.startswith(head)
    assert found.endswith(tail)
