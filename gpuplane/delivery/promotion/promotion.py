"""``promote``: what differs, what the gates say of it, and, where they let it, one commit on a branch of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gpuplane.delivery.command_line import say
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.preview import Progress
from gpuplane.delivery.promotion.change import Change, Replacement, changed, unchanged
from gpuplane.delivery.promotion.evaluated_platform import platform_of
from gpuplane.delivery.promotion.evidence_files import raw_state
from gpuplane.delivery.promotion.looks import audited
from gpuplane.delivery.promotion.messages import branch_name, commit_message
from gpuplane.delivery.promotion.release_history import built_on, stretches
from gpuplane.delivery.promotion.report import SCHEMA_VERSION, Move, MoveReport
from gpuplane.delivery.promotion.trailers import rolled_back_by
from gpuplane.delivery.promotion.world import World, service_of
from gpuplane.delivery.redaction import NO_SECRETS
from gpuplane.planning.promotion.applied_gate import Look, applied_result, newest_applied
from gpuplane.planning.promotion.evaluation_gate import GATE as EVALUATIONS
from gpuplane.planning.promotion.evaluation_gate import Candidate, evaluation_results
from gpuplane.planning.promotion.gate import GateResult, verdict
from gpuplane.planning.promotion.releases import differences, digest_of, moved, release_digest
from gpuplane.planning.promotion.state_gates import (
    DriftResult,
    Running,
    approval_result,
    cost_results,
    drift_results,
    soak_result,
)
from gpuplane.planning.promotion.waves import next_services, wave_applied_results, wave_of, wave_results
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.evaluation import EVIDENCE_FOLDER
from gpuplane.spec.promotion import Promotion

HISTORY, CANARY = "history", "canary"


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        service: one ``TENANT/SERVICE``; None: whatever moves next.
        now: moment that ages are counted to, in UTC.
        looks: what was seen of both environments: drift, and how applies ended.
        branch: its name; empty: one that says what moves.
        dry_run: make nothing.
        again: releases that were rolled back may move again.
        promoter: address of who promotes; empty: who git is set up for.
    """

    source: str
    target: str
    service: str | None
    now: datetime
    looks: tuple[Look, ...] = ()
    branch: str = ""
    dry_run: bool = False
    again: bool = False
    promoter: str = ""

    @property
    def seconds(self) -> int:
        """``now`` as Unix time."""
        return int(self.now.timestamp())


@dataclass(frozen=True)
class Sides:
    """Both environments, and every service that is in both and differs.

    Attributes:
        target: as it is now.
        rules: what the target says of promotion.
        waiting: ``TENANT/SERVICE``, sorted.
    """

    source: EnvironmentSpec
    target: EnvironmentSpec
    rules: Promotion
    waiting: tuple[str, ...]


def promote(world: World, request: Request, progress: Progress) -> MoveReport:
    """Move releases up, unless a gate says no.

    Returns:
        The report; ``commit`` is empty where nothing was made: the verdict is not pass, nothing differs, or it was only asked.

    Raises:
        CannotStart, InvalidSpec: exit status 2.
    """
    sides = _sides(world, request)
    chosen = (request.service,) if request.service is not None else next_services(sides.waiting, sides.rules.waves)
    chosen = tuple(name for name in chosen if name in sides.waiting)
    moves = tuple(_move(world, sides, name) for name in chosen)
    progress(f"{len(moves)} of {len(sides.waiting)} releases that differ would move")
    if moves:
        change = changed(world, sides.target, [_replacement(world, sides, name) for name in chosen], request.now.date(), progress)
    else:
        change = unchanged(sides.target, request.now.date())
    gates = (*gate_results(world, request, sides, moves, change), *change.gates) if moves else ()
    report = MoveReport(
        SCHEMA_VERSION, "promote", sides.source.name, sides.target.name, world.commit, request.now.date(),
        request.now.isoformat(timespec="seconds"), verdict(gates), moves, gates, change.before, change.after, tuple(_notes(sides, chosen)),
        "", "")
    return report if request.dry_run or not moves or report.verdict != "pass" else committed(world, report, change.tree, request.branch)


