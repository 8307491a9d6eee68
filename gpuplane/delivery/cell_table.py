"""A table whose texts are all known: as wide as its cells, and where nobody sees colours, written without rich, which takes seconds.

A report of a thousand tenants has four thousand lines of fourteen cells. On a terminal rich prints them; in a file or a pipe the
same characters come from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

Heading = tuple[str, str]
"""Text, and the side that its column is set to: ``left`` or ``right``."""


def empty_table(headings: Sequence[Heading]) -> Table:
    """A table without rows, as every report has them."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1))
    for heading, side in headings:
        table.add_column(heading, justify="right" if side == "right" else "left", overflow="fold", no_wrap=side == "right")
    return table


@dataclass
class CellTable:
    """Rows of texts, and the style of each.

    Attributes:
        headings: of the columns.
        rows: each with a text and a style for every column.
        widths: of the widest text of each column.
    """

    headings: Sequence[Heading]
    rows: list[list[tuple[str, str]]] = field(default_factory=list)
    widths: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.widths = [cell_len(heading) for heading, _ in self.headings]

    def add(self, row: list[tuple[str, str]]) -> None:
        """One more row."""
        self.widths = list(map(max, self.widths, (cell_len(text) for text, _ in row)))
        self.rows.append(row)

    def frame(self) -> Table:
        """The table without its rows: told how wide it is, rich need not measure every cell twice."""
        table = empty_table(self.headings)
        for column, width in zip(table.columns, self.widths, strict=True):
            column.width = width
        return table

    def show(self, console: Console, wraps: bool = False) -> None:
        """Print it.

        Args:
            console: where to.
            wraps: whether it is wider than the console, so that cells are wrapped.
        """
        if not wraps and self._is_plain(console):
            console.print(Segments([Segment("".join(f"{line}\n" for line in self._lines()))]), soft_wrap=True, end="")
            return
        table = empty_table(self.headings) if wraps else self.frame()
        for row in self.rows:
            table.add_row(*(Text(text, style=style) for text, style in row))
        console.print(table)

    def _is_plain(self, console: Console) -> bool:
        """Whether nobody sees styles, and each cell is one line of characters that are one column wide."""
        return (console.color_system is None and not console.options.ascii_only and not console.legacy_windows
                and all(text.isascii() and text.isprintable() and text == text.strip(" ") for row in self.rows for text, _ in row))

    def _lines(self) -> list[str]:
        head = [heading for heading, _ in self.headings]
        rule = "─".join("─" * (width + 2) for width in self.widths)
        return [self._line(head), rule, *(self._line([text for text, _ in row]) for row in self.rows)]

    def _line(self, texts: list[str]) -> str:
        return " ".join(f" {text:>{width}} " if side == "right" else f" {text:<{width}} "
                        for text, width, (_, side) in zip(texts, self.widths, self.headings, strict=True))
