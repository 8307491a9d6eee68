"""How amounts, counts and other people's words are written in every report."""

from __future__ import annotations

import json
import re
from decimal import ROUND_HALF_EVEN, Decimal

_COMMAND = re.compile(r"(?m)^(\s*:)(?=:)|(##)(?=\[)")
"""What a runner of GitHub Actions obeys in a log: ``::name::`` at the start of a line, and ``##[name]`` anywhere in it."""

_NOT_ASCII = re.compile(r"[^\n\x20-\x7e]")
"""Among these is what JSON may leave as it is, and terminals obey or show in another order."""


def usd(amount: Decimal | None, sign: bool = False) -> str:
    """Whole US dollars for a table: ``30 000``; ``unknown`` for None, which is never 0."""
    if amount is None:
        return "unknown"
    whole = amount.quantize(Decimal(1), ROUND_HALF_EVEN) + 0  # no negative zero
    return format(whole, "+,f" if sign else ",f").replace(",", " ")


def printable(text: str) -> str:
    """Text without control characters, so that nothing in a document can steer a terminal or spoil a picture."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)


def plural(count: int, word: str) -> str:
    """``1 tenant``, ``2 tenants``, ``2 policies``."""
    if count == 1:
        return f"1 {word}"
    return f"{count} {word[:-1]}ies" if word.endswith("y") else f"{count} {word}s"


def inert(text: str) -> str:
    """Text of several lines in which a runner finds no command; only characters of no width are added."""
    return _COMMAND.sub(lambda found: f"{found[0]}\u200b", text)


def inert_json(text: str) -> str:
    """The same of JSON, which keeps its value: none of its lines begins with a colon, and in a string a character can be escaped."""
    plain = text.replace("##[", "#\\u0023[")
    return _NOT_ASCII.sub(lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], plain)


def inert_form(text: str, form: str) -> str:
    """The same of any output, by the name of its format."""
    return inert_json(text) if form in ("json", "sarif") else inert(text)