def committed(world: World, report: MoveReport, tree: str, branch: str) -> MoveReport:
    """The report once its commit is on a branch; the last step names it, and nothing is seen before."""
    name = branch or branch_name(report)
    commit = world.repository.new_commit(tree, world.commit, NO_SECRETS.text(commit_message(report)))
    world.repository.create_branch(name, commit)
    return replace(report, branch=name, commit=commit)


def _sides(world: World, request: Request) -> Sides:
    source, target = world.environment(request.source), world.environment(request.target)
    rules = target.environment.spec.promotion
    place = target.places["Environment", target.name]
    if rules is None:
        raise CannotStart(f"{world.repository.path(f'{target.name}/{place.relative}')}: {target.name} has no promotion: say where its "
                          f"releases come from, e.g. promotion: {{from: [{source.name}]}}.")
    if source.name not in rules.sources:
        line = place.line("spec.promotion.from")
        raise CannotStart(f"{world.repository.path(f'{target.name}/{place.relative}')}:{line} spec.promotion.from: "
                          f"releases of {target.name} come from {', '.join(rules.sources)}, not from {source.name}.")
    if request.service is not None:
        for spec in (source, target):
            service_of(spec, request.service)
    waiting = waiting_between(source, target)
    _require_same_kinds(source, target, waiting)
    return Sides(source, target, rules, waiting)


def waiting_between(source: EnvironmentSpec, target: EnvironmentSpec) -> tuple[str, ...]:
    """Services of both whose releases differ, in the target's order."""
    both = [name for name in _names(target) if name in source.services]
    return tuple(name for name in both if moved(source.services[name].document.spec) != moved(target.services[name].document.spec))


def _require_same_kinds(source: EnvironmentSpec, target: EnvironmentSpec, names: Collection[str]) -> None:
    for name in names:
        kinds = [spec.services[name].document.kind for spec in (source, target)]
        if kinds[0] != kinds[1]:
            raise CannotStart(f"{name} is an {kinds[0]} in {source.name} and an {kinds[1]} in {target.name}: a release cannot move between "
                              "them.")


def _names(spec: EnvironmentSpec) -> tuple[str, ...]:
    return tuple(name for name, entry in spec.services.items() if not entry.role)


def _move(world: World, sides: Sides, name: str) -> Move:
    new, old = sides.source.services[name], sides.target.services[name]
    before, after = moved(old.document.spec), moved(new.document.spec)
    return Move(name, world.file_of(sides.target.name, old), release_digest(before), release_digest(after), differences(before, after),
                world.commit)


def _replacement(world: World, sides: Sides, name: str) -> Replacement:
    new, old = sides.source.services[name], sides.target.services[name]
    texts = [world.text(spec.name, entry) for spec, entry in ((sides.target, old), (sides.source, new))]
    return Replacement(name, world.file_of(sides.target.name, old), texts[0], texts[1], moved(new.document.spec))


def gate_results(world: World, request: Request, sides: Sides, moves: Sequence[Move], change: Change, past: World | None = None,
                 ) -> Iterator[GateResult]:
    """Every gate of the target, for everything that would move; that plan and rules pass is said by the change.

    Args:
        world: whose evidence counts.
        past: whose history counts; None: the same. Dates of commits that nobody has merged are their author's word.
    """
    wanted, seconds, past = sides.rules.gates, request.seconds, past or world
    looks = _looks(sides, request) if wanted.applied or wanted.no_drift is not None else ()
    newest = newest_applied(looks)
    for move in moves:
        if wanted.evaluations is not None:
            yield from _changed_results(world, move)
            yield from evaluation_results(wanted.evaluations, _candidate(world, request, sides, move, change), world.evidence.evaluations)
        if wanted.soak_hours is not None:
            yield soak_result(wanted.soak_hours, move.service, running(past, sides.source, move.service, seconds), seconds)
        if wanted.applied:
            yield applied_result(move.service, move.after, sides.source.name, newest, seconds)
        if wanted.approvals is not None:
            yield approval_result(wanted.approvals, move.service, move.after, sides.target.name, world.evidence.approvals,
                                  _authors(world), request.promoter or world.repository.user)
        yield from _in_the_way(past, request, sides, move)
    if sides.rules.waves:
        before = {name for name in _names(sides.target) if wave_of(name, sides.rules.waves) < len(sides.rules.waves)}
        since = {name: running(past, sides.target, name, seconds) for name in sorted(before)} if moves else {}
        moving = [move.service for move in moves]
        yield from wave_results(moving, sides.waiting, sides.rules.waves, since, seconds)
        if wanted.applied:
            has = {name: digest_of(sides.target.services[name].document.spec) for name in before - set(sides.waiting)}
            yield from wave_applied_results(moving, has, sides.rules.waves, sides.target.name, newest, seconds)
    if wanted.cost is not None:
        yield from cost_results(wanted.cost, change.before, change.after)
    if wanted.no_drift is not None:
        both = {"source": sides.source.name, "target": sides.target.name}
        yield from drift_results(wanted.no_drift, both, [each for each in looks if isinstance(each, DriftResult)], seconds)


