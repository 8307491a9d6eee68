"""That what would move was applied: git says what is wished, an audit what was done about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gpuplane.planning.promotion.gate import GateResult, State
from gpuplane.planning.promotion.state_gates import HOUR, DriftResult
from gpuplane.planning.proof import Proof

GATE = "applied"
_DONE = frozenset({"applied", "unchanged", "done"})
"""Words of ``up`` for a stack that is as it is wished, and of a record for all that it names."""


@dataclass(frozen=True)
class Applied:
    """What became of a service when its stack was applied or destroyed.

    Attributes:
        service: ``TENANT/SERVICE``; empty: any, as the record does not say which.
        seconds: when that was on record, in Unix time.
        sequence: place of the record in its audit.
        result: in a word of ``up``, e.g. ``applied`` or ``failed``.
        release: digest of its release then; empty: nobody wrote it down.
        source: hash of the record.
    """

    environment: str
    service: str
    seconds: int
    sequence: int
    result: str
    release: str
    source: str


Look: TypeAlias = DriftResult | Applied
"""What somebody saw of an environment: drift or none, or how an apply ended."""
Newest: TypeAlias = Mapping[tuple[str, str], Applied]
"""The newest by environment and service."""


def newest_applied(known: Iterable[Look], now: int) -> Newest:
    """The newest of each service, and of what does not say which; what comes after ``now`` (Unix time) does not count."""
    found: dict[tuple[str, str], Applied] = {}
    for each in known:
        if isinstance(each, Applied) and each.seconds <= now:
            key = each.environment, each.service
            if key not in found or _order(found[key]) < _order(each):
                found[key] = each
    return found


def applied_result(service: str, release: str, environment: str, newest: Newest, now: int) -> GateResult:
    """That what an environment's audit says was applied last of a service is this release, and was done.

    Args:
        release: digest of what would move, or of what a wave before must have.
        now: Unix time.
    """
    either = [newest[key] for key in ((environment, service), (environment, "")) if key in newest]
    last = max(either, key=_order, default=None)
    if last is None:
        return GateResult(GATE, service, "unknown", f"{environment}: no record says that it was ever applied",
                          f"gpuplane up {environment}, where an audit is kept; where that audit is out of reach, give what gpuplane audit "
                          f"{environment} --kind apply --kind destroy --newest --format json prints with --looks.")
    when = f"{(now - last.seconds) / HOUR:.1f} hours ago"
    state: State = "pass"
    said, remedy = f"{environment}: applied {when}", ""
    if last.result not in _DONE:
        state, said = "fail", f"{environment}: the last apply of it, {when}, did not end well: {last.result}"
    elif not last.release:
        state, said = "unknown", f"{environment}: the last apply, {when}, does not say of which releases"
    elif last.release != release:
        state, said = "fail", f"{environment}: what was applied last, {when}, is another release, {last.release[:19]}, not {release[:19]}"
    if state != "pass":
        remedy = f"Apply {environment} first: gpuplane up {environment}."
    return GateResult(GATE, service, state, said, remedy, Proof(
        f"{environment}: release applied last", "applied = release and result is good",
        (("applied", last.release or "not said"), ("release", release), ("result", last.result)), f"{(now - last.seconds) / HOUR:.2f}",
        "hours ago", (last.source,)))


def _order(each: Applied) -> tuple[int, int]:
    return each.seconds, each.sequence
