"""Which of several claims on one limit breaks it: each that is too large alone, else the one at which the sum goes over.

The order is by name, so the same wish always blames the same line; and raising a claim never frees the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

Claimant = TypeVar("Claimant")


@dataclass(frozen=True)
class Crossing(Generic[Claimant]):
    """A limit broken at ``at`` by the claims in ``claims`` (one where it is too large alone)."""

    at: Claimant
    claims: tuple[Claimant, ...]
    total: int


def crossings(claims: Iterable[Claimant], amount: Callable[[Claimant], int], limit: int) -> list[Crossing[Claimant]]:
    """Every way the claims break the limit.

    Args:
        claims: in the order of their names.
        amount: what a claim asks for.
        limit: what there is for all of them.
    """
    found, kept, total = [], [], 0
    at: Claimant | None = None
    for claim in claims:
        if amount(claim) > limit:
            found.append(Crossing(claim, (claim,), amount(claim)))
        elif amount(claim):
            kept.append(claim)
            total += amount(claim)
            if total > limit and at is None:
                at = claim
    if at is not None:
        found.append(Crossing(at, tuple(kept), total))
    return found
