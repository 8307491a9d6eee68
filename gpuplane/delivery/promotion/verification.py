"""Whether releases that a branch brings into an environment came through its gates: what makes ``promote`` more than a habit.

Gates, facts, the target's present releases, the sources and their history are those of the other ref; a branch that changes them changes
nothing here. The target's new releases, evidence and approvals are the branch's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from gpuplane.catalog import catalog_of
from gpuplane.delivery.judge import bound
from gpuplane.delivery.preview import Progress
from gpuplane.delivery.promotion.change import Change
from gpuplane.delivery.promotion.promotion import CANARY, HISTORY, Request, Sides, gate_results, waiting_between
from gpuplane.delivery.promotion.release_history import released, stretches
from gpuplane.delivery.promotion.report import SCHEMA_VERSION, Move, MoveReport
from gpuplane.delivery.promotion.world import World
from gpuplane.planning import plan
from gpuplane.planning.promotion.gate import GateResult, verdict
from gpuplane.planning.promotion.releases import differences, digest_of, moved, release_digest
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
    before = base.environment(request.target)
    after = bound(head.environment(request.target), before)
    rules = before.environment.spec.promotion
    moves = brought(head, after, before)
    progress(f"{len(moves)} releases of {request.target} differ from {base.commit[:12]}")
    planned = [plan(spec, catalog_of(spec), request.now.date()) for spec in (before, after)]
    change = Change("", planned[0].money.month, planned[1].money.month, (), planned[1])
    gates = answers(head, base, request, Sides(after, before, rules, ()), moves, change) if rules is not None else ()
    note = ("Rules, fit and budget are the word of gpuplane preview --judge, which asks these gates too.",) if rules is not None else (
        f"{request.target} has no promotion at {base.commit[:12]}: nothing is asked.",)
    return MoveReport(SCHEMA_VERSION, "promote", "+".join(rules.sources) if rules is not None else request.target, request.target,
                      base.commit, request.now.date(), request.now.isoformat(timespec="seconds"), verdict(gates), moves, gates,
                      change.before, change.after, note, "", "")


def brought(head: World, after: EnvironmentSpec, before: EnvironmentSpec) -> tuple[Move, ...]:
    """Every service that is on both sides, and whose release is not the same."""
    return tuple(_move(head, after, before, name) for name in waiting_between(before, after))


def answers(head: World, base: World, request: Request, sides: Sides, moves: tuple[Move, ...], change: Change) -> tuple[GateResult, ...]:
    """What the other ref's gates say of releases that a branch brings, each said once.

    Args:
        head, base, request: as of :func:`verify`.
        sides: ``source`` is the branch's target, with the other ref's facts; ``target`` the other ref's.
        moves: as :func:`brought` gives them.
    """
    sources = {name: base.environment(name) for name in sides.rules.sources}
    asked = replace(head, graph=base.graph)  # whose evidence counts is not the branch's word either
    return tuple(dict.fromkeys(gate for move in moves for gate in _judged(asked, base, request, sides, sources, moves, move, change)))


def _move(head: World, after: EnvironmentSpec, before: EnvironmentSpec, name: str) -> Move:
    new, old = (moved(spec.services[name].document.spec) for spec in (after, before))
    return Move(name, head.file_of(after.name, after.services[name]), release_digest(old), release_digest(new), differences(old, new),
                head.commit)


def _judged(head: World, base: World, request: Request, sides: Sides, sources: Mapping[str, EnvironmentSpec], moves: tuple[Move, ...],
            move: Move, change: Change) -> Iterator[GateResult]:
    there = [spec for spec in sources.values() if _digest(spec, move.service) == move.after]
    former = next((each for each in stretches(base.repository, base.commit, move.path) if each.digest == move.after), None)
    if there:
        # A wave is behind while one of its services waits, whether the branch moves it or not.
        waiting = tuple(sorted({*waiting_between(there[0], sides.target), *(each.service for each in moves)}))
        asked = replace(request, promoter=_author(head, sides.source, move))
        ended = sides.source.services[move.service].document.spec.running_canary is None  # by this very branch, if at all
        yield from (gate for gate in gate_results(head, asked, replace(sides, source=there[0], waiting=waiting), [move], change, base)
                    if gate.gate != CANARY or not ended)
    elif former is not None:
        yield GateResult(HISTORY, move.service, "waived", f"it ran here before, since {former.commit.hash[:12]}: a way back")
    else:
        names = " or ".join(sources)
        said = f"the release is not that of {names} at {base.commit[:12]}"
        yield GateResult(ORIGIN, move.service, "fail", said, _BY_HAND.format(sources=names))


def _digest(spec: EnvironmentSpec, service: str) -> str:
    return digest_of(spec.services[service].document.spec) if service in spec.services else ""


def _author(head: World, after: EnvironmentSpec, move: Move) -> str:
    """Who brings the release: the author of the newest commit of its file, or, where no commit holds it yet, who commits here."""
    kept = released(head.repository.read(head.commit, move.path))
    committed = kept is not None and release_digest(kept) == _digest(after, move.service)
    author = next((each.author for each in head.repository.changes(head.commit, move.path)), None) if committed else None
    return author if author is not None else head.repository.user
