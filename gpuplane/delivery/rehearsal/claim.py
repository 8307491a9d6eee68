"""What the plan says of one thing, beside what was seen of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gpuplane.planning.cohorts.course import Range

Verdict = Literal["agree", "disagree", "not rehearsed"]


@dataclass(frozen=True)
class Claim:
    """One line of a rehearsal.

    Attributes:
        scenario: in which it was looked at.
        tenant: whose it is; empty for everybody's.
        subject: e.g. ``support/chat``, or ``pool l40s``.
        claim: what it is about, e.g. ``replicas that hold quota``.
        proof: which arithmetic of the plan says so.
        planned, observed: side by side, in words and numbers.
        verdict: whether they agree; ``not rehearsed`` where nothing could be seen.
        why: of a disagreement or of what was not rehearsed; empty where they agree.
    """

    scenario: str
    tenant: str
    subject: str
    claim: str
    proof: str
    planned: str
    observed: str
    verdict: Verdict
    why: str = ""


def agrees(holds: bool) -> Verdict:
    """``agree`` or ``disagree``."""
    return "agree" if holds else "disagree"


def in_range(count: int, expected: Range) -> bool:
    """Whether a count is one that the plan allows."""
    return expected[0] <= count <= expected[1]


def range_words(expected: Range) -> str:
    """``3``, or ``2 to 3 (the clock decides)``."""
    return str(expected[0]) if expected[0] == expected[1] else f"{expected[0]} to {expected[1]} (the clock decides)"
