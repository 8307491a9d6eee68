"""Whether a rolling update of all services at once comes to its end where quota is short.

A new pod queues like any other, and an old one gives its quota back only when it is removed. The steps are those of the
Deployment controller (``pkg/controller/deployment/rolling.go`` of Kubernetes 1.36): new pods up to the surge, then old ones that
do not run, then old ones that do, never fewer available than ``max_unavailable`` leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle

from gpuplane.planning.cohorts.admission import NotKnown
from gpuplane.planning.cohorts.course import Course, Courses, Replicas

_MOST_ROUNDS = 200
_SAMPLE = 7
"""A rollout takes many settlings: of the timings only some are tried, each of another kind."""


@dataclass(frozen=True)
class Strategy:
    """``rollingUpdate`` of a Deployment, in pods."""

    max_surge: int
    max_unavailable: int


def finished_rollouts(courses: Courses, replicas: Replicas, strategies: Mapping[str, Strategy]) -> Mapping[str, bool | None] | NotKnown:
    """Whether no pod of the old template is left in the end, by service; None where the clock decides.

    Args:
        courses: as they are when the rollout begins; afterwards as they are when it has ended, or goes no further.
        replicas: that there are to be.
        strategies: of the services that are rolled out.
    """
    ways = cycle(((True, False), (False, False), (True, True), (False, True)))
    found = courses.each(lambda run: _Rollout(run, replicas, strategies, *next(ways)).finished(), _SAMPLE)
    if isinstance(found, NotKnown):
        return found
    return {name: found[0][name] if len({each[name] for each in found}) == 1 else None for name in sorted(strategies)}


@dataclass
class _Rollout:
    """One run of all rollouts.

    Attributes:
        hands_over: a new pod queues before the old one has given its quota back, so that nobody comes between them.
        in_turn: services are rolled out one after the other, as far as each comes, before all go on together.
    """

    run: Course
    replicas: Replicas
    strategies: Mapping[str, Strategy]
    hands_over: bool
    in_turn: bool

    def finished(self) -> dict[str, bool]:
        """Whether no old pod is left, by service."""
        old = {name: self.run.pods(name) for name in self.strategies}
        for name in self.strategies if self.in_turn else ():
            self._roll((name,), old)
        self._roll(tuple(self.strategies), old)
        return {name: not old[name] & self.run.pods(name) for name in self.strategies}

    def _roll(self, names: tuple[str, ...], old: Mapping[str, frozenset[str]]) -> None:
        for _ in range(_MOST_ROUNDS):
            before = {name: self.run.pods(name) for name in names}
            for name in names:
                self._step(name, old[name])
            self.run.settle()
            if {name: self.run.pods(name) for name in names} == before:
                return

    def _step(self, name: str, old: frozenset[str]) -> None:
        """One look of the Deployment controller."""
        strategy, wanted = self.strategies[name], self.replicas.get(name, 0)
        self._grow(name, old)
        there = self.run.pods(name)
        left, held, least = there & old, self.run.held(name), wanted - strategy.max_unavailable
        room = len(there) - least - len(there - old - held)
        if room > 0:
            spare = max(0, len(there & held) - least)
            self.run.remove(name, [*sorted(left - held)[:room], *sorted(left & held)[:spare]])
        if self.hands_over:
            self._grow(name, old)

    def _grow(self, name: str, old: frozenset[str]) -> None:
        """New pods up to the surge."""
        there, wanted = self.run.pods(name), self.replicas.get(name, 0)
        self.run.add(name, max(0, min(wanted - len(there - old), wanted + self.strategies[name].max_surge - len(there))))
