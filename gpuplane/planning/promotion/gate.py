"""What a gate says, with what it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from gpuplane.planning.proof import Proof

State = Literal["pass", "fail", "unknown", "waived"]
"""Unknown blocks where fail would; waived is only said by a rollback, and by a service that nobody evaluates."""


@dataclass(frozen=True)
class GateResult:
    """One gate of one service (``""``: of the whole environment).

    Attributes:
        gate: its name, e.g. ``evaluations``.
        service: ``TENANT/SERVICE``.
        said: what was found, with figures.
        remedy: what to do where it blocks.
        proof: the arithmetic; None where there is none.
        evidence: digests of the documents that it rests on.
    """

    gate: str
    service: str
    state: State
    said: str
    remedy: str = ""
    proof: Proof | None = None
    evidence: tuple[str, ...] = ()

    @property
    def blocks(self) -> bool:
        """Whether nothing may move because of it."""
        return self.state in ("fail", "unknown")


def verdict(results: Iterable[GateResult]) -> Literal["pass", "fail", "unknown"]:
    """Fail if anything fails, else unknown if anything is unknown, else pass."""
    states = {result.state for result in results}
    return "fail" if "fail" in states else "unknown" if "unknown" in states else "pass"
