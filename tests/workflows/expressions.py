"""As much of GitHub's expression language as the workflows here use; what it does not know is an error."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|[A-Za-z_][\w.-]*|\|\||&&|==|!=|[!()]|[0-9]+)")


def evaluate(text: str, contexts: Mapping[str, Any]) -> Any:
    """The value of an expression without its ``${{ }}``."""
    tokens, position = [], 0
    while text[position:].strip():
        found = _TOKEN.match(text, position)
        if found is None:
            raise ValueError(f"not understood: {text[position:]!r}")
        tokens.append(found[1])
        position = found.end()
    reader = _Reader(tokens, contexts)
    value = reader.either()
    assert not reader.tokens, reader.tokens
    return value


def filled(value: Any, contexts: Mapping[str, Any]) -> Any:
    """A value of a workflow with its expressions evaluated; a text that is one expression keeps the value's type."""
    if not isinstance(value, str):
        return value
    whole = re.fullmatch(r"\$\{\{(.*?)\}\}", value.strip())
    if whole:
        return evaluate(whole[1], contexts)
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: said(evaluate(found[1], contexts)), value)


def said(value: Any) -> str:
    """A value as GitHub writes it into a text."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Reader:
    def __init__(self, tokens: list[str], contexts: Mapping[str, Any]) -> None:
        self.tokens, self._contexts = tokens, contexts

    def either(self) -> Any:
        value = self._both()
        while self._next("||"):
            other = self._both()
            value = value or other
        return value

    def _both(self) -> Any:
        value = self._compared()
        while self._next("&&"):
            other = self._compared()
            value = other if value else value
        return value

    def _compared(self) -> Any:
        value = self._one()
        for sign in ("==", "!="):
            if self._next(sign):
                return (said(value) == said(self._one())) is (sign == "==")
        return value

    def _one(self) -> Any:
        token = self.tokens.pop(0)
        if token == "!":
            return not self._one()
        if token == "(":
            value = self.either()
            assert self._next(")")
            return value
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if token.isdigit():
            return int(token)
        if self._next("("):
            arguments = [] if self.tokens[0] == ")" else [self.either()]
            assert self._next(")")
            return {"always": lambda: True, "fromJSON": json.loads, "failure": lambda: self._contexts["failed"]}[token](*arguments)
        return self._looked_up(token)

    def _looked_up(self, path: str) -> Any:
        value: Any = self._contexts
        first, *rest = path.split(".")
        if first not in self._contexts:
            raise ValueError(f"no context {first}")
        value = self._contexts[first]
        for name in rest:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    def _next(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            self.tokens.pop(0)
            return True
        return False
