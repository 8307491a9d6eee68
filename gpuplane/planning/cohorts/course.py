"""What Kueue would do as services scale up and down: who is admitted after each step, and who is preempted on the way.

Every replica is a pod of a Deployment. A preempted pod is deleted and the Deployment makes another, which queues as the
youngest of its priority; that is the one difference from :mod:`gpuplane.planning.cohorts.scheduling`, where it keeps its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from gpuplane.planning.cohorts.admission import MOST_TIMED, NotKnown, setting, workload_of
from gpuplane.planning.cohorts.scheduling import NeverSettles, Scheduler, Timing, timings
from gpuplane.planning.cohorts.workloads import Setting, Workload
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec

Replicas = Mapping[str, int]
"""Replicas by service (``tenant/service``)."""
Range = tuple[int, int]
"""Fewest and most, over all that the clock can decide."""
_STEP = 1_000_000
Found = TypeVar("Found")


@dataclass(frozen=True)
class Level:
    """Where one step ends, by service; of the tenants all services together.

    Attributes:
        admitted: replicas that hold quota.
        of_tenants: the same by tenant: which of its services gets the quota may be open where how many do is not.
        preempted: replicas that lost quota to others during the step.
    """

    admitted: Mapping[str, Range]
    of_tenants: Mapping[str, Range]
    preempted: Mapping[str, Range]


class Courses:
    """Everything that the clock can decide, side by side: each step is taken in every run."""

    def __init__(self, spec: EnvironmentSpec, planned: EnvironmentPlan) -> None:
        self.unknown: NotKnown | None = None
        queues, most = setting(spec, planned), sum(entry.document.spec.scaling.max_replicas for entry in spec.services.values())
        self.runs = [Course(spec, planned, queues, Timing(), order) for order in _ORDERS]
        if most <= MOST_TIMED:
            self.runs += [Course(spec, planned, queues, Timing(), _ORDERS[1], turn) for turn in (1, -1)]
            self.runs += [Course(spec, planned, queues, timing, order) for timing in timings(is_fair=queues.is_fair) for order in _ORDERS]

    def to(self, step: Replicas) -> Level | NotKnown:
        """Scale every service to so many replicas; one that is not named has none."""
        outcomes = self.each(lambda run: run.to(step))
        return outcomes if isinstance(outcomes, NotKnown) else _level(outcomes, step)

    def each(self, work: Callable[[Course], Found], sample: int = 1) -> list[Found] | NotKnown:
        """The answer of every run, or why there is none.

        Args:
            sample: of the timings only every so many-th: for work that takes long.
        """
        if self.unknown is None:
            try:
                return [work(run) for run in (*self.runs[:_UNTIMED], *self.runs[_UNTIMED::sample])]
            except NeverSettles:
                self.unknown = NotKnown("replicas of these priorities would preempt each other without end")
        return self.unknown


_UNTIMED = 5
"""Runs that differ in who comes first alone."""
Outcome = tuple[Counter[str], Counter[str]]
"""Admitted and preempted replicas by service."""
Order = Callable[[int, int], int]
"""Age of a replica by the place of its service and its own number: pods of one second have no order of their own."""
_ORDERS: tuple[Order, ...] = (lambda place, number: number * 1000 + place, lambda place, number: place * 1000 + number,
                              lambda place, number: -place * 1000 + number)


def _level(outcomes: Sequence[Outcome], step: Replicas) -> Level:
    tenants = [(Counter(_by_tenant(admitted)), preempted) for admitted, preempted in outcomes]
    return Level({name: _range(admitted[name] for admitted, _ in outcomes) for name in sorted(step)},
                 {name: _range(admitted[name] for admitted, _ in tenants) for name in sorted({each.partition("/")[0] for each in step})},
                 {name: _range(preempted[name] for _, preempted in outcomes) for name in sorted(step)})


def _by_tenant(admitted: Counter[str]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for name, count in admitted.items():
        found[name.partition("/")[0]] += count
    return found


def _range(counts: Iterable[int]) -> Range:
    found = list(counts)
    return min(found), max(found)


class Course(Scheduler):
    """One run: replicas come and go, and Kueue decides.

    Args:
        one_by_one: 1 or -1: services scale one after the other, by name or the other way round, and each is settled before the
            next: who comes first may hold for a moment what is another's. 0: all at once.
    """

    def __init__(self, spec: EnvironmentSpec, planned: EnvironmentPlan, queues: Setting, timing: Timing, order: Order,
                 one_by_one: int = 0) -> None:
        super().__init__(queues, timing)
        self._spec, self._planned, self._order, self._turn = spec, planned, order, one_by_one
        self._live: dict[str, list[Workload]] = {}
        self._made, self._preempted = 0, Counter[str]()

    def pods(self, service: str) -> frozenset[str]:
        """Names of a service's pods, whether they hold quota or not."""
        return frozenset(workload.name for workload in self._live.get(service, ()))

    def held(self, service: str) -> frozenset[str]:
        """Names of those that hold quota."""
        return self.pods(service) & self.admitted.keys()

    def add(self, service: str, count: int) -> None:
        """Make pods; they wait for quota until the next settling."""
        entry, live = self._spec.services[service], self._live.setdefault(service, [])
        for _ in range(count if entry.tenant in self.setting.queues else 0):
            self._made += 1
            made = workload_of(entry, self._planned.pools, f"{service} {self._made:08}", self._made)
            live.append(made)
            self.submit([made])

    def remove(self, service: str, names: Sequence[str]) -> None:
        """Take pods away."""
        self.withdraw(names)
        self._live[service] = [one for one in self._live[service] if one.name not in names]

    def to(self, step: Replicas) -> Outcome:
        """Scale every service to so many replicas, and settle."""
        self._preempted = Counter()
        for place, name in enumerate(sorted({*step, *self._live}, reverse=self._turn < 0)):
            self._scale(name, place, step.get(name, 0))
            if self._turn:
                self.settle()
        self._made += _STEP
        self.settle()
        return Counter(_service(name) for name in self.admitted), self._preempted

    def _scale(self, name: str, place: int, wanted: int) -> None:
        live = self._live.setdefault(name, [])
        entry = self._spec.services[name]
        if entry.tenant not in self.setting.queues:
            return
        # A ReplicaSet removes pods that do not run first, then the youngest.
        live.sort(key=lambda workload: (workload.name not in self.admitted, workload.created))
        self.withdraw([workload.name for workload in live[wanted:]])
        del live[wanted:]
        for number in range(len(live), wanted):
            made = workload_of(entry, self._planned.pools, f"{name} {self._made + number:08}", self._made + self._order(place, number))
            live.append(made)
            self.submit([made])

    def finish_evictions(self) -> None:
        """Whoever was preempted is made anew, as the youngest."""
        for holder in [holder for holder in self.admitted.values() if holder.evicted_in is not None]:
            del self.admitted[holder.workload.name]
            name = _service(holder.workload.name)
            self._preempted[name] += 1
            self._made += 1
            anew = replace(holder.workload, created=self._made + _STEP // 2)
            self._live[name] = [anew if one.name == anew.name else one for one in self._live[name]]
            self.submit([anew])


def _service(workload: str) -> str:
    return workload.rpartition(" ")[0]
