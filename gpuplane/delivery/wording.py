"""How amounts, counts and other people's words are written in every report."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal

_COMMAND = re.compile(r"(?m)^(\s*:)(?=:)|(##)(?=\[)")
"""What a runner of GitHub Actions obeys in a log: ``::name::`` at the start of a line, and ``##[name]`` anywhere in it."""

_CONTROL = re.compile("[\\x7f-\\x9f\\u2028\\u2029\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]")
"""What JSON may leave as it is, and terminals obey or show in another order."""


def usd(amount: Decimal | None, sign: bool = False) -> str:
    """Whole US dollars for a table: ``30 000``; ``unknown`` for None, which is never 0."""
    if amount is None:
        return "unknown"
    whole = amount.quantize(Decimal(1), ROUND_HALF_EVEN) + 0  # no negative zero
    return format(whole, "+,f" if sign else ",f").replace(",", " ")


def printable(text: str) -> str:
    """Text without control characters, so that nothing in a document can steer a terminal or spoil a picture."""
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
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text.replace("##[", "#\\u0023["))
