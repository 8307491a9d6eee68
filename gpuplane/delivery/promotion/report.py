"""What a promotion or a rollback would do, or has done, as one frozen value that each output format only prints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from gpuplane.planning.json_value import json_value
from gpuplane.planning.money.month import Month
from gpuplane.planning.promotion.gate import GateResult
from gpuplane.planning.promotion.releases import FieldDifference

SCHEMA_VERSION = 1
"""Version of the JSON form; it grows by one when a field changes its meaning or goes."""


@dataclass(frozen=True)
class Move:
    """One service whose release changes.

    Attributes:
        path: file that is edited, below the top of the repository.
        before, after: digests of release and adapters.
        fields: what differs, ``here`` before and ``there`` after.
        of: commit that the release is taken from.
    """

    service: str
    path: str
    before: str
    after: str
    fields: tuple[FieldDifference, ...]
    of: str


@dataclass(frozen=True)
class MoveReport:
    """One promotion or rollback.

    Attributes:
        source: environment that releases come from; of a rollback the environment itself.
        base: commit that it is built on.
        now: moment that ages are counted to, in UTC.
        gates: every gate of every service.
        cost_before, cost_after: a month of the whole target.
        branch, commit: what was made; empty where nothing was.
    """

    schema_version: int
    action: Literal["promote", "rollback"]
    source: str
    target: str
    base: str
    as_of: date
    now: str
    verdict: Literal["pass", "fail", "unknown"]
    moves: tuple[Move, ...]
    gates: tuple[GateResult, ...]
    cost_before: Month
    cost_after: Month
    notes: tuple[str, ...]
    branch: str
    commit: str

    @property
    def blocking(self) -> tuple[GateResult, ...]:
        """Gates that nothing gets past."""
        return tuple(gate for gate in self.gates if gate.blocks)

    @property
    def evidence(self) -> tuple[str, ...]:
        """Digests of all documents that gates rest on."""
        return tuple(sorted({digest for gate in self.gates for digest in gate.evidence}))

    @property
    def title(self) -> str:
        """What it is, in one line."""
        what = self.moves[0].service if len(self.moves) == 1 else f"{len(self.moves)} services"
        return (f"Promote {what} from {self.source} to {self.target}" if self.action == "promote" else
                f"Roll {what} back in {self.target}")

    def to_json_value(self) -> dict[str, Any]:
        """Plain JSON values with sorted keys."""
        value: dict[str, Any] = json_value(self)
        return value
