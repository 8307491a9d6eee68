"""How amounts, counts and other people's words are written in every report."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal


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