def _changed_results(world: World, move: Move) -> Iterator[GateResult]:
    """Raw files that lie beside the evidence are read again: what they say counts, not what somebody wrote down."""
    for digest, each in world.evidence.evaluations.items():
        for result in each.spec.results if each.spec.service == move.service else ():
            if raw_state(world.folder, result) == "differs":
                yield GateResult(EVALUATIONS, move.service, "fail", f"{digest} says something else than its raw file {result.digest}",
                                 "Add the evidence again from the raw file: gpuplane evidence add.")


def _candidate(world: World, request: Request, sides: Sides, move: Move, change: Change) -> Candidate:
    old, new = sides.target.services[move.service], sides.source.services[move.service]
    entry = replace(old, document=old.document.model_copy(update={"spec": old.document.spec.model_copy(update={
        "release": new.document.spec.release})}))
    return Candidate(move.service, moved(new.document.spec), moved(old.document.spec), platform_of(sides.target, change.plan, entry),
                     world.upstream(sides.target.name), request.now.date())


def running(world: World, spec: EnvironmentSpec, service: str, now: int) -> Running:
    """Since when an environment has the release that it has, by git's history, whatever single committers' clocks said.

    Args:
        now: Unix time.
    """
    path = world.file_of(spec.name, spec.services[service])
    found = next(stretches(world.repository, world.commit, path), None)
    if found is None:
        raise CannotStart(f"{path} has no history at {world.commit[:12]}: commit it first.")
    since = max(found.commit.seconds, built_on(world.repository, world.commit, now)[found.commit.hash])
    return Running(spec.name, since, found.commit.hash, found.at_least)


def _looks(sides: Sides, request: Request) -> tuple[Look, ...]:
    """What is given, and what the audits know; one out of reach adds nothing: without it the files that are given must do."""
    found = list(request.looks)
    for spec in (sides.source, sides.target):
        try:
            found += audited(spec)
        except CannotStart as error:
            say(f"the audit of {spec.name} was not read: {error}")
    return tuple(found)


def _authors(world: World) -> Mapping[str, str]:
    found = {}
    for digest in world.evidence.approvals:
        added = world.repository.added(world.commit, world.repository.path(f"{EVIDENCE_FOLDER}/{digest.replace(':', '-')}.yaml"))
        if added is not None:
            found[digest] = added.author
    return found


def _in_the_way(world: World, request: Request, sides: Sides, move: Move) -> Iterator[GateResult]:
    """A canary under way in the target, and a release that was rolled back there."""
    canary = sides.target.services[move.service].document.spec.running_canary
    if canary is not None:
        yield GateResult(CANARY, move.service, "fail", f"a canary is under way with {canary.traffic_percent} % of the requests",
                         "Let it end first: gpuplane canary says how it stands, and promotes its release.")
    by = rolled_back_by(world.repository, world.commit, move)
    if by is not None and not request.again:
        said = f"this release was rolled back in {sides.target.name} by {by.hash[:12]}: {by.subject}"
        yield GateResult(HISTORY, move.service, "fail", said, "Change it; or, where the reason is gone, promote it with --again.")


def _notes(sides: Sides, chosen: Collection[str]) -> Iterator[str]:
    missing = sorted(set(_names(sides.source)) - set(_names(sides.target)))
    if missing:
        yield (f"{sides.target.name} has no {', '.join(missing)}: only releases move; write what belongs to the environment (scaling, "
               "placement, objectives) first.")
    later = sorted(set(sides.waiting) - set(chosen))
    if later:
        yield f"Also differing, and not moved: {', '.join(later)}."
