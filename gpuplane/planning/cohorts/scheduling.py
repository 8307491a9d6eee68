"""Kueue's scheduling cycle: one head of each ClusterQueue at a time, until nothing moves any more.

``pkg/scheduler/scheduler.go`` and ``pkg/cache/queue/cluster_queue.go`` of v0.19.2 with default feature gates. What depends on time or
on chance in Kueue is an input here (:class:`Timing`).

Nothing stays parked for good: any change of a ClusterQueue's status makes its Cohorts reconcile, and each reconciling puts all that
is parked in the tree back into its queues about a second later (``cohort_controller.go``, ``Manager.AddOrUpdateCohort``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

from gpuplane.planning.cohorts.flavor_assignment import Assignment, Mode, assign
from gpuplane.planning.cohorts.preemption import Attempt
from gpuplane.planning.cohorts.quota_tree import FlavorResource, Node, QuotaTree
from gpuplane.planning.cohorts.snapshot import Snapshot
from gpuplane.planning.cohorts.tournament import fair_order
from gpuplane.planning.cohorts.usage import Amounts
from gpuplane.planning.cohorts.victims import targets
from gpuplane.planning.cohorts.workloads import Admitted, Queue, Setting, Workload

MOST_CYCLES = 10_000
"""Cycles of one settling; more is taken for a preemption loop."""
RETRIED_CYCLES = 6
"""Cycles at the start of a round after which :func:`timings` lets retries fall."""


class NeverSettles(Exception):
    """Workloads keep preempting each other: Kueue would never come to rest."""


@dataclass(frozen=True)
class Timing:
    """What the real scheduler's clock decides, or chance.

    Attributes:
        visible_after: cycles until the scheduler sees a preemption that it issued.
        keeps_progress: whether a workload goes on with the next flavor after it lost to another one; an update of the object
            between two cycles can make it begin again.
        ties: which of several workloads that got quota between two evictions counts as the one that got it last: times are
            kept to the second, and objects of the same second are told apart by UID.
        retries: cycles, counted from 1 in each round, after which what is parked is put back: where such a retry comes while
            workloads are still being tried. Without any, it comes when they have been.
        backwards: children of a cohort in the opposite order: with fair sharing the first of equals has it, and they have no order.
    """

    visible_after: int = 0
    keeps_progress: bool = True
    ties: Literal["cycle", "uid", "reversed"] = "cycle"
    retries: frozenset[int] = frozenset()
    backwards: bool = False


@dataclass
class _Line:
    """One ClusterQueue's pending workloads.

    Attributes:
        heap: waiting to be tried.
        parked: tried in vain (``inadmissibleWorkloads``).
        hopeless: shapes that were found not to fit since the last requeueing (``hashToBulkMoveReason``).
        sticky: the workload that waits for its preemptions; it stays at the head.
    """

    heap: dict[str, Workload] = field(default_factory=dict)
    parked: dict[str, Workload] = field(default_factory=dict)
    hopeless: set[tuple[object, ...]] = field(default_factory=set)
    sticky: str = ""

    def pop(self) -> Workload | None:
        """The head: the sticky one, else by priority, age and UID."""
        if not self.heap:
            return None
        name = min(self.heap.values(), key=lambda w: (w.name != self.sticky, -w.priority, w.created, w.uid, w.name)).name
        return self.heap.pop(name)


@dataclass
class _Entry:
    workload: Workload
    assignment: Assignment
    victims: list[Admitted]

    @property
    def usage(self) -> Amounts:
        """What it would use."""
        return self.assignment.usage


@dataclass(frozen=True)
class _Progress:
    """Flavor scan of a workload's last attempt."""

    tried: tuple[dict[str, int], ...]
    cycle: int

    def pending(self) -> bool:
        """``PendingFlavors``."""
        return any(index != -1 for one in self.tried for index in one.values())


