"""That what would move was applied: git says what is wished, an audit what was done about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gpuplane.planning.promotion.chains import chains
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
        seconds: when that was on record, in Unix time, by the clock of who wrote it.
        sequence: place of the record in its audit.
        result: in a word of ``up``, e.g. ``applied`` or ``failed``.
        release: digest of its release then; empty: nobody wrote it down.
        source: hash of the record.
        audit: which audit was read.
    """

    environment: str
    service: str
    seconds: int
    sequence: int
    result: str
    release: str
    source: str
    audit: str = ""


Look: TypeAlias = DriftResult | Applied
"""What somebody saw of an environment: drift or none, or how an apply ended."""
Newest: TypeAlias = Mapping[str, Sequence[Mapping[str, Applied]]]
"""By environment: of each audit that knows it, the newest by service."""
_WORST: Sequence[State] = ("fail", "unknown")


def newest_applied(known: Iterable[Look]) -> Newest:
    """The newest of each service, and of what does not say which: the last in its audit, whatever time it bears."""
    found: dict[str, list[Mapping[str, Applied]]] = {}
    for chain in chains(each for each in known if isinstance(each, Applied)):
        newest: dict[str, Applied] = {}
        for each in chain:
            if each.service not in newest or newest[each.service].sequence < each.sequence:
                newest[each.service] = each
        found.setdefault(chain[0].environment, []).append(newest)
    return found


def applied_result(service: str, release: str, environment: str, newest: Newest, now: int) -> GateResult:
    """That what an environment's audit says was applied last of a service is this release, and was done; where several audits know, each
    must say so, for nobody knows which came last.

    Args:
        release: digest of what would move, or of what a wave before must have.
        now: Unix time; what was done after it has not happened.
    """
    found = [_judged(max(either, key=lambda each: each.sequence), service, release, now) for audit in newest.get(environment, ())
             if (either := [audit[name] for name in (service, "") if name in audit])]
    if found:
        return next((each for state in _WORST for each in found if each.state == state), found[0])
    return GateResult(GATE, service, "unknown", f"{environment}: no record says that it was ever applied",
                      f"gpuplane up {environment}, where an audit is kept; where that audit is out of reach, give what gpuplane audit "
                      f"{environment} --kind apply --kind destroy --newest --format json prints with --looks.")


def _judged(last: Applied, service: str, release: str, now: int) -> GateResult:
    hours, environment = (now - last.seconds) / HOUR, last.environment
    when = f"{hours:.1f} hours ago" if hours >= 0 else f"{-hours:.1f} hours from now by the clock of who wrote it"
    state: State = "pass"
    said, remedy = f"{environment}: applied {when}", f"Apply {environment} first: gpuplane up {environment}."
    if last.result not in _DONE:
        state, said = "fail", f"{environment}: the last apply of it, {when}, did not end well: {last.result}"
    elif not last.release:
        state, said = "unknown", f"{environment}: the last apply, {when}, does not say of which releases"
    elif last.release != release:
        state, said = "fail", f"{environment}: what was applied last, {when}, is another release, {last.release[:19]}, not {release[:19]}"
    elif hours < 0:
        state, said = "unknown", f"{environment}: the last apply is of a time that has not come yet, {when}"
        remedy = f"Set the clocks right; wait until then, or record it again: gpuplane up {environment}."
    return GateResult(GATE, service, state, said, "" if state == "pass" else remedy, Proof(
        f"{environment}: release applied last", "applied = release and result is good",
        (("applied", last.release or "not said"), ("release", release), ("result", last.result)), f"{hours:.2f}", "hours ago",
        (last.source,)))
