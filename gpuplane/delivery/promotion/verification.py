"""Whether releases that a branch brings into an environment came through its gates: what makes ``promote`` more than a habit.

Gates, the target's present releases, the sources and their history are those of the other ref; a branch that changes them changes nothing
here. The target's new releases, evidence and approvals are the branch's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gpuplane.catalog import catalog_of
from gpuplane.delivery.preview import Progress
from gpuplane.delivery.promotion.change import Change
from gpuplane.delivery.promotion.promotion import HISTORY, Request, Sides, gate_results
from gpuplane.delivery.promotion.release_history import stretches
from gpuplane.delivery.promotion.report import SCHEMA_VERSION, Move, MoveReport
from gpuplane.delivery.promotion.world import World
from gpuplane.planning import plan
from gpuplane.planning.promotion.gate import GateResult, verdict
from gpuplane.planning.promotion.releases import differences, moved, release_digest
from gpuplane.spec.environment_spec import EnvironmentSpec

ORIGIN = "origin"
_BY_HAND = "Let it run in {sources} first, and move it with gpuplane promote."


def verify(head: World, base: World, request: Request, progress: Progress) -> MoveReport:
    """The gates' word on every release in which the branch's target differs from the other ref's; nothing is made.

    Args:
        head: the branch.
        base: the ref that it is to be merged into; its gates judge.
        request: ``source`` is not used: a release may come from any source that the target has.
    """
    before, after = base.environment(request.target), head.environment(request.target)
    rules = before.environment.spec.promotion
    names = [name for name, entry in after.services.items() if not entry.role and name in before.services]
    moves = tuple(_move(head, after, before, name) for name in names
                  if moved(after.services[name].document.spec) != moved(before.services[name].document.spec))
    progress(f"{len(moves)} releases of {request.target} differ from {base.commit[:12]}")
    planned = [plan(spec, catalog_of(spec), request.now.date()) for spec in (before, after)]
    change = Change("", planned[0].money.month, planned[1].money.month, (), planned[1])
    gates: list[GateResult] = []
    if rules is not None:
        sources = {name: base.environment(name) for name in rules.sources}
        for move in moves:
            gates += _judged(head, base, request, Sides(after, before, rules, tuple(each.service for each in moves)), sources, move, change)
    unique = tuple(dict.fromkeys(gates))
    note = ("Rules, fit and budget are the word of gpuplane preview --judge.",) if rules is not None else (
        f"{request.target} has no promotion at {base.commit[:12]}: nothing is asked.",)
    return MoveReport(SCHEMA_VERSION, "promote", "+".join(rules.sources) if rules is not None else request.target, request.target,
                      base.commit, request.now.date(), request.now.isoformat(timespec="seconds"), verdict(unique), moves, unique,
                      change.before, change.after, note, "", "")


def _move(head: World, after: EnvironmentSpec, before: EnvironmentSpec, name: str) -> Move:
    new, old = (moved(spec.services[name].document.spec) for spec in (after, before))
    return Move(name, head.file_of(after.name, after.services[name]), release_digest(old), release_digest(new), differences(old, new),
                head.commit)


def _judged(head: World, base: World, request: Request, sides: Sides, sources: dict[str, EnvironmentSpec], move: Move, change: Change,
            ) -> Iterator[GateResult]:
    there = [spec for spec in sources.values() if move.service in spec.services
             and release_digest(moved(spec.services[move.service].document.spec)) == move.after]
    former = next((each for each in stretches(base.repository, base.commit, move.path) if each.digest == move.after), None)
    if there:
        author = next(head.repository.changes(head.commit, move.path)).author
        yield from gate_results(head, replace(request, promoter=author), replace(sides, source=there[0]), [move], change, base)
    elif former is not None:
        yield GateResult(HISTORY, move.service, "waived", f"it ran here before, since {former.commit.hash[:12]}: a way back")
    else:
        names = " or ".join(sources)
        said = f"the release is not that of {names} at {base.commit[:12]}"
        yield GateResult(ORIGIN, move.service, "fail", said, _BY_HAND.format(sources=names))
