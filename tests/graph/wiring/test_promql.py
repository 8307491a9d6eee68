"""The small reader of PromQL finds the series of an expression, and nothing else."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuplane.graph.wiring import promql
from gpuplane.graph.wiring.promql import Matcher, series

NAMES = {
    "up": ["up"],
    "vllm:num_requests_waiting > 10": ["vllm:num_requests_waiting"],
    'sum by (namespace, model_name) (rate(vllm:generation_tokens_total{namespace="a"}[5m]))': ["vllm:generation_tokens_total"],
    "histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m])))": ["x_bucket"],
    "sum(rate(a[5m])) by (pod) / on (pod) group_left (node) b": ["a", "b"],
    "a offset 5m and b unless c or d": ["a", "b", "c", "d"],
    "a @ start() > bool 1": ["a"],
    "max_over_time(a[1h:30s])": ["a"],
    "1e3 * 0x1F + 5m + Inf - NaN": [],
    '{__name__="a", job="b"}': ["a"],
    '{"a.b", job="c"}': ["a.b"],
    'label_replace(a, "x", "$1", "y", "(.*)")': ["a"],
    "a # and b\n+ c": ["a", "c"],
    'sum(a{namespace="$namespace"}[$__rate_interval])': ["a"],
    'count_values("version", build_info)': ["build_info"],
    "vector(1)": [],
    "": [],
    "sum(": [],
    'a{b="unclosed': ["a"],
}


@pytest.mark.parametrize("text", NAMES)
def test_names_of_series(text: str) -> None:
    assert [found.metric for found in series(text)] == NAMES[text]


def test_matchers_of_a_series() -> None:
    (found,) = series(r"""a{b="c", d!='e', f=~"g|h", i!~`\d+`, "j k"="l"}""")

    assert found.matchers == (Matcher("b", "=", "c"), Matcher("d", "!=", "e"), Matcher("f", "=~", "g|h"), Matcher("i", "!~", r"\d+"),
                              Matcher("j k", "=", "l"))


@pytest.mark.parametrize(("operator", "value", "label", "admitted"), [
    ("=", "chat", "chat", True), ("=", "chat", "search", False), ("!=", "chat", "search", True), ("=~", "chat|search", "search", True),
    ("=~", "chat", "chat-v2", False), ("!~", "chat.*", "chat-v2", False), ("=", "$namespace", "search", True), ("=~", "(", "search", True)])
def test_a_matcher_admits_as_prometheus_does(operator: str, value: str, label: str, admitted: bool) -> None:
    assert Matcher("x", operator, value).admits(label) is admitted


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    series(text)


NAME = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name not in {"and", "or", "unless", "by", "on", "without", "ignoring", "offset", "bool", "inf", "nan", "atan2", "start", "end"})


@given(st.lists(st.tuples(NAME, NAME, NAME), min_size=1, max_size=4))
def test_every_series_that_is_written_is_read(parts: list[tuple[str, str, str]]) -> None:
    text = " + ".join(f'sum by ({label}) (rate({name}{{{label}="{value}"}}[5m]))' for name, label, value in parts)

    assert [(found.metric, found.matchers) for found in series(text)] == [
        (name, (Matcher(label, "=", value),)) for name, label, value in parts]


PIECES = ('"', '"', "a", "up", "__name__", "{", "}", ",", "=", "=~", "!=", "(", ")", "[", "]", "[5m]", "by", "on(", "rate(", " ", "\n", "#", "'",
          "`", "\\", "$x", "${y}", "\0", "Ā", "0.5", 'pod="a"', 'namespace="b-c"', '{"quoted", x="1"}', '{__name__="n"}', '{"__name__"="m"}')


def test_an_expression_is_read_the_same_with_and_without_its_strings() -> None:
    pick = random.Random(7)
    for _ in range(20_000):
        text = "".join(pick.choices(PIECES, k=pick.randint(1, 14)))
        assert series(text) == promql._read(text), repr(text)


def test_what_is_the_same_around_its_strings_is_read_once() -> None:
    promql._outline.cache_clear()
    found = [series(f'sum(rate(vllm:x_total{{namespace="{name}"}}[5m])) by (pod)') for name in ("a", "b-c", "")]
    assert [each[0].matchers[0].value for each in found] == ["a", "b-c", ""]
    assert promql._outline.cache_info().misses == 1
