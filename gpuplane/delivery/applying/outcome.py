"""What became of each stack in a run, and the table at its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from gpuplane.delivery.exit_status import ENGINE_FAILED, GOOD, REFUSED
from gpuplane.spec.environment_spec import StackKey

if TYPE_CHECKING:
    from rich.console import Console

Result = Literal["applied", "unchanged", "failed", "refused", "held", "not begun", "stopped", "done before", "destroyed"]
"""``held``: not approved, or drifted; ``not begun``: something before it failed; ``stopped``: by an interrupt."""

_STYLES: Mapping[Result, str] = {"applied": "green", "unchanged": "green", "done before": "green", "destroyed": "green", "failed": "red",
                                 "refused": "red", "held": "yellow", "not begun": "yellow", "stopped": "yellow"}
WORDS: Mapping[str, str] = {"create": "created", "update": "updated", "replace": "replaced", "import": "imported", "delete": "deleted",
                            "same": "unchanged"}


@dataclass(frozen=True)
class Outcome:
    """One stack after a run.

    Attributes:
        key, name: the stack.
        result: what became of it.
        counts: finished steps by operation.
        attempts: how often it was tried.
        seconds: how long that took.
        reason: why it is not applied; empty where it is.
    """

    key: StackKey
    name: str
    result: Result
    counts: Mapping[str, int] = field(default_factory=dict)
    attempts: int = 0
    seconds: float = 0.0
    reason: str = ""

    @property
    def is_done(self) -> bool:
        """Whether the stack is as it is wished."""
        return self.result in ("applied", "unchanged", "done before", "destroyed")

    @property
    def changes(self) -> str:
        """``3 created, 1 updated``."""
        said = [f"{self.counts[key]} {word}" for key, word in WORDS.items() if self.counts.get(key)]
        return ", ".join(said) or "no changes"


def exit_status(outcomes: Iterable[Outcome]) -> int:
    """3 where the engine failed or was stopped, else 1 where something was refused or held, else 0."""
    results = {outcome.result for outcome in outcomes}
    if results & {"failed", "stopped"}:
        return ENGINE_FAILED
    return REFUSED if results & {"refused", "held", "not begun"} else GOOD


def print_summary(outcomes: Iterable[Outcome], console: Console) -> None:
    """A table of all stacks, and after it why those that are not done are not."""
    from rich import box
    from rich.table import Table

    rows = tuple(outcomes)
    table = Table(box=box.SIMPLE)
    for heading in ("stack", "result", "changes"):
        table.add_column(heading, no_wrap=heading == "stack")
    table.add_column("attempts", justify="right")
    table.add_column("seconds", justify="right")
    for one in rows:
        began = one.attempts > 0
        table.add_row(one.name, f"[{_STYLES[one.result]}]{one.result}[/]", one.changes if began else "", str(one.attempts) if began else "",
                      f"{one.seconds:.0f}" if began else "")
    console.print(table)
    for one in rows:
        if one.reason and not one.is_done:
            console.print(f"[red]✗[/] {one.name}: ", end="")
            console.print(one.reason, soft_wrap=True, markup=False, highlight=False)
