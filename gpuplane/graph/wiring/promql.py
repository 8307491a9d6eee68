"""Names and label matchers of the series that a PromQL expression reads.

Not a parser: rules run where none can be had. It reads tokens (the lexical rules of Prometheus ``promql/parser/lex.go``)
and tells series from functions, keywords, label lists, durations and strings; what an expression computes does not matter here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, zip_longest
from typing import NamedTuple

_TOKEN = re.compile(r"""
    (?P<space>\s+|\#[^\n]*)
  | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
  | (?P<range>\[[^\]]*\])
  | (?P<variable>\$\{[^}]*\}|\$\w+)
  | (?P<number>(?:[0-9]|\.[0-9])[0-9a-zA-Z_.]*)
  | (?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*(?:\$\{[^}]*\}|\$\w+)?)
  | (?P<operator>=~|!~|!=|==|>=|<=|.)
""", re.VERBOSE | re.DOTALL)
_LABEL_LISTS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORDS = frozenset({"and", "or", "unless", "offset", "bool", "inf", "nan", "atan2", "start", "end", *_LABEL_LISTS})
_NAME = "__name__"
"""Label that is the metric's name."""
_OPENING = ("#", "'", "`", "$", "\0")
"""What begins something in which a double quote is none, and what marks a hole."""
_CLOSED = re.compile(r"[^\[]*(?:\[[^\]]*\][^\[]*)*").fullmatch
"""Whether no range is open at the end of a text."""
_HOLE, _FIRST = "\0", 0x100
"""What a hole begins with, and the character that is number 0: none that means something."""
_FILE_SUFFIXES = ("_bucket", "_sum", "_count", "_total")


class Matcher(NamedTuple):
    """One label matcher; ``operator`` is ``=``, ``!=``, ``=~`` or ``!~``."""

    label: str
    operator: str
    value: str

    def admits(self, value: str) -> bool:
        """Whether a label value passes; one with a dashboard's variable in it, or a regular expression nobody can read, does."""
        if "$" in self.value.rstrip("$") or "[[" in self.value:
            return True
        if self.operator in ("=", "!="):
            return (value == self.value) == (self.operator == "=")
        try:
            return (re.fullmatch(self.value, value) is not None) == (self.operator == "=~")
        except re.error:
            return True


class Series(NamedTuple):
    """One selector of series: a metric name (empty where it is not written out) and its matchers."""

    metric: str
    matchers: tuple[Matcher, ...] = ()

    @property
    def family(self) -> str:
        """The metric's name without the suffixes that histograms, summaries and counters add."""
        for suffix in _FILE_SUFFIXES:
            if self.metric.endswith(suffix):
                return self.metric.removesuffix(suffix)
        return self.metric

    def admits(self, label: str, value: str) -> bool:
        """Whether all matchers of a label take a value."""
        return all(matcher.admits(value) for matcher in self.matchers if matcher.label == label)


def series(expression: str) -> tuple[Series, ...]:
    """Every selector of an expression, in the order it is written."""
    parts = expression.split('"')
    texts = parts[1::2]
    # Objects of a thousand services ask the same of other names: what stands between two quotes changes nothing of what is around them.
    outline = _outline(tuple(parts[::2])) if len(parts) % 2 and "\\" not in expression and _NAME not in texts else None
    if outline is None:
        return _read(expression)
    return tuple(Series(_filled(read.metric, texts), tuple([
        Matcher(_filled(label, texts), operator, _filled(value, texts)) for label, operator, value in read.matchers])) for read in outline)


def _filled(text: str, texts: list[str]) -> str:
    return texts[ord(text[1]) - _FIRST] if text[:1] == _HOLE else text


@lru_cache(maxsize=4096)
def _outline(around: tuple[str, ...]) -> tuple[Series, ...] | None:
    """Selectors of an expression without its strings: each is a hole, with its number.

    None where the double quotes between these parts are not surely those of strings, each of which ends at the next.
    """
    if any(mark in part for part in around for mark in _OPENING) or not all(map(_CLOSED, around)):
        return None
    holes = (f'"{_HOLE}{chr(_FIRST + number)}"' for number in range(len(around) - 1))
    return _read("".join(chain.from_iterable(zip_longest(around, holes, fillvalue=""))))


@lru_cache(maxsize=4096)
def _read(expression: str) -> tuple[Series, ...]:
    return tuple(_series([(match.lastgroup or "", match.group()) for match in _TOKEN.finditer(expression)
                          if match.lastgroup != "space"]))


def _series(tokens: list[tuple[str, str]]) -> Iterator[Series]:
    at = 0
    while at < len(tokens):
        kind, text = tokens[at]
        following = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        if kind == "name" and text.lower() in _LABEL_LISTS and following == "(":
            at = _closing(tokens, at + 1, ")")
        elif (kind == "name" and text.lower() not in _WORDS and following.lower() not in ("(", "by", "without")) or (
                kind == "variable" and following == "{"):
            metric = text if kind == "name" and "$" not in text else ""
            matchers: list[Matcher] = []
            if following == "{":
                end = _closing(tokens, at + 1, "}")
                quoted, matchers = _matchers(tokens[at + 2:end])
                metric, at = metric or quoted, end
            yield Series(metric, tuple(matchers))
        elif text == "{":
            end = _closing(tokens, at, "}")
            metric, matchers = _matchers(tokens[at + 1:end])
            yield Series(metric, tuple(matchers))
            at = end
        at += 1


def _closing(tokens: list[tuple[str, str]], start: int, closer: str) -> int:
    return next((at for at in range(start, len(tokens)) if tokens[at] == ("operator", closer)), len(tokens))


def _matchers(tokens: list[tuple[str, str]]) -> tuple[str, list[Matcher]]:
    """The metric's name where it is written between the braces, and the matchers."""
    name, found, at = "", list[Matcher](), 0
    while at < len(tokens):
        (kind, text), after = tokens[at], tokens[at + 1:at + 3]
        if len(after) == 2 and after[0][1] in ("=", "!=", "=~", "!~") and after[1][0] == "string":
            label, value = _unquoted(kind, text), _unquoted(*after[1])
            if label == _NAME and after[0][1] == "=":
                name = value
            else:
                found.append(Matcher(label, after[0][1], value))
            at += 3
        else:
            if kind == "string":
                name = _unquoted(kind, text)
            at += 1
    return name, found


def _unquoted(kind: str, text: str) -> str:
    if kind != "string" or text[0] == "`":
        return text.strip("`")
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if "\\" in text else text[1:-1]
