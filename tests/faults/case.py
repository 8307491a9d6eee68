"""One row of the table of faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.bed import Bed, Done


def _nothing(_: Bed) -> None:
    """Nothing to do."""


def done_or(words: str) -> Callable[[Bed], None]:
    """That a run of which only the clock decides whether it gets done said the one or the other."""
    def check(bed: Bed) -> None:
        said = bed.running[-1].log.read_text()
        assert (f"✓ {bed.stack}: " in said) != (words in said), f"neither done nor {words!r}, or both:\n{said}"
    return check


@dataclass(frozen=True)
class Case:
    """A fault, and what is true of it.

    Attributes:
        name: a sentence.
        run: breaks something and does the run that suffers from it; what it says is what the user sees.
        status: exit status that this run may have; -9 where it was killed.
        says: words on its stderr, among them what to do.
        prepare: before anything is broken.
        after: what the state is, before the next run.
        heal: the network is back, the webhook runs again; what the user was told to do.
        next_says: words on stderr of the next run.
        options: of the next run.
        applied: whether the tenant is applied before.
    """

    name: str
    run: Callable[[Bed], Done]
    status: frozenset[int]
    says: tuple[str, ...] = ()
    prepare: Callable[[Bed], object] = _nothing
    after: Callable[[Bed], object] = _nothing
    heal: Callable[[Bed], object] = _nothing
    next_says: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    applied: bool = False
