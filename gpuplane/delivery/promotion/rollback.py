"""``rollback``: a service, or a whole environment, back to releases that it had before, in one commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.preview import Progress
from gpuplane.delivery.promotion.change import Replacement, changed, document_with, unchanged
from gpuplane.delivery.promotion.promotion import committed
from gpuplane.delivery.promotion.release_history import Stretch, stretches
from gpuplane.delivery.promotion.report import SCHEMA_VERSION, Move, MoveReport
from gpuplane.delivery.promotion.repository import Repository
from gpuplane.delivery.promotion.world import World, service_of
from gpuplane.planning.promotion.gate import GateResult, verdict
from gpuplane.planning.promotion.releases import differences, digest_of, moved, release_digest
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry

WAIVED = {"evaluations": "it ran here before", "soak": "a way back cannot wait", "applied": "a way back cannot wait",
          "approvals": "a way back cannot wait", "drift": "a way back cannot wait", "cost": "what ran before may cost more",
          "waves": "all that is named goes back at once"}
"""Gates of a promotion that a rollback does not ask, and why; policy, fit and budget are always asked."""


@dataclass(frozen=True)
class Back:
    """What is asked for.

    Attributes:
        service: one ``TENANT/SERVICE``; None: the whole environment.
        to: commit, or a day as ``YYYY-MM-DD`` (its end, in UTC); None: the release before the present one.
        now: moment of the report.
    """

    environment: str
    service: str | None
    to: str | None
    now: datetime
    branch: str = ""
    dry_run: bool = False


def roll_back(world: World, back: Back, progress: Progress) -> MoveReport:
    """Go back, unless the edited environment breaks a rule, does not fit or is over budget.

    Raises:
        CannotStart: there is no such service, commit or day, or nothing ran before.
    """
    spec = world.environment(back.environment)
    names = [back.service] if back.service is not None else [name for name, entry in spec.services.items() if not entry.role]
    entries = {name: service_of(spec, name) for name in names}
    found = dict(_former(world, spec, entries, back))
    found = {name: stretch for name, stretch in found.items() if stretch.digest != digest_of(entries[name].document.spec)}
    moves = tuple(_move(world, spec, entries[name], stretch) for name, stretch in sorted(found.items()))
    progress(f"{len(moves)} of {len(names)} releases would go back")
    replacements = [_replacement(world, spec, entries[name], stretch) for name, stretch in sorted(found.items())]
    change = changed(world, spec, replacements, back.now.date(), progress) if moves else unchanged(spec, back.now.date())
    gates = (*change.gates, *_waived(spec, moves))
    notes = tuple(f"{move.service}: {note}" for move in moves for note in _notes(entries[move.service]))
    report = MoveReport(
        SCHEMA_VERSION, "rollback", spec.name, spec.name, world.commit, back.now.date(), back.now.isoformat(timespec="seconds"),
        verdict(gates), moves, gates, change.before, change.after, notes, "", "")
    return report if back.dry_run or not moves or report.verdict != "pass" else committed(world, report, change.tree, back.branch)


def _former(world: World, spec: EnvironmentSpec, entries: dict[str, ServiceEntry], back: Back) -> Iterator[tuple[str, Stretch]]:
    """The release that each service goes back to."""
    histories = {name: list(stretches(world.repository, world.commit, world.file_of(spec.name, entry))) for name, entry in entries.items()}
    if back.to is not None:
        until = _until(world.repository, world.commit, back.to)
        for name, history in histories.items():
            path = world.file_of(spec.name, entries[name])
            stretch = next((each for each in history if until.holds(world.repository, each)), None)
            if stretch is not None:
                yield name, stretch
            elif back.service is not None:
                raise CannotStart(f"{path} has no release at {back.to}; it had: {_shown(history)}.")
    elif back.service is not None:
        history = histories[back.service]
        if len(history) < 2:
            raise CannotStart(f"{back.service} has had one release alone by git's history{', which is cut off' if _cut(history) else ''}: "
                              "there is no way back. Fetch the whole history, or change the release.")
        yield back.service, history[1]
    else:
        yield from _last_change(histories)


def _last_change(histories: dict[str, list[Stretch]]) -> Iterator[tuple[str, Stretch]]:
    """Every service whose release came with the newest commit that brought any, to what it had before."""
    newest = max((history[0] for history in histories.values() if len(history) > 1), key=lambda each: each.seconds, default=None)
    if newest is None:
        raise CannotStart("no service has had another release by git's history; name a commit with --to.")
    for name, history in histories.items():
        if len(history) > 1 and history[0].commit.hash == newest.commit.hash:
            yield name, history[1]


@dataclass(frozen=True)
class _Until:
    """A point in the history: a commit, or a moment."""

    commit: str
    seconds: int | None

    def holds(self, repository: Repository, stretch: Stretch) -> bool:
        """Whether the stretch had begun by then; of several the newest is meant."""
        if self.seconds is not None:
            return stretch.seconds <= self.seconds
        return repository.is_ancestor(stretch.commit.hash, self.commit)


def _until(repository: Repository, commit: str, to: str) -> _Until:
    try:
        day = date.fromisoformat(to)
    except ValueError:
        found = repository.commit(to)
        if not repository.is_ancestor(found, commit):
            raise CannotStart(f"{to} is not in the history of {commit[:12]}: what is there never ran here.") from None
        return _Until(found, None)
    return _Until("", int(datetime.combine(day, time(23, 59, 59), UTC).timestamp()))


def _move(world: World, spec: EnvironmentSpec, entry: ServiceEntry, stretch: Stretch) -> Move:
    now = moved(entry.document.spec)
    return Move(entry.name, world.file_of(spec.name, entry), release_digest(now), stretch.digest, differences(now, stretch.value),
                stretch.commit.hash)


def _replacement(world: World, spec: EnvironmentSpec, entry: ServiceEntry, stretch: Stretch) -> Replacement:
    path = world.file_of(spec.name, entry)
    then = world.repository.read(stretch.commit.hash, path)
    source = then.decode("utf-8") if then is not None else document_with(stretch.value)
    return Replacement(entry.name, path, world.text(spec.name, entry), source, stretch.value)


def _waived(spec: EnvironmentSpec, moves: Sequence[Move]) -> Iterator[GateResult]:
    promotion = spec.environment.spec.promotion
    if promotion is None or not moves:
        return
    asked = {"evaluations": promotion.gates.evaluations, "soak": promotion.gates.soak_hours,
             "applied": promotion.gates.applied or None, "cost": promotion.gates.cost, "drift": promotion.gates.no_drift,
             "approvals": promotion.gates.approvals, "waves": promotion.waves or None}
    for gate, why in WAIVED.items():
        if asked[gate] is not None:
            yield GateResult(gate, "", "waived", f"not asked of a rollback: {why}")


def _notes(entry: ServiceEntry) -> Iterator[str]:
    canary = entry.document.spec.running_canary
    if canary is not None:
        yield f"its canary stays, with {canary.traffic_percent} % of the requests; gpuplane canary, or remove it."


def _shown(history: Sequence[Stretch]) -> str:
    return ", ".join(f"{each.digest[7:19]} since {datetime.fromtimestamp(each.seconds, UTC):%Y-%m-%d} ({each.commit.hash[:12]})"
                     for each in history[:10])


def _cut(history: Sequence[Stretch]) -> bool:
    return any(each.at_least for each in history)
