"""What Kueue would do as services scale up and down: who is admitted after each step, and who is preempted on the way.

Every replica is a pod of a Deployment. A preempted pod is deleted and the Deployment makes another, which queues as the
youngest of its priority; that is the one difference from :mod:`gpuplane.planning.cohorts.scheduling`, where it keeps its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gpuplane.planning.cohorts.admission import MOST_TIMED, NotKnown, setting, workload_of
from gpuplane.planning.cohorts.environment_tree import shares_fairly
from gpuplane.planning.cohorts.scheduling import NeverSettles, Scheduler, Timing, timings
from gpuplane.planning.cohorts.workloads import Setting, Workload
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec

Replicas = Mapping[str, int]
"""Replicas by service (``tenant/service``)."""
Range = tuple[int, int]
"""Fewest and most, over all that the clock can decide."""
_STEP = 1_000_000


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


def course(spec: EnvironmentSpec, planned: EnvironmentPlan, steps: Sequence[Replicas]) -> tuple[Level, ...] | NotKnown:
    """A level for each step; the first begins with nothing.

    Args:
        steps: replicas that there are to be; a service that a step does not name has none.
    """
    if shares_fairly(spec):
        return NotKnown("weights switch Kueue's fair sharing on, which goes by what all queues use at that moment")
    queues = setting(spec, planned)
    timed = max((sum(step.values()) for step in steps), default=0) <= MOST_TIMED
    try:
        runs = [_Course(spec, planned, queues, Timing(), order).follow(steps) for order in _ORDERS]
        if timed and any(_is_contested(steps, run) for run in runs):
            runs += [_Course(spec, planned, queues, timing, order).follow(steps) for timing in timings() for order in _ORDERS]
    except NeverSettles:
        return NotKnown("replicas of these priorities would preempt each other without end")
    return tuple(_level([run[index] for run in runs], steps[index]) for index in range(len(steps)))


Outcome = tuple[Counter[str], Counter[str]]
"""Admitted and preempted replicas by service."""
Order = Callable[[int, int], int]
"""Age of a replica by the place of its service and its own number: pods of one second have no order of their own."""
_ORDERS: tuple[Order, ...] = (lambda place, number: number * 1000 + place, lambda place, number: place * 1000 + number,
                              lambda place, number: -place * 1000 + number)


def _is_contested(steps: Sequence[Replicas], run: Sequence[Outcome]) -> bool:
    return any(preempted or admitted.total() < sum(step.values()) for step, (admitted, preempted) in zip(steps, run, strict=True))


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


class _Course(Scheduler):
    def __init__(self, spec: EnvironmentSpec, planned: EnvironmentPlan, queues: Setting, timing: Timing, order: Order) -> None:
        super().__init__(queues, timing)
        self._spec, self._planned, self._order = spec, planned, order
        self._live: dict[str, list[Workload]] = {}
        self._made, self._preempted = 0, Counter[str]()

    def follow(self, steps: Sequence[Replicas]) -> list[Outcome]:
        """The outcome of each step."""
        return [self._to(step) for step in steps]

    def _to(self, step: Replicas) -> Outcome:
        self._preempted = Counter()
        for place, name in enumerate(sorted({*step, *self._live})):
            self._scale(name, place, step.get(name, 0))
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
