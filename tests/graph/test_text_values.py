"""Quantities, selectors, command lines and model URIs: small languages that people write in many ways."""

from decimal import Decimal
from typing import Any

import pytest

from gpuplane.graph.command_lines import flags, words
from gpuplane.graph.label_selectors import everything, selects
from gpuplane.graph.model_sources import allowed, pinned
from gpuplane.graph.pod_templates import PodContainer
from gpuplane.graph.quantities import plain, quantity
from gpuplane.graph.resource_view import Unknown


@pytest.mark.parametrize(("text", "number"), [
    ("1", 1), (2, 2), ("100m", "0.1"), ("1.5", "1.5"), ("2k", 2000), ("1Ki", 1024), ("4Gi", 4 << 30), ("1e3", 1000), ("0", 0), (".5", "0.5"),
    ("3M", 3_000_000), ("5n", "5e-9")])
def test_a_quantity_is_an_exact_number(text: Any, number: Any) -> None:
    assert quantity(text) == Decimal(str(number))


@pytest.mark.parametrize("text", ["", "a", "1 Gi", "1GiB", "--1", None, True, [], Unknown("u", "p"), "1e999"])
def test_what_is_no_quantity_is_none(text: Any) -> None:
    assert quantity(text) is None


def test_numbers_are_shown_plainly() -> None:
    assert [plain(Decimal("8.000")), plain(80), plain(Decimal("0.5"))] == ["8", "80", "0.5"]


@pytest.mark.parametrize(("selector", "matches"), [
    ({}, True), (None, False), ({"matchLabels": {"a": "1"}}, True), ({"matchLabels": {"a": 1}}, True), ({"matchLabels": {"a": "2"}}, False),
    ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
    ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
    ({"matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["1"]}]}, True),
    ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, True), ({"matchExpressions": [{"key": "b", "operator": "Exists"}]}, False),
    ({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, True), ({"matchExpressions": [{"key": "a", "operator": "Like"}]}, False)])
def test_selectors_match_as_the_api_server_does(selector: Any, matches: bool) -> None:
    assert selects(selector, {"a": "1"}) is matches


def test_only_an_empty_selector_is_everything() -> None:
    selectors: list[Any] = [{}, {"matchLabels": {}}, {"matchLabels": {"a": "b"}}, None]

    assert [everything(each) for each in selectors] == [True, True, False, False]


def _container(**spec: Any) -> PodContainer:
    return PodContainer("spec", "c", "container", spec)


@pytest.mark.parametrize(("spec", "found"), [
    ({"args": ["--a=1", "--b", "2", "--c"]}, {"a": "1", "b": "2", "c": "true"}), ({"args": ["--max_model_len=9"]}, {"max-model-len": "9"}),
    ({"command": ["sh", "-c", "serve --a '1 2' --b"]}, {"a": "1 2", "b": "true"}), ({"args": ["--a=1", "--a=2"]}, {"a": "2"}),
    ({"args": ["it's --a"]}, {"a": "true"}), ({"args": None, "command": "text"}, {}), ({"args": [Unknown("u", "p"), "--a", 3]}, {"a": "3"})])
def test_flags_are_read_in_any_spelling(spec: dict[str, Any], found: dict[str, str]) -> None:
    assert flags(_container(**spec)) == found


def test_words_keep_their_order() -> None:
    assert words(_container(command=["vllm", "serve"], args=["Qwen/x", "--a b"])) == ["vllm", "serve", "Qwen/x", "--a", "b"]


COMMIT = "a09a35458c702b33eeacc393d103063234e8bc28"


@pytest.mark.parametrize(("uri", "fixed"), [
    (f"hf://Qwen/x:{COMMIT}", True), (f"hf://Qwen/x@{COMMIT}", True), ("hf://Qwen/x", False), ("hf://Qwen/x:main", False), (f"hf://{COMMIT}", False),
    ("hf://Qwen/x:0123456789a", False), (f"s3://b/p/{COMMIT}", True), (f"s3://b/p/sha256-{'a' * 64}/", True), ("s3://b/p/v1", False),
    (f"s3://{COMMIT}", False), (f"gs://b/{COMMIT}?x=1", True), (f"oci://r/m@sha256:{'a' * 64}", True), ("oci://r/m:v1", False),
    (f"oci+native://r/m@sha256:{'a' * 64}", True), ("pvc://claim/m", None), (f"https://h/{COMMIT}/model.tar", True), ("https://h/model.tar", False),
    ("/mnt/models", False)])
def test_what_a_uri_pins(uri: str, fixed: bool | None) -> None:
    assert pinned(uri) is fixed


@pytest.mark.parametrize(("uri", "prefixes", "inside"), [
    ("hf://Qwen/x:1", ["hf://Qwen/"], True), ("hf://Qwen/x:1", ["hf://Qwen"], True), ("hf://Qwen2/x:1", ["hf://Qwen"], False),
    ("hf://Qwen/x:1", ["hf://Qwen/x"], True), ("hf://Qwen/xy:1", ["hf://Qwen/x"], False), ("s3://b/x", ["hf://Qwen/", "s3://b"], True),
    ("s3://bad/x", ["s3://b"], False), ("hf://Qwen/x", [], False), ("hf://Qwen/../Evil/x", ["hf://Qwen/"], False), ("hf://a/b", ["hf://"], True)])
def test_an_allowed_source_ends_where_a_part_of_the_path_does(uri: str, prefixes: list[str], inside: bool) -> None:
    assert allowed(uri, prefixes) is inside
