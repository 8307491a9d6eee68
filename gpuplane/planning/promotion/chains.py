"""What came after what, among things that were seen of an environment: by their places in one audit, never by the clocks of who wrote them.

Writers of an audit take places behind each other, whatever their clocks say. Between two audits, or where no audit knows of a look, there
are only times to go by. Two that hold the same record are one audit, e.g. what it is now and what somebody printed of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar


class Seen(Protocol):
    """A look for drift, or the end of an apply."""

    @property
    def environment(self) -> str:
        """What it is about."""

    @property
    def audit(self) -> str:
        """Which audit was read; empty: none, it was seen alone."""

    @property
    def sequence(self) -> int:
        """Place of its record in that audit."""

    @property
    def source(self) -> str:
        """Hash of its record."""


S = TypeVar("S", bound=Seen)


def chains(seen: Iterable[S]) -> tuple[Sequence[S], ...]:
    """Things of one environment and one audit each; one that no audit knows is alone."""
    audits: dict[tuple[str, str], list[S]] = {}
    alone: list[list[S]] = []
    for each in seen:
        if each.audit:
            audits.setdefault((each.environment, each.audit), []).append(each)
        else:
            alone.append([each])
    found: list[list[S]] = []
    for chain in audits.values():
        same = [other for other in found if _are_one(other, chain)]
        found = [*(other for other in found if other not in same), [each for part in (*same, chain) for each in part]]
    return *found, *alone


def _are_one(one: Sequence[Seen], other: Sequence[Seen]) -> bool:
    """Whether two audits hold one record, and no two at one place."""
    places, others = ({each.sequence: each.source for each in chain} for chain in (one, other))
    both = places.keys() & others.keys()
    return one[0].environment == other[0].environment and bool(both) and all(places[place] == others[place] for place in both)