class Scheduler:
    """The queues of one cluster and who holds quota, moved forward by cycles.

    Attributes:
        scanning: workloads that were still in the middle of their flavors while nothing else moved. Kueue parks none such
            (``PendingFlavors``), not even one whose namespace may no longer use the queue.
    """

    def __init__(self, setting: Setting, timing: Timing = Timing()) -> None:
        self.setting, self.timing = setting, timing
        self.tree = QuotaTree({name: queue.quotas for name, queue in setting.queues.items()}, setting.cohorts, timing.backwards)
        self.admitted: dict[str, Admitted] = {}
        self.cycle = 0
        self.scanning: set[str] = set()
        self._era = 0
        self._lines = {name: _Line() for name in setting.queues}
        self._progress: dict[str, _Progress] = {}

    def submit(self, workloads: Iterable[Workload]) -> None:
        """Put workloads into their queues."""
        for workload in workloads:
            self._lines[workload.queue].heap[workload.name] = workload

    def withdraw(self, names: Iterable[str]) -> None:
        """Take workloads away, whether they wait or hold quota; what waits is tried again when the next round begins."""
        for name in names:
            self.admitted.pop(name, None)
            self._progress.pop(name, None)
            for line in self._lines.values():
                line.heap.pop(name, None)
                line.parked.pop(name, None)
                line.sticky = "" if line.sticky == name else line.sticky

    def settle(self) -> None:
        """Run until nothing is admitted any more, finishing all evictions whenever only they are awaited.

        Raises:
            NeverSettles: workloads preempt each other for ever.
        """
        while self.round():
            self.finish_evictions()
            if self.cycle > MOST_CYCLES:
                raise NeverSettles

    def round(self) -> bool:
        """Try everything that is pending until trying all of it again changes nothing; whether evictions are awaited then."""
        self._era += 1
        self._retry()
        self._try_all()
        while any(line.parked for line in self._lines.values()):
            before = self._held()
            self._retry()
            self._try_all()
            if self._held() == before:
                break
        return any(holder.evicted_in is not None for holder in self.admitted.values())

    def _retry(self) -> None:
        """``requeueWorkloadsCohort``: what is parked is put back into the heaps."""
        for line in self._lines.values():
            line.heap |= line.parked
            line.parked.clear()
            line.hopeless.clear()

    def _try_all(self) -> None:
        """Cycles until nothing moves any more."""
        first, quiet, enough = self.cycle, 0, self.timing.visible_after + 2 + max(
            (len(queue.groups[0].flavors) for queue in self.setting.queues.values() if queue.groups), default=0)
        while quiet < enough and any(line.heap for line in self._lines.values()):  # a scan of the flavors may go on over several cycles
            quiet = 0 if self._run() else quiet + 1
            going_on = {name for line in self._lines.values() for name in line.heap
                        if name in self._progress and self._progress[name].pending()}
            self.scanning = self.scanning | going_on if quiet else going_on
            if self.cycle - first in self.timing.retries:
                self._retry()
                quiet = 0
            if self.cycle > MOST_CYCLES:
                raise NeverSettles

    def finish_evictions(self) -> None:
        """Evicted workloads give their quota back and queue again, at their old place."""
        for holder in [holder for holder in self.admitted.values() if holder.evicted_in is not None]:
            del self.admitted[holder.workload.name]
            self.submit([holder.workload])

    def pending(self) -> list[Workload]:
        """Workloads without quota, by name."""
        return sorted((one for line in self._lines.values() for one in (*line.heap.values(), *line.parked.values())),
                      key=lambda workload: workload.name)

    def snapshot(self) -> Snapshot:
        """What the next cycle would see."""
        return Snapshot(self.setting, self.tree, self.admitted.values(), self.cycle, self.timing.visible_after)

    def _run(self) -> bool:
        """One scheduling cycle; whether anything changed by it."""
        self.cycle += 1
        before = self._state()
        snapshot = self.snapshot()
        entries = [self._nominate(snapshot, head) for line in self._lines.values() if (head := line.pop()) is not None]
        taken: dict[str, Admitted] = {}
        for entry in fair_order(snapshot, entries) if self.setting.is_fair else _classical_order(entries):
            self._process(snapshot, entry, taken)
        return self._state() != before

    def _state(self) -> tuple[object, ...]:
        lines = tuple((tuple(sorted(line.heap)), tuple(sorted(line.parked)), line.sticky) for line in self._lines.values())
        return lines, self._held()

    def _held(self) -> tuple[tuple[str, bool], ...]:
        return tuple(sorted((name, holder.evicted_in is not None) for name, holder in self.admitted.items()))

    def _nominate(self, snapshot: Snapshot, workload: Workload) -> _Entry:
        progress = self._progress.get(workload.name)
        fresh = self.timing.keeps_progress and progress is not None and self.cycle - progress.cycle <= 1
        assignment = assign(snapshot, workload, progress.tried if progress is not None and fresh else ())
        victims: list[Admitted] = []
        if assignment.mode is Mode.PREEMPT:
            victims = targets(snapshot, Attempt(workload, frozenset(assignment.needing), assignment.usage))
        self._progress[workload.name] = _Progress(tuple(assignment.last_tried), self.cycle)
        return _Entry(workload, assignment, victims)

    def _process(self, snapshot: Snapshot, entry: _Entry, taken: dict[str, Admitted]) -> None:
        """``processEntry`` and ``requeueAndUpdate``."""
        queue, node, mode = snapshot.queue(entry.workload.queue), snapshot.node(entry.workload.queue), entry.assignment.mode
        fits = _fits_without(snapshot, node, entry, taken)
        if mode is Mode.NO_FIT:
            self._requeue(entry, hopeless=True)
        elif mode is Mode.PREEMPT and not entry.victims:
            if queue.preemption.reclaim_within_cohort != "Any":
                snapshot.usage.add(node, _to_reserve(snapshot, node, entry.assignment))
            self._requeue(entry, hopeless=True)
        elif any(holder.workload.name in taken for holder in entry.victims) or not fits:
            self._requeue(entry, at_once=True)
        else:
            taken.update({holder.workload.name: holder for holder in entry.victims})
            snapshot.usage.add(node, entry.assignment.usage)
            if mode is Mode.PREEMPT:
                self._preempt(queue, entry)
            else:
                self._admit(entry)

    def _admit(self, entry: _Entry) -> None:
        name = entry.workload.name
        when = {"cycle": float(self.cycle), "uid": 0.0, "reversed": -float(self.cycle)}[self.timing.ties]
        self.admitted[name] = Admitted(entry.workload, dict(entry.assignment.usage), (self._era * 1e6 + when, ""))
        self._progress.pop(name, None)
        line = self._lines[entry.workload.queue]
        if line.sticky == name:
            line.sticky = ""

    def _preempt(self, queue: Queue, entry: _Entry) -> None:
        for holder in entry.victims:
            if holder.evicted_in is None:
                self.admitted[holder.workload.name].evicted_in = self.cycle
        self._progress.pop(entry.workload.name, None)
        line = self._lines[queue.name]
        line.sticky = entry.workload.name if queue.strategy == "BestEffortFIFO" else line.sticky
        line.heap[entry.workload.name] = entry.workload

    def _requeue(self, entry: _Entry, at_once: bool = False, hopeless: bool = False) -> None:
        """``RequeueIfNotPresent``: back to the heap, or parked until something changes."""
        workload, queue = entry.workload, self.setting.queues[entry.workload.queue]
        line, progress = self._lines[workload.queue], self._progress.get(workload.name)
        if queue.strategy == "StrictFIFO" or at_once or (progress is not None and progress.pending()):
            line.heap[workload.name] = workload
            return
        line.parked[workload.name] = workload
        if hopeless:
            line.hopeless.add(workload.shape)
            for other in [one for one in line.heap.values() if one.shape == workload.shape]:
                line.parked[other.name] = line.heap.pop(other.name)


