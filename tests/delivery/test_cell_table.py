"""A table of known texts is, character by character, the one that rich prints."""

from __future__ import annotations

import random

import pytest
from rich.console import Console

from gpuplane.delivery.cell_table import CellTable

WORDS = ("", "a", "ok", "9 308", "mig-small/1g.10gb", "over budget; a long reason why", "[bold]x[/bold]", ":smile:", "0.5", "https://a.b/c")
STRANGE = ("é", "日本", "\u200b", " a", "b ", "a\tb", "e\u0301")


def printed(table: CellTable, console: Console) -> str:
    with console.capture() as found:
        table.show(console)
    return found.get()


@pytest.mark.parametrize("words", [WORDS, (*WORDS, *STRANGE)])
@pytest.mark.parametrize("seed", range(25))
def test_the_same_as_by_rich(seed: int, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    pick = random.Random(seed)
    headings = [(pick.choice(("tenant", "a", "worst case")), pick.choice(("left", "right"))) for _ in range(pick.randint(1, 9))]
    table = CellTable(headings)
    for _ in range(pick.randint(0, 12)):
        table.add([(pick.choice(words), pick.choice(("", "bold red"))) for _ in headings])
    console = Console(soft_wrap=False, width=400)
    fast = printed(table, console)
    monkeypatch.setattr(CellTable, "_is_plain", lambda *_: False)
    assert fast == printed(table, console)


def test_on_a_terminal_it_has_colours() -> None:
    table = CellTable([("status", "left")])
    table.add([("over budget", "bold red")])
    assert "\x1b[" in printed(table, Console(force_terminal=True, width=80, color_system="standard"))
