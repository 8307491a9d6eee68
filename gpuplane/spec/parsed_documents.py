"""Documents that were parsed before, by the content of their file.

YAML is slow to parse with positions; the same text always gives the same value. What is remembered is only the parsed value, as
JSON, and the line of the document's name: the value is validated anew each time it is read, and one that does not validate is parsed
again from its file.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

PARSER_VERSION = 2
"""Goes up whenever the same text could parse to another value."""


class ParsedDocuments(Protocol):
    """Remembered values, by the digest of the text they were parsed from."""

    def get(self, digest: str) -> str | None:
        """The value as JSON, and below it the line of its name; None where it is not remembered."""

    def put(self, digest: str, value: str) -> None:
        """Remember a value; may be forgotten at any time."""


class InMemory:
    """Remembers as long as the process lives."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def get(self, digest: str) -> str | None:
        return self._values.get(digest)

    def put(self, digest: str, value: str) -> None:
        self._values[digest] = value


def text_digest(text: str) -> str:
    """SHA-256 of a text, with the parser's version."""
    return hashlib.sha256(f"{PARSER_VERSION}\n{text}".encode()).hexdigest()
