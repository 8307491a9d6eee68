"""Words of other people inside Markdown: shown as they are, never obeyed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gpuplane.delivery.wording import printable

_SPECIAL = re.compile(r"([\\`*_\[\]~|#])")
_REFERENCE = re.compile(
    r"""(?<=[@#!$%&~^])(?=[\w"'{\[])|(?<!\bhf:)(?<!\bs3:)(?<!\bgs:)(?<!\boci:)(?<!\bpvc:)(?<=:)(?=//)"""
    r"""|(?<=\bwww)(?=\.)|(?<=\bmailto)(?=:)|(?<=\bGH)(?=-\d)""", re.IGNORECASE)
"""Where forges see a mention, a reference or a link in rendered text, whatever was escaped in its source. Addresses of models are no links
that a browser follows, and somebody may want to copy them."""


def escaped(text: str) -> str:
    """Text on one line in which nothing is markup, HTML, a table border, a link, or a mention that would notify somebody."""
    return _SPECIAL.sub(r"\\\1", html(text))


def code(text: str) -> str:
    """Text as a code span, outside of tables."""
    line = _line(text).replace("`", "'")
    return f"`{line}`" if line else ""


def code_cell(text: str) -> str:
    """Text as a code span in a table, where a bar is a border even inside a code span."""
    return f"<code>{escaped(text)}</code>" if "|" in text else code(text)


def html(text: str) -> str:
    """Text between HTML tags: no markup of its own, no link, no mention."""
    return _REFERENCE.sub("\u200b", _line(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _line(text: str) -> str:
    return " ".join(printable(text).split())


def table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines of a table; a heading that ends with ``:`` is of numbers. Cells are Markdown already."""
    sides = ["---:" if heading.endswith(":") else "---" for heading in headings]
    names = [heading.removesuffix(":") for heading in headings]
    return [f"| {' | '.join(cells)} |" for cells in (names, sides, *rows)]


def folded(title: str, lines: list[str]) -> list[str]:
    """Lines behind a fold; the title is text of ours."""
    return ["<details>", f"<summary>{title}</summary>", "", *lines, "", "</details>"]