def _classical_order(entries: Iterable[_Entry]) -> list[_Entry]:
    """``classicalIterator``."""
    return sorted(entries, key=lambda e: (e.assignment.borrowing, -e.workload.priority, e.workload.created, e.workload.uid))


def _fits_without(snapshot: Snapshot, node: Node, entry: _Entry, taken: dict[str, Admitted]) -> bool:
    """``fits``: what is nominated still fits once all of this cycle's victims are gone."""
    gone = taken | {holder.workload.name: holder for holder in entry.victims}
    for holder in gone.values():
        snapshot.usage.remove(snapshot.node(holder.workload.queue), holder.usage)
    fits = all(snapshot.usage.available(node, key) >= amount for key, amount in entry.assignment.usage.items())
    for holder in gone.values():
        snapshot.usage.add(snapshot.node(holder.workload.queue), holder.usage)
    return fits


def _to_reserve(snapshot: Snapshot, node: Node, assignment: Assignment) -> dict[FlavorResource, int]:
    """``quotaResourcesToReserve``: what a workload that waits for preemption keeps from others in this cycle."""
    reserved = {}
    for key, amount in assignment.usage.items():
        quota, used = node.quota(key), snapshot.usage.of(node, key)
        if assignment.borrowing > 0:
            limit = quota.borrowing_limit
            reserved[key] = amount if limit is None else min(amount, quota.nominal + limit - used)
        else:
            reserved[key] = max(0, min(amount, quota.nominal - used))
    return reserved


def timings(evicts: bool = True, is_fair: bool = False) -> Iterator[Timing]:
    """Timings that can lead to different outcomes; where they all agree the outcome does not depend on time.

    Args:
        evicts: whether anything is evicted with the default timing; if not, nobody can see it early or late.
        is_fair: whether queues share by weights.
    """
    ties: tuple[Literal["cycle", "uid", "reversed"], ...] = ("cycle", "uid", "reversed")
    delays = (0, 1, 2, 5) if evicts else (0,)
    yield from (Timing(seen, keeps, tie) for seen in delays for keeps in (True, False) for tie in ties)
    yield from (Timing(seen, keeps, backwards=True) for seen in delays for keeps in (True, False) if is_fair)
    cycles = range(1, RETRIED_CYCLES + 1)
    yield from (Timing(retries=frozenset({cycle})) for cycle in cycles)
    yield from (Timing(retries=frozenset(pair)) for pair in combinations(cycles[:4], 2))
    yield Timing(retries=frozenset(cycles))
