"""One YAML scalar to a plain value: text stays text, and what YAML readers disagree on is refused, not guessed.

YAML 1.1 takes ``no`` for a boolean and ``22:30`` for a number in base 60; YAML 1.2 takes both for text. A wish
means the same to every reader.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from gpuplane.spec.errors import shown

_STANDARD = "tag:yaml.org,2002:"
_TEXT = frozenset({f"{_STANDARD}str", f"{_STANDARD}timestamp", f"{_STANDARD}value", f"{_STANDARD}merge"})
_PLAIN_BOOLEANS = {"true": True, "false": False}
_PLAIN_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_PLAIN_FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]*([eE][-+]?[0-9]+)?\Z")
_CONSTRUCTOR = yaml.constructor.SafeConstructor()


class RefusedScalarError(Exception):
    """A scalar without a clear value; ``message`` says which, ``remedy`` what to write instead."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy


def scalar(tag: str, text: str, plain: bool) -> Any:
    """The value of a scalar.

    Args:
        tag: its resolved YAML tag.
        text: its text. Dates stay text: the models that want one parse it.
        plain: refuse what YAML 1.1 and 1.2 read differently, and empty values.

    Raises:
        RefusedScalarError: for tags of other types and for what cannot be read, or not in one way.
    """
    if tag in _TEXT:
        return text
    kind = tag.removeprefix(_STANDARD)
    if plain:
        return _plain(kind, text, tag)
    return _any(kind, text, tag)


def _plain(kind: str, text: str, tag: str) -> Any:
    if kind == "null":
        raise RefusedScalarError("is empty.", "Write a value, {} to switch it on with its defaults, or remove the key.")
    if kind == "bool":
        if text in _PLAIN_BOOLEANS:
            return _PLAIN_BOOLEANS[text]
        raise RefusedScalarError(f"{text[:80]} is a boolean to some readers of YAML and text to others.",
                            "Write true or false, or put it in quotes.")
    if (kind == "int" and not _PLAIN_INTEGER.match(text)) or (kind == "float" and not _PLAIN_FLOAT.match(text)):
        raise RefusedScalarError(f"{text[:80]} is not a plain decimal number.", "Write it in digits, or put text in quotes.")
    return _any(kind, text, tag)


def _any(kind: str, text: str, tag: str) -> Any:
    try:
        if kind == "int":
            return _integer(text)
        if kind == "float":
            return _CONSTRUCTOR.construct_yaml_float(yaml.ScalarNode(tag, text))
        if kind == "bool":
            return _CONSTRUCTOR.bool_values[text.lower()]
    except (ValueError, LookupError, ArithmeticError):
        raise RefusedScalarError(f"{shown(text)} cannot be read as {kind}.", "Correct it, or put text in quotes.") from None
    if kind == "null":
        return None
    raise RefusedScalarError(f"the tag {shown(tag)} is not allowed.", "Use plain values.")


def _integer(text: str) -> int:
    if len(text) > 400:  # far beyond any field, and Python refuses to print integers beyond 4300 digits
        raise ValueError(text[:80])
    return int(_CONSTRUCTOR.construct_yaml_int(yaml.ScalarNode("tag:yaml.org,2002:int", text)))
